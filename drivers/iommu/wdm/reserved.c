/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/wdm/records.h"
#include "drivers/iommu/wdm/slots.h"

/*
 * Tokens are addresses of records that the caller may read. What it hands back is looked at as an
 * address alone; what the record holds is never read again. Record n is that of core's token n, so
 * that records are used again in the order in which tokens were freed.
 */
struct token {
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN public;
    _Atomic(uint64_t) key; /* owner and reference; 0: no token */
};

static struct token tokens[IOMMU_TOKENS_MAX];

/* A reference leaves 16 bits for the owner. */
#define OWNER_SHIFT 32

static uint64_t key_of(owner_t owner, iommu_ref_t reference)
{
    return (uint64_t)owner << OWNER_SHIFT | reference;
}

static owner_t owner_of(uint64_t key)
{
    return (owner_t)(key >> OWNER_SHIFT);
}

/* NULL: no token of the caller's. */
static struct token *token_at(const void *handle, iommu_ref_t *reference)
{
    uintptr_t offset = (uintptr_t)handle - (uintptr_t)tokens;

    if (!wdm_state || offset >= sizeof tokens || offset % sizeof *tokens)
        return NULL;
    struct token *token = &tokens[offset / sizeof *tokens];
    uint64_t key = token->key;
    *reference = key & ~((uint64_t)UINT16_MAX << OWNER_SHIFT);
    return key && owner_of(key) == owner_current() ? token : NULL;
}

/* Its record may belong to a younger token by now. */
static void drop(struct token *token, iommu_ref_t reference)
{
    uint64_t key = key_of(owner_current(), reference);

    atomic_compare_exchange_strong(&token->key, &key, 0);
}

void wdm_forget_tokens(owner_t owner)
{
    for (size_t n = 0; n < IOMMU_TOKENS_MAX; n++)
        if (owner == OWNER_FREE || owner_of(tokens[n].key) == owner)
            tokens[n].key = 0;
}

NTSTATUS wdm_reserve_range(PIOMMU_DMA_DOMAIN Domain, SIZE_T Size,
                           PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
                           PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
                           PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
                           PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *LogicalAddressToken)
{
    iommu_ref_t domain = wdm_reference(Domain), reference;
    struct iommu_place place = IOMMU_ANYWHERE;
    uint64_t explicit, address;

    if (!wdm_serves(domain, WDM_TRANSLATE))
        return STATUS_INVALID_PARAMETER_1;
    if (!Size || Size & (PAGE_SIZE - 1))
        return STATUS_INVALID_PARAMETER_2;
    if (ExplicitLogicalAddress) {
        explicit = *ExplicitLogicalAddress;
        place.explicit = &explicit;
        if (explicit & (PAGE_SIZE - 1))
            return STATUS_INVALID_PARAMETER_3;
    }
    if (MinLogicalAddress)
        place.min = *MinLogicalAddress;
    if (MaxLogicalAddress)
        place.max = *MaxLogicalAddress;
    if (!LogicalAddressToken)
        return STATUS_INVALID_PARAMETER_6;
    enum iommu_status status =
        iommu_reserve(wdm_state, owner_current(), domain, &place, Size, &reference, &address);
    if (status == IOMMU_BAD_RANGE)
        return STATUS_INVALID_PARAMETER_3;
    if (status == IOMMU_NO_SPACE && !MinLogicalAddress && !MaxLogicalAddress)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (status != IOMMU_OK)
        return wdm_status(status, STATUS_INVALID_PARAMETER_1);
    struct token *token = &tokens[iommu_ref_index(reference)];
    token->public = (IOMMU_DMA_LOGICAL_ADDRESS_TOKEN){address, Size};
    token->key = key_of(owner_current(), reference);
    *LogicalAddressToken = &token->public;
    return STATUS_SUCCESS;
}

NTSTATUS wdm_free_reserved_range(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN LogicalAddressToken)
{
    iommu_ref_t reference;
    struct token *token = token_at(LogicalAddressToken, &reference);

    if (!token)
        return STATUS_INVALID_PARAMETER_1;
    enum iommu_status status = iommu_free_reserved(wdm_state, owner_current(), reference);
    if (status == IOMMU_OK || status == IOMMU_FAILED)
        drop(token, reference);
    return wdm_status(status, STATUS_INVALID_PARAMETER_1);
}

NTSTATUS wdm_map_reserved_range(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN LogicalAddressToken, SIZE_T Offset,
                                ULONG Permissions, PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
                                PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT MappedSegment)
{
    struct iommu_memory memory;
    iommu_ref_t reference;
    struct token *token = token_at(LogicalAddressToken, &reference);

    if (!token)
        return STATUS_INVALID_PARAMETER_1;
    if (Offset & (PAGE_SIZE - 1))
        return STATUS_INVALID_PARAMETER_2;
    if (!wdm_is_permission(Permissions))
        return STATUS_INVALID_PARAMETER_3;
    if (!wdm_describe(PhysicalAddressToMap, &memory))
        return STATUS_INVALID_PARAMETER_4;
    if (!MappedSegment)
        return STATUS_INVALID_PARAMETER_5;
    enum iommu_status status = iommu_map_reserved(wdm_state, owner_current(), reference, Offset,
                                                  &memory, (enum pt_permission)Permissions);
    if (status == IOMMU_BAD_RANGE)
        return STATUS_INVALID_PARAMETER_MIX;
    if (status == IOMMU_BAD_ACCESS)
        return STATUS_INVALID_PARAMETER_3;
    if (status == IOMMU_OK)
        *MappedSegment = (IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT){
            .OwningToken = &token->public, .Offset = Offset, .Size = memory.length};
    return wdm_status(status, STATUS_INVALID_PARAMETER_1);
}

NTSTATUS
wdm_unmap_reserved_range(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT MappedSegment)
{
    iommu_ref_t reference;

    if (!MappedSegment)
        return STATUS_INVALID_PARAMETER_1;
    const IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment =
        *(const volatile IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT *)MappedSegment;
    if (!token_at(segment.OwningToken, &reference))
        return STATUS_INVALID_PARAMETER;
    enum iommu_status status =
        iommu_unmap_reserved(wdm_state, owner_current(), reference, segment.Offset, segment.Size);
    if (status == IOMMU_FAILED)
        return STATUS_IO_DEVICE_ERROR;
    if (status != IOMMU_OK)
        return STATUS_INVALID_PARAMETER;
    *MappedSegment = (IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT){0};
    return STATUS_SUCCESS;
}
