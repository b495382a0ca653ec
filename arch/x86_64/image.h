/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_X86_64_IMAGE_H
#define ARCH_X86_64_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

/* Marks of linker/image.lds, page-aligned but for the build id's. All between them that is neither
 * text nor data is only read. */
#define IMAGE_MARK(name) extern char name[] __attribute__((visibility("hidden")))

IMAGE_MARK(image_begin);
IMAGE_MARK(image_build_id_begin); /* an ELF note: 16 bytes, then the build id */
IMAGE_MARK(image_build_id_end);
IMAGE_MARK(image_text_begin);
IMAGE_MARK(image_text_end);
IMAGE_MARK(image_data_begin);
IMAGE_MARK(image_data_end);
IMAGE_MARK(image_end);

static inline uint64_t image_address(const char *mark)
{
    return (uint64_t)(uintptr_t)mark;
}

static inline bool image_contains(uint64_t address)
{
    return address >= image_address(image_begin) && address < image_address(image_end);
}

#endif
