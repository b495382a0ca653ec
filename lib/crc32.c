/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "lib/crc32.h"

#define POLYNOMIAL 0xEDB88320u /* bit-reversed */

uint32_t crc32_update(uint32_t crc, const void *data, size_t length)
{
    const uint8_t *byte = data;

    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= byte[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? POLYNOMIAL : 0);
    }
    return ~crc;
}
