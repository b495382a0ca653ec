/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_PCI_REGISTERS_H
#define DRIVERS_PCI_REGISTERS_H

#include "drivers/pci/pci.h"

/* PCI Express Base Specification, "PCI-Compatible Configuration Registers". */
#define PCI_ID                   0x00u
#define PCI_COMMAND              0x04u
#define PCI_STATUS               0x06u
#define PCI_CLASS_REVISION       0x08u
#define PCI_HEADER               0x0Cu
#define PCI_BAR                  0x10u
#define PCI_CARDBUS_POINTER      0x14u
#define PCI_BUS_NUMBERS          0x18u
#define PCI_SECONDARY_STATUS     0x1Eu
#define PCI_CAPABILITIES         0x34u

#define PCI_CONFIG_LENGTH        0x1000u
#define PCI_LEGACY_LENGTH        0x100u /* capabilities live below it, extended ones above */
#define PCI_LEGACY_HEADER        0x40u  /* the first capability is beyond it */

#define PCI_COMMAND_IO           0x0001u
#define PCI_COMMAND_MEMORY       0x0002u
#define PCI_COMMAND_BUS_MASTER   0x0004u
#define PCI_COMMAND_INTX_DISABLE 0x0400u
#define PCI_STATUS_CAPABILITIES  0x0010u

#define PCI_HEADER_NORMAL        0u
#define PCI_HEADER_BRIDGE        1u
#define PCI_HEADER_CARDBUS       2u

/* "MSI Capability Structure". */
#define MSI_CONTROL         2u
#define MSI_ADDRESS         4u
#define MSI_ADDRESS_HIGH    8u
#define MSI_DATA_32         8u /* of a 32-bit capability */
#define MSI_DATA_64         12u
#define MSI_MASK_32         12u
#define MSI_MASK_64         16u
#define MSI_LENGTH          24u
#define MSI_ENABLE          0x0001u
#define MSI_MULTIPLE_SHIFT  1u /* Multiple Message Capable, 3 bits; Enable is 4..6 */
#define MSI_MULTIPLE_ENABLE 0x0070u
#define MSI_64              0x0080u
#define MSI_MASKABLE        0x0100u

/* "MSI-X Capability and Table Structure". */
#define MSIX_CONTROL       2u
#define MSIX_TABLE         4u
#define MSIX_LENGTH        12u
#define MSIX_SIZE_MASK     0x07FFu
#define MSIX_FUNCTION_MASK 0x4000u
#define MSIX_ENABLE        0x8000u
#define MSIX_BIR_MASK      0x7u
#define MSIX_ENTRY         16u

/* "PCI Express Capability Structure". */
#define EXPRESS_FLAGS    2u
#define EXPRESS_LENGTH   12u
#define EXPRESS_DEVICE_2 0x28u
#define EXPRESS_END      0x3Cu
#define EXPRESS_ARI      0x20u /* Device Control 2: ARI Forwarding Enable */

/* "ATS Extended Capability", "PASID Extended Capability", "ACS Extended Capability". */
#define ATS_CONTROL             6u
#define ATS_ENABLE              0x8000u
#define PASID_CONTROL           6u
#define PASID_ENABLE            0x0001u
#define ACS_CAPABILITY          4u
#define ACS_CONTROL             6u
#define ACS_SOURCE_VALIDATION   0x01u
#define ACS_REQUEST_REDIRECT    0x04u
#define ACS_COMPLETION_REDIRECT 0x08u
#define ACS_UPSTREAM_FORWARDING 0x10u
#define ACS_DIRECT_TRANSLATED   0x40u
#define ACS_ISOLATION                                                                              \
    (ACS_SOURCE_VALIDATION | ACS_REQUEST_REDIRECT | ACS_COMPLETION_REDIRECT |                      \
     ACS_UPSTREAM_FORWARDING)

/* Capabilities of a function into its fields. */
void pci_read_capabilities(struct pci_function *function);

/* BARs; with `size` their lengths too, as pci_enumerate says. */
void pci_read_bars(struct pci_function *function, bool size);

/* Aliases and group leaders of a whole inventory. */
void pci_find_groups(struct pci_inventory *inventory);

#endif
