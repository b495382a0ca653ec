/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_NO_OPTION_H
#define TESTS_HOST_NO_OPTION_H

#include <driver.h>

/* The service `option` of a boot without options. */
static inline const char *no_option(struct driver_device *device, const char *name)
{
    (void)device, (void)name;
    return NULL;
}

#endif
