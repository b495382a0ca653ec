/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef BOOT_INSPECT_H
#define BOOT_INSPECT_H

#include "boot/boot.h"
#include "drivers/console/report.h"

#define INSPECT_REPORT_MAX (256u << 10)

/* Mode inspect, in boot services: reads, and changes nothing. The report, console lines and records
 * each ended by '\n', goes into `report`, and its console lines through `show` too; it is the same
 * at every loglevel. *length is 0 when it does not fit. */
enum report_found boot_inspect(const struct boot_info *info,
                               void (*show)(const char *text, size_t length),
                               char report[INSPECT_REPORT_MAX], size_t *length);

#endif
