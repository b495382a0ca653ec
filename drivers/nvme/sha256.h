/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_NVME_SHA256_H
#define DRIVERS_NVME_SHA256_H

#include <stddef.h>
#include <stdint.h>

/* SHA-256. Source: FIPS 180-4, "SHA-256". */
#define SHA256_BLOCK      64
#define SHA256_HEX_LENGTH 64

struct sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes so far */
    uint8_t tail[SHA256_BLOCK];
};

void sha256_init(struct sha256 *sha);
void sha256_update(struct sha256 *sha, const void *data, size_t length);

/* Writes the digest in lower-case hexadecimal and a final 0. The state is spent. */
void sha256_finish(struct sha256 *sha, char hex[SHA256_HEX_LENGTH + 1]);

#endif
