/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_TASK_H
#define ARCH_TASK_H

/* Cooperative switch between stacks. */

/* Lays out a new stack so that the first switch to it calls entry(argument), which must not
 * return. `top` is what memory_alloc_stack gave. Returns the stack pointer to switch to. */
void *task_prepare(void *top, void (*entry)(void *argument), void *argument);

/* Saves the callee-saved state on this stack, stores its pointer in *save, continues on `load`. */
void task_switch(void **save, void *load);

#endif
