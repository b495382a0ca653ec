/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef MODEL_MACHINE_INTERNAL_H
#define MODEL_MACHINE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* gcc says __SANITIZE_ADDRESS__, clang __has_feature. */
#if defined(__SANITIZE_ADDRESS__)
#define MODEL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MODEL_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define MODEL_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MODEL_TSAN 1
#endif
#endif

/* The parts of the machine, each of which model_reset() brings back to power-on. */
void model_memory_reset(void);
void model_history_reset(void);
void model_clock_reset(void);
void model_irq_reset(void);
void model_task_reset(void);

/* The past is kept, and a word as walks that are coherent, or not, see it is about to change. */
bool model_history_kept(void);
void model_history_add(uint64_t physical, bool coherent, uint64_t old);

/* True when a store of this context to a table may still be on its way: no fence stands behind it.
 */
bool model_stores_pending(void);

/* The usable bytes below a stack top that memory_alloc_stack gave; 0: no such stack. */
size_t model_stack_size(const void *top);

#endif
