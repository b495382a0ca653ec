/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_FUZZ_HOSTILE_H
#define TESTS_FUZZ_HOSTILE_H

#include "drivers/iommu/core/core.h"
#include "fuzz.h"
#include "lib/lock.h"

/*
 * A unit whose registers say what the input says, behind the driver's unchanged source. Whatever it
 * says: every call ends after a bounded number of accesses, faults that are handed on are whole, a
 * unit that has failed never serves again, and a device that is not attached has no entry.
 *
 * The input is: `pokes` (1 byte), so many registers (2 bytes of offset, 8 of value) laid over those
 * of a sound unit, the script of the bring-up, then calls, each with a script of its own. A script
 * is a length (1 byte) and so many bytes: from it come a call's arguments and, for each register
 * read or command, one byte. Below HONEST, and when none is left, the unit does as a sound one.
 */
#define HOSTILE_BASE   UINT64_C(0xFED80000)
#define HOSTILE_LENGTH 0x8000u
#define HONEST         0xE0u
#define HOSTILE_ID     PCI_BDF(0, 2, 0) /* of the one function that sends */

/* What a vendor's target brings. */
struct hostile_vendor {
    void (*power_on)(void);                           /* writes the registers of a sound unit */
    void (*add_functions)(struct pci_inventory *pci); /* of the unit itself; NULL: it has none */
    bool (*discover)(struct iommu *iommu);            /* by a table that describes one unit */
    void (*told)(uint32_t offset, uint64_t value);    /* what a read gave; NULL: no matter */
    /* The effect of a write that the driver made; the value is not stored yet. */
    void (*written)(uint32_t offset, unsigned width, uint64_t value);
    void (*record_fault)(void); /* makes the unit record one, of any content */
    bool (*open)(void);         /* the function's table entry lets something through */
};
extern const struct hostile_vendor hostile_vendor;

/* For the vendor's target: registers as they are stored, and the script. */
uint64_t hostile_get(uint32_t offset, unsigned width);
void hostile_set(uint32_t offset, unsigned width, uint64_t value);
uint64_t hostile_take(unsigned width);
bool hostile_is_honest(void);

/* A wait was met: its status word says that it is done, or not. */
void hostile_waited(bool done);

#endif
