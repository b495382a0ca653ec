/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_X86_64_MEMORY_IMPL_H
#define ARCH_X86_64_MEMORY_IMPL_H

/* The owner tags, made by memory_init.c. Frames that are not absent are mapped and writable, but
 * for the image's own and the guards of stacks. */
extern struct frames x86_frames __attribute__((visibility("hidden")));

static inline bool memory_owned(owner_t owner, uint64_t physical, uint64_t length)
{
    return frames_owned(&x86_frames, owner, physical, length);
}

#endif
