/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef BOOT_ECAM_H
#define BOOT_ECAM_H

#include "drivers/acpi/acpi.h"
#include "drivers/pci/pci.h"

/* What MCFG says of ECAM. False: there is no MCFG. */
bool boot_read_ecam(const struct acpi_tables *tables, struct pci_ecam *ecam)
    __attribute__((warn_unused_result));

#endif
