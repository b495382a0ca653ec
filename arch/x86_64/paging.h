/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_X86_64_PAGING_H
#define ARCH_X86_64_PAGING_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The processor's page tables. Linear addresses equal physical ones. What a page allows is said in
 * the bits that all leaf sizes share, and PAGE_PAT for entry 4 of the page attribute table.
 */
#define PAGE_W      UINT64_C(0x2)
#define PAGE_PWT    UINT64_C(0x8)
#define PAGE_PCD    UINT64_C(0x10)
#define PAGE_PAT    UINT64_C(0x1000)
#define PAGE_NX     (UINT64_C(1) << 63)

#define PAGE_CODE   UINT64_C(0)
#define PAGE_CONST  PAGE_NX
#define PAGE_DATA   (PAGE_NX | PAGE_W)
#define PAGE_DEVICE (PAGE_NX | PAGE_W | PAGE_PCD | PAGE_PWT) /* uncached */
#define PAGE_SCREEN (PAGE_NX | PAGE_W | PAGE_PAT)            /* write-combining */

/* Length of the page by which firmware's page tables, still in use, map a linear address; 0: they
 * do not. */
uint64_t paging_firmware_leaf(uint64_t linear);

/* An empty hierarchy of the depth that the processor runs with now. */
void paging_init(void);

/* Makes the hierarchy the processor's, with write protection and SMEP. */
void paging_activate(void);

/* Maps whole pages, with the largest leaves that fit. What is mapped there already must allow the
 * same. False: it does not (nothing changed), no memory, page 0, or beyond what can be mapped. */
bool paging_map(uint64_t first, uint64_t length, uint64_t allow)
    __attribute__((warn_unused_result));

/* Maps pages whatever is mapped there already. False: no memory, page 0, or beyond what can be
 * mapped. */
bool paging_remap(uint64_t first, uint64_t length, uint64_t allow)
    __attribute__((warn_unused_result));

/* Unmaps one 4 KiB page of a stack, and gives it back. False: no memory to split a leaf. */
bool paging_guard(uint64_t page) __attribute__((warn_unused_result));
void paging_unguard(uint64_t page);
bool paging_is_guard(uint64_t linear);

#endif
