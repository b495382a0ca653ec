/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_X86_64_TABLE_IMPL_H
#define ARCH_X86_64_TABLE_IMPL_H

#include <stdbool.h>

/* How cache lines are written back; chosen once by x86_init_tables from CPUID. */
struct x86_cache {
    uintptr_t line; /* bytes, a power of two */
    bool clflushopt;
};

extern struct x86_cache x86_cache __attribute__((visibility("hidden")));

static inline uint64_t table_load64(const uint64_t *word)
{
    return __atomic_load_n((const volatile uint64_t *)word, __ATOMIC_ACQUIRE);
}

static inline void table_store64(uint64_t *word, uint64_t value)
{
    __atomic_store_n((volatile uint64_t *)word, value, __ATOMIC_RELEASE);
}

/* The exchange fails only if the pair changed since it was read; it has then read it again. */
static inline void table_store128(uint64_t pair[2], uint64_t low, uint64_t high)
{
    uint64_t old_low = table_load64(&pair[0]);
    uint64_t old_high = table_load64(&pair[1]);
    bool stored;

    do {
        __asm__ volatile("lock cmpxchg16b (%[pair])"
                         : "=@ccz"(stored), "+a"(old_low), "+d"(old_high)
                         : [pair] "r"(pair), "b"(low), "c"(high)
                         : "memory");
    } while (!stored);
}

static inline void table_fill64(uint64_t *words, size_t count, uint64_t first, uint64_t step)
{
    volatile uint64_t *word = words, *end = words + count;
    uint64_t value = first;

    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    for (size_t rest = count % 8; rest > 0; rest--, value += step) {
        *word++ = value;
    }
    for (; word < end; word += 8, value += 8 * step) {
        word[0] = value;
        word[1] = value + step;
        word[2] = value + 2 * step;
        word[3] = value + 3 * step;
        word[4] = value + 4 * step;
        word[5] = value + 5 * step;
        word[6] = value + 6 * step;
        word[7] = value + 7 * step;
    }
}

static inline void table_zero(void *page)
{
    table_fill64(page, 4096 / sizeof(uint64_t), 0, 0);
}

static inline void *table_at(uint64_t physical)
{
    return (void *)(uintptr_t)physical;
}

static inline void table_fence(void)
{
    __asm__ volatile("sfence" ::: "memory");
}

/* CLFLUSH and CLFLUSHOPT are ordered behind older stores to their own line. MFENCE orders both
 * before everything that follows (SDM volume 2, "CLFLUSHOPT"). */
static inline void table_write_back(const void *start, size_t length)
{
    uintptr_t line = (uintptr_t)start & ~(x86_cache.line - 1);
    uintptr_t end = (uintptr_t)start + length;

    if (x86_cache.clflushopt) {
        for (; line < end; line += x86_cache.line) {
            __asm__ volatile("clflushopt (%0)" ::"r"(line) : "memory");
        }
    } else {
        for (; line < end; line += x86_cache.line) {
            __asm__ volatile("clflush (%0)" ::"r"(line) : "memory");
        }
    }
    __asm__ volatile("mfence" ::: "memory");
}

static inline void table_write_back64(const uint64_t *word)
{
    __asm__ volatile("clflush (%0)\n\tmfence" ::"r"(word) : "memory");
}

#endif
