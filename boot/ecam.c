/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "boot/ecam.h"

_Static_assert(ACPI_MCFG_MAX <= PCI_ECAM_MAX, "every range has a place");

bool boot_read_ecam(const struct acpi_tables *tables, struct pci_ecam *ecam)
{
    struct acpi_table table = acpi_table_get(tables, "MCFG", 0);
    struct acpi_mcfg mcfg;

    if (!table.data)
        return false;
    acpi_read_mcfg(&table, &mcfg);
    ecam->count = mcfg.count;
    for (unsigned i = 0; i < mcfg.count; i++)
        ecam->ranges[i] =
            (struct pci_ecam_range){mcfg.ranges[i].base, mcfg.ranges[i].segment,
                                    mcfg.ranges[i].first_bus, mcfg.ranges[i].last_bus};
    return true;
}
