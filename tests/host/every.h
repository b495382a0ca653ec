/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_EVERY_H
#define TESTS_HOST_EVERY_H

/* Of what a test does very often, it does one in so many: make mutants asks only whether anything
 * fails. */
#ifndef EVERY
#define EVERY 1u
#endif

#endif
