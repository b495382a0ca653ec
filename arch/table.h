/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_TABLE_H
#define ARCH_TABLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The one place through which every word is stored that hardware reads from memory: paging
 * entries, root, context and device-table entries, queue descriptors.
 *
 *   uint64_t table_load64(const uint64_t *word);
 *   void     table_store64(uint64_t *word, uint64_t value);   one aligned 64-bit store
 *   void     table_store128(uint64_t pair[2], uint64_t low, uint64_t high);
 *                                       one atomic store; pair is 16-byte aligned
 *   void     table_fill64(uint64_t *words, size_t count, uint64_t first, uint64_t step);
 *                                       words[i] = first + i * step, each one 64-bit store
 *   void     table_zero(void *page);    clears one 4 KiB page that no hardware can reach yet
 *   void     table_write_back(const void *start, size_t length);
 *                                       writes the touched cache lines to memory, then fences
 *   void     table_write_back64(const uint64_t *word);        the same for one word
 *   void     table_fence(void);         all stores before it are visible before any after it
 *   void    *table_at(uint64_t physical);   where the image sees a frame that memory_alloc gave
 *
 * No mem* function may touch a live entry: the C library's are free to use non-temporal, byte-wide
 * or repeated stores.
 */

#include "table_impl.h"

#endif
