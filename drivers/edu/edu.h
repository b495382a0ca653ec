/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_EDU_EDU_H
#define DRIVERS_EDU_EDU_H

#include <driver.h>

/*
 * QEMU's educational device: a DMA engine that moves bytes between memory and a buffer of its own.
 * Source: QEMU, docs/specs/edu.
 */
#define EDU_BLOCK                                                                                  \
    1024u /* bytes that a transfer of the proof moves: inside the buffer, within a page */

/* The engine's default address mask. Higher bits of a logical address are dropped silently. */
#define EDU_ADDRESS_WIDTH 28u
#define EDU_ADDRESS_LIMIT ((uint64_t)1 << EDU_ADDRESS_WIDTH)

enum edu_direction {
    EDU_READ,  /* memory to device */
    EDU_WRITE, /* device to memory */
};

/* One device, its registers and its handles of the domain API. */
struct edu {
    struct driver_device *device;
    struct driver_window registers;
    bool interrupts;
    bool detached; /* a unit may abort its interrupts too */
    DMA_IOMMU_INTERFACE_EX iommu;
    DMA_IOMMU_INTERFACE legacy; /* fault reporting */
    PIOMMU_DMA_DEVICE dma;
};

/* Moves up to EDU_BLOCK bytes between the device's buffer and memory at `logical`. True: the device
 * says that it is done, which it also says when the transfer was refused. False: it did not finish.
 */
bool edu_move(struct edu *edu, enum edu_direction direction, uint64_t logical, uint64_t length)
    __attribute__((warn_unused_result));

/* The same for EDU_BLOCK. */
bool edu_transfer(struct edu *edu, enum edu_direction direction, uint64_t logical)
    __attribute__((warn_unused_result));

extern const struct driver edu_driver;

#endif
