/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef MODEL_MEMORY_IMPL_H
#define MODEL_MEMORY_IMPL_H

bool memory_owned(owner_t owner, uint64_t physical, uint64_t length);

#endif
