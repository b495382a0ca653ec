/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef MODEL_TABLE_IMPL_H
#define MODEL_TABLE_IMPL_H

/* Host side of arch/table.h. Misaligned words and pairs are violations. */
uint64_t table_load64(const uint64_t *word);
void table_store64(uint64_t *word, uint64_t value);
void table_store128(uint64_t pair[2], uint64_t low, uint64_t high);
void table_fill64(uint64_t *words, size_t count, uint64_t first, uint64_t step);
void table_zero(void *page);
void table_write_back(const void *start, size_t length);
void table_write_back64(const uint64_t *word);
void table_fence(void);
void *table_at(uint64_t physical);

#endif
