/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef LIB_CRC32_H
#define LIB_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 as zlib and Ethernet have it. Start with crc = 0; feed pieces in order. */
uint32_t crc32_update(uint32_t crc, const void *data, size_t length);

#endif
