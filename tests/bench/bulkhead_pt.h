/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_BENCH_BULKHEAD_PT_H
#define TESTS_BENCH_BULKHEAD_PT_H

#include <stddef.h>
#include <stdint.h>

/*
 * The page-table engine as a plain C interface, for comparison with others.
 * build/host/libbulkhead.a is the image's code, compiled for the host with its inline stores and
 * `physical` = pointer; walks are taken as coherent, and an invalidation is taken as complete when
 * unmap returns. Addresses and lengths are bytes, multiples of 4 KiB. Not reentrant.
 */
enum bh_format { BH_VTDSS, BH_AMDV1, BH_X86_64 };
enum { BH_READ = 1, BH_WRITE = 2 };

struct bh_pool;
struct bh_pt;

/* Tables are taken from the whole 2 MiB blocks, aligned to 2 MiB, that [memory, memory + size)
 * holds. It need not be zero, and is the pool's until the pool is destroyed. NULL: no memory. */
struct bh_pool *bh_pool_create(void *memory, size_t size);
size_t bh_pool_available(const struct bh_pool *pool); /* pages */
void bh_pool_destroy(struct bh_pool *pool);

/* 0, or a code that is not: the range is not as it has to be, or memory is short. Then nothing has
 * changed. bh_pt_create: NULL. */
struct bh_pt *bh_pt_create(enum bh_format format, unsigned levels, struct bh_pool *pool);
int bh_pt_map(struct bh_pt *pt, uint64_t address, uint64_t physical, uint64_t length,
              unsigned permission);
int bh_pt_unmap(struct bh_pt *pt, uint64_t address, uint64_t length);
int bh_pt_lookup(const struct bh_pt *pt, uint64_t address, uint64_t *physical);
void bh_pt_destroy(struct bh_pt *pt);

#endif
