/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef BOOT_MEMORY_MAP_H
#define BOOT_MEMORY_MAP_H

#include "boot/boot.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Gives [base, base + length) the kind `kind`, whatever was there before: what firmware says twice,
 * the later call decides. The map stays sorted, free of overlaps, and neighbours of one kind are
 * one entry. An empty range, one that wraps and one that is not made of whole pages are refused.
 * False: refused, or the map was full and its smallest usable entry (or this one) was given up.
 */
bool boot_memory_set(struct boot_info *info, uint64_t base, uint64_t length,
                     enum boot_memory_kind kind) __attribute__((warn_unused_result));

#endif
