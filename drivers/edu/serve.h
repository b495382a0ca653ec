/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_EDU_SERVE_H
#define DRIVERS_EDU_SERVE_H

#include "drivers/edu/edu.h"

/*
 * What a person tries by hand: mappings at addresses of the person's choice, in one domain that the
 * device stays attached to, and transfers anywhere. Memory is the judge, as in the proof: a
 * transfer has reached what it should have when the bytes there are those that were sent, and each
 * transfer sends bytes that were never sent before.
 */
void serve_requests(struct edu *edu);

#endif
