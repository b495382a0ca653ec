/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The commands of the shell, in one table: what `help` prints and the manual gives. */
#include "boot/shell.h"

/* clang-format off */
const struct shell_command shell_commands[] = {
    {"acpi", "[SIG]", "ACPI tables, or one in bytes",
     "Lists firmware's ACPI tables: signature, length, revision, maker, checksum.\n"
     "SIG: the bytes of every table with that signature (DMAR, IVRS, APIC...).\n",
     NULL, shell_acpi, false},
    {"caps", "[UNIT]", "what a unit can do",
     "The capability registers of each IOMMU unit, or of one by its number in\n"
     "'units', field by field as the specification names them.\n",
     NULL, shell_caps, false},
    {"devs", "", "devices: unit, group, state",
     "Each PCI function: the unit that guards it, the driver bound to it, its\n"
     "group's number in 'groups', and whether it is attached to a domain, blocked,\n"
     "or not protected: it may reach all memory.\n",
     NULL, shell_devs, false},
    {"dma", "BDF read|write ADDRESS [SIZE]", "let a device try an access",
     "The device reads or writes SIZE bytes (1024 unless said) at a logical ADDRESS,\n"
     "whatever is mapped there. Status 0: all bytes arrived; 1: refused, and what\n"
     "the unit recorded. Memory is the judge, not the device. Only a driver that\n"
     "serves requests can be asked: 'edu', whose addresses have 28 bits.\n",
     "what the pages mapped by hand hold, where the device writes", shell_dma, true},
    {"doms", "", "domains",
     "Each domain: type, owner, page tables, attached devices.\n",
     NULL, shell_doms, false},
    {"faults", "", "refusals, by device",
     "What the units have refused so far: counts and last record for each device.\n",
     NULL, shell_faults, false},
    {"groups", "", "devices that belong together",
     "The isolation groups: devices that cannot be kept apart share one domain, or\n"
     "are blocked. Not protected: behind no active unit, and all memory in reach.\n",
     NULL, shell_groups, false},
    {"log", "[COUNT]", "the log again",
     "The log's ring, or its last COUNT lines, whatever 'loglevel' shows.\n",
     NULL, shell_log, false},
    {"loglevel", "[3|4|5|6|7]", "what of the log is shown",
     "3 errors, 4 warnings, 5 notices, 6 information, 7 everything. The log keeps\n"
     "all lines, and neither report nor exit status depends on it.\n",
     NULL, shell_loglevel, false},
    {"map", "BDF ADDRESS [r|w|rw] [SIZE]", "let a device reach memory",
     "Memory of the driver's own, SIZE bytes (4096 unless said, 16 pages at the\n"
     "most), appears to the device at the logical ADDRESS; rw unless said. The\n"
     "device stays attached to a domain for this, where it reaches nothing else. By\n"
     "'edu' alone.\n",
     NULL, shell_map, true},
    {"maps", "DOMAIN", "what a domain maps",
     "The mappings of a domain, by its number in 'doms': logical range, memory,\n"
     "permission.\n",
     NULL, shell_maps, false},
    {"md", "ADDRESS [LENGTH] [mmio]", "memory in bytes",
     "LENGTH bytes (256 unless said) of physical memory: RAM, and what firmware\n"
     "keeps in RAM. Anything else, and what it calls reserved, is refused, unless\n"
     "'mmio' says that registers may be read: in words of 32 bits, and a read may\n"
     "have effects that only its device knows.\n",
     NULL, shell_md, false},
    {"pci", "[BDF]", "functions, or one decoded",
     "Lists the PCI functions, or decodes the configuration space of one: command,\n"
     "status, BARs, capabilities.\n",
     NULL, shell_pci, false},
    {"poweroff", "", "switch the machine off",
     "By the firmware's runtime services.\n",
     "the log and all other state", shell_poweroff, false},
    {"reboot", "", "start the machine anew",
     "By the firmware's runtime services.\n",
     "the log and all other state", shell_reboot, false},
    {"regs", "[UNIT]", "registers of a unit",
     "The registers that this driver knows of each IOMMU unit, or of one by its\n"
     "number in 'units', field by field. No read has an effect.\n",
     NULL, shell_regs, false},
    {"report", "", "the report again",
     "Head, verdict block and end marker as they were printed when the run ended.\n"
     "Nothing that is done here changes them.\n",
     NULL, shell_report, false},
    {"status", "", "state of protection, verdict",
     "The state of the units and the drivers now, and the verdict block of the run.\n",
     NULL, shell_status, false},
    {"test", "[ID]", "run the tests again",
     "Runs the tests of the drivers and of the image again: all, a group ('drivers',\n"
     "'image') or those whose id begins with ID, and shows them. For an ID the whole\n"
     "driver runs that has it, and no other: NVME- reads the disks. The report stays\n"
     "as it is. Status 0: nothing failed; 1: or the device is missing.\n",
     "mappings made by hand, what buffers of devices hold", shell_test, true},
    {"units", "", "the IOMMU units",
     "Each unit: place, state, what it walks, how many faults it has recorded.\n",
     NULL, shell_units, false},
    {"unmap", "BDF ADDRESS", "take a mapping away",
     "Ends the mapping that 'map' made at ADDRESS. When it says so, the device can\n"
     "no longer reach it: 'dma' shows that.\n",
     NULL, shell_unmap, true},
    {"version", "", "what this is", "Version, build and place of the image.\n",
     NULL, shell_version, false},
    {"walk", "BDF ADDRESS [r|w|rw]", "the way to a page",
     "Every entry from the unit's registers to the page that a requester reaches at\n"
     "a logical ADDRESS, field by field, and why the walk ends; r, w, rw: for that\n"
     "access.\n",
     NULL, shell_walk, false},
};
/* clang-format on */

const size_t shell_command_count = sizeof(shell_commands) / sizeof(shell_commands[0]);
