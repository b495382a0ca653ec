/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Mapping in either version, identity and reserved ranges: every refused argument, in the order of
 * the arguments, and descriptions of memory that are not what they say.
 */
#include "tests/host/wdm_fixture.h"

static const ULONG odd_bits[] = {4, UINT32_C(1) << 31, 7};

static NTSTATUS map_anywhere(PIOMMU_DMA_DOMAIN domain, PIOMMU_DMA_LOGICAL_ADDRESS min,
                             PIOMMU_DMA_LOGICAL_ADDRESS max)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = range_of(use.frame, PAGE_SIZE);
    IOMMU_DMA_LOGICAL_ADDRESS out = 77;
    NTSTATUS status = on.api.MapLogicalRangeEx(domain, READ_WRITE, &source, NULL, min, max, &out);

    assert_true(NT_SUCCESS(status) == (out != 77));
    return status;
}

/* Maps a description in each of the four routines that take one; all agree on whether it is one. */
static bool is_description(PIOMMU_MAP_PHYSICAL_ADDRESS source)
{
    IOMMU_DMA_LOGICAL_ADDRESS place = AT, out = 77;
    NTSTATUS status =
        on.api.MapLogicalRangeEx(use.domain, READ_WRITE, source, &place, NULL, NULL, &out);
    bool is_one = status != STATUS_INVALID_PARAMETER_3;

    if (NT_SUCCESS(status))
        while (on.api.UnmapLogicalRange(use.domain, out, 1) == STATUS_SUCCESS)
            out += PAGE_SIZE;
    assert_true(is_one == (on.api.MapIdentityRangeEx(use.pass, READ_WRITE, source) !=
                           STATUS_INVALID_PARAMETER_3));
    assert_true(is_one ==
                (on.api.UnmapIdentityRangeEx(use.pass, source) != STATUS_INVALID_PARAMETER_2));
    return is_one;
}

static void ranges_are_whole_pages(void **state)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = range_of(use.frame, PAGE_SIZE);

    (void)state;
    assert_true(is_description(&source));
    assert_false(is_description(NULL));
    source.MapType = MapPhysicalAddressTypeMax;
    assert_false(is_description(&source));
    source.MapType = (IOMMU_MAP_PHYSICAL_ADDRESS_TYPE)-1;
    assert_false(is_description(&source));
    source = range_of(use.frame + 1, PAGE_SIZE);
    assert_false(is_description(&source));
    source = range_of(use.frame, 0);
    assert_false(is_description(&source));
    source = range_of(use.frame, PAGE_SIZE + 1);
    assert_false(is_description(&source));
    source = range_of(UINT64_MAX & ~UINT64_C(0xFFF), 2 * PAGE_SIZE);
    assert_false(is_description(&source));
}

static void lists_of_frames_are_whole(void **state)
{
    PFN_NUMBER frames[2] = {use.frame >> PAGE_SHIFT, (use.frame >> PAGE_SHIFT) + 2};
    IOMMU_MAP_PHYSICAL_ADDRESS source = {.MapType = MapPhysicalAddressTypePfn};

    (void)state;
    source.PfnArray.PageFrame = frames;
    source.PfnArray.NumberOfPages = 2;
    assert_true(is_description(&source));
    source.PfnArray.NumberOfPages = 0;
    assert_false(is_description(&source));
    source.PfnArray.NumberOfPages = UINT64_C(1) << 52;
    assert_false(is_description(&source));
    source.PfnArray.NumberOfPages = 1;
    source.PfnArray.PageFrame = NULL;
    assert_false(is_description(&source));
}

static void mdls_may_not_lie(void **state)
{
    struct mdl4 list = mdl_of(2);
    IOMMU_MAP_PHYSICAL_ADDRESS source = {.MapType = MapPhysicalAddressTypeMdl};

    (void)state;
    assert_false(is_description(&source));
    source.Mdl.Mdl = &list.mdl;
    assert_true(is_description(&source));
    list.mdl.ByteOffset = 8;
    assert_false(is_description(&source));
    list = mdl_of(2);
    list.mdl.ByteCount = 2 * PAGE_SIZE - 1;
    assert_false(is_description(&source));
    list.mdl.ByteCount = 0;
    assert_false(is_description(&source));
    list.mdl.ByteCount = 3 * PAGE_SIZE; /* one frame more than Size has room for */
    assert_false(is_description(&source));
    list.mdl.ByteCount = UINT32_C(0xFFFFF000);
    assert_false(is_description(&source));
    list.mdl.Size = 0;
    list.mdl.ByteCount = PAGE_SIZE;
    assert_false(is_description(&source));
}

/* The largest that Size can tell of, in memory that ends with its last frame number. */
static void mdls_reach_as_far_as_their_size(void **state)
{
    enum { FRAMES = (65535 - sizeof(MDL)) / sizeof(PFN_NUMBER) };
    PMDL mdl = malloc(sizeof(MDL) + FRAMES * sizeof(PFN_NUMBER));

    (void)state;
    assert_non_null(mdl);
    assert_int_equal(FRAMES, 8185);
    MmInitializeMdl(mdl, NULL, FRAMES * (SIZE_T)PAGE_SIZE);
    for (size_t i = 0; i < FRAMES; i++)
        MmGetMdlPfnArray(mdl)[i] = use.frame >> PAGE_SHIFT;
    assert_int_equal(use.v1.MapLogicalRange(use.domain, READ_WRITE, mdl, AT), STATUS_SUCCESS);
    assert_int_equal(on.api.UnmapLogicalRange(use.domain, AT, FRAMES), STATUS_SUCCESS);
    MmInitializeMdl(mdl, NULL, (FRAMES + 1) * (SIZE_T)PAGE_SIZE);
    assert_int_equal(use.v1.MapLogicalRange(use.domain, READ_WRITE, mdl, AT),
                     STATUS_INVALID_PARAMETER_3);
    free(mdl);
}

static void map_ex_checks_by_position(void **state)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = range_of(use.frame, PAGE_SIZE);
    IOMMU_DMA_LOGICAL_ADDRESS odd = AT + 8, place = AT, out = 77, window = 0xFEE00000;
    PIOMMU_DMA_DOMAIN others[] = {use.pass, use.unmanaged, NULL, NO_HANDLE};

    (void)state;
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_int_equal(on.api.MapLogicalRangeEx(others[i], 4, NULL, &odd, NULL, NULL, NULL),
                         STATUS_INVALID_PARAMETER_1);
        assert_int_equal(on.api.MapLogicalRangeEx(others[i], 3, &source, &place, NULL, NULL, &out),
                         STATUS_INVALID_PARAMETER_1);
        assert_int_equal(on.api.UnmapLogicalRange(others[i], AT + 1, 0),
                         STATUS_INVALID_PARAMETER_1);
        assert_int_equal(on.api.UnmapLogicalRange(others[i], AT, 1), STATUS_INVALID_PARAMETER_1);
    }
    for (size_t i = 0; i < COUNT(odd_bits); i++)
        assert_int_equal(
            on.api.MapLogicalRangeEx(use.domain, odd_bits[i], NULL, &odd, NULL, NULL, NULL),
            STATUS_INVALID_PARAMETER_2);
    assert_int_equal(on.api.MapLogicalRangeEx(use.domain, 3, NULL, &odd, NULL, NULL, NULL),
                     STATUS_INVALID_PARAMETER_3);
    assert_int_equal(on.api.MapLogicalRangeEx(use.buddy, 3, &source, &odd, NULL, NULL, NULL),
                     STATUS_INVALID_PARAMETER_4);
    assert_int_equal(on.api.MapLogicalRangeEx(use.domain, 3, &source, &window, NULL, NULL, &out),
                     STATUS_INVALID_PARAMETER_4);
    assert_int_equal(on.api.MapLogicalRangeEx(use.domain, 3, &source, NULL, NULL, NULL, NULL),
                     STATUS_INVALID_PARAMETER_7);
    assert_int_equal(on.api.MapLogicalRangeEx(use.domain, 3, &source, NULL, NULL, NULL, &out),
                     STATUS_NOT_SUPPORTED);
    assert_int_equal(on.api.MapLogicalRangeEx(use.buddy, 3, &source, &place, NULL, NULL, &out),
                     STATUS_NOT_SUPPORTED);
    source = range_of(use.foreign, PAGE_SIZE);
    assert_int_equal(on.api.MapLogicalRangeEx(use.domain, 3, &source, &place, NULL, NULL, &out),
                     STATUS_ACCESS_DENIED);
    assert_int_equal(out, 77);
}

static void limits_are_bytes(void **state)
{
    IOMMU_DMA_LOGICAL_ADDRESS min = AT - 1, max = AT + PAGE_SIZE - 1, above = max + 5;

    (void)state;
    assert_int_equal(map_anywhere(use.buddy, &min, &max), STATUS_SUCCESS);
    assert_int_equal(map_anywhere(use.buddy, &min, &above), STATUS_INVALID_PARAMETER_MIX);
    assert_int_equal(map_anywhere(use.buddy, &above, &min), STATUS_INVALID_PARAMETER_MIX);
    assert_int_equal(map_anywhere(use.buddy, NULL, NULL), STATUS_SUCCESS);
}

static void a_full_window_is_short_of_resources(void **state)
{
    IOMMU_DMA_LOGICAL_ADDRESS max = UINT64_MAX;
    PIOMMU_DMA_DOMAIN tiny;

    (void)state;
    assert_int_equal(make_domain(DomainTypeTranslate, 13, &tiny), STATUS_SUCCESS);
    assert_int_equal(map_anywhere(tiny, NULL, NULL), STATUS_SUCCESS); /* page 0 is never given */
    assert_int_equal(map_anywhere(tiny, NULL, NULL), STATUS_INSUFFICIENT_RESOURCES);
    assert_int_equal(map_anywhere(tiny, NULL, &max), STATUS_INVALID_PARAMETER_MIX);
}

static void version_1_maps_mdls(void **state)
{
    struct mdl4 list = mdl_of(2);

    (void)state;
    assert_int_equal(use.v1.MapLogicalRange(use.pass, 4, NULL, 1), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(use.v1.MapLogicalRange(use.domain, 4, NULL, 1), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(use.v1.MapLogicalRange(use.domain, 3, NULL, 1), STATUS_INVALID_PARAMETER_3);
    assert_int_equal(use.v1.MapLogicalRange(use.domain, 3, &list.mdl, AT + 1),
                     STATUS_INVALID_PARAMETER_4);
    assert_int_equal(
        use.v1.MapLogicalRange(use.domain, 3, &list.mdl, UINT64_MAX & ~UINT64_C(0xFFF)),
        STATUS_INVALID_PARAMETER_4);
    assert_int_equal(use.v1.MapLogicalRange(use.buddy, 3, &list.mdl, 0xFEE00000),
                     STATUS_INVALID_PARAMETER_4);
    assert_int_equal(use.v1.MapLogicalRange(use.buddy, 3, &list.mdl, AT), STATUS_NOT_SUPPORTED);
    assert_int_equal(use.v1.MapLogicalRange(use.domain, 3, &list.mdl, AT), STATUS_SUCCESS);
    assert_int_equal(use.v1.MapLogicalRange(use.domain, 3, &list.mdl, AT + PAGE_SIZE),
                     STATUS_RESOURCE_IN_USE);
    assert_int_equal(use.v1.UnmapLogicalRange(use.domain, AT + 1, 0), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(use.v1.UnmapLogicalRange(use.domain, AT, 0), STATUS_INVALID_PARAMETER_3);
    assert_int_equal(use.v1.UnmapLogicalRange(use.domain, AT, UINT64_MAX),
                     STATUS_INVALID_PARAMETER_3);
    assert_int_equal(use.v1.UnmapLogicalRange(use.domain, AT, 3), STATUS_INVALID_PARAMETER_MIX);
    assert_int_equal(use.v1.UnmapLogicalRange(use.domain, AT, 2), STATUS_SUCCESS);
}

static void identity_checks_by_position(void **state)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = range_of(use.frame, 2 * PAGE_SIZE);
    IOMMU_MAP_PHYSICAL_ADDRESS window = range_of(0xFEE00000, PAGE_SIZE);
    IOMMU_MAP_PHYSICAL_ADDRESS foreign = range_of(use.foreign, PAGE_SIZE);
    struct mdl4 list = mdl_of(2);

    (void)state;
    assert_int_equal(on.api.MapIdentityRangeEx(use.unmanaged, 4, NULL), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.UnmapIdentityRangeEx(use.unmanaged, NULL), STATUS_INVALID_PARAMETER_1);
    for (size_t i = 0; i < COUNT(odd_bits); i++)
        assert_int_equal(on.api.MapIdentityRangeEx(use.pass, odd_bits[i], NULL),
                         STATUS_INVALID_PARAMETER_2);
    assert_int_equal(on.api.MapIdentityRangeEx(use.pass, 3, NULL), STATUS_INVALID_PARAMETER_3);
    assert_int_equal(on.api.MapIdentityRangeEx(use.domain, 3, &window), STATUS_INVALID_PARAMETER_3);
    assert_int_equal(on.api.UnmapIdentityRangeEx(use.pass, NULL), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(on.api.MapIdentityRangeEx(use.buddy, 3, &source), STATUS_NOT_SUPPORTED);
    assert_int_equal(on.api.UnmapIdentityRangeEx(use.buddy, &source), STATUS_NOT_SUPPORTED);
    assert_int_equal(on.api.MapIdentityRangeEx(use.domain, 3, &foreign), STATUS_ACCESS_DENIED);
    assert_int_equal(on.api.MapIdentityRangeEx(use.pass, 3, &foreign), STATUS_SUCCESS);
    assert_int_equal(on.api.UnmapIdentityRangeEx(use.pass, &foreign), STATUS_SUCCESS);
    assert_int_equal(on.api.UnmapIdentityRangeEx(use.domain, &source),
                     STATUS_INVALID_PARAMETER_MIX);
    assert_int_equal(on.api.MapIdentityRangeEx(use.domain, 3, &source), STATUS_SUCCESS);
    assert_int_equal(use.v1.MapIdentityRange(use.domain, 3, &list.mdl), STATUS_RESOURCE_IN_USE);
    assert_int_equal(use.v1.UnmapIdentityRange(use.domain, &list.mdl), STATUS_SUCCESS);
    assert_int_equal(use.v1.MapIdentityRange(use.domain, 3, &list.mdl), STATUS_SUCCESS);
    assert_int_equal(on.api.UnmapIdentityRangeEx(use.domain, &source), STATUS_SUCCESS);
    assert_int_equal(use.v1.MapIdentityRange(use.domain, 3, NULL), STATUS_INVALID_PARAMETER_3);
    assert_int_equal(use.v1.UnmapIdentityRange(use.domain, NULL), STATUS_INVALID_PARAMETER_2);
}

static NTSTATUS reserve(PIOMMU_DMA_DOMAIN domain, SIZE_T size, uint64_t address,
                        PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *token)
{
    IOMMU_DMA_LOGICAL_ADDRESS place = address;

    return on.api.ReserveLogicalAddressRange(domain, size, address ? &place : NULL, NULL, NULL,
                                             token);
}

static void reserve_checks_by_position(void **state)
{
    IOMMU_DMA_LOGICAL_ADDRESS min = AT + PAGE_SIZE, max = AT;
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = NULL;
    PIOMMU_DMA_DOMAIN others[] = {use.pass, use.unmanaged, NULL};

    (void)state;
    for (size_t i = 0; i < COUNT(others); i++)
        assert_int_equal(reserve(others[i], 1, AT + 1, NULL), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(reserve(use.domain, 0, AT + 1, NULL), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(reserve(use.domain, 0x1800, AT + 1, NULL), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(reserve(use.domain, PAGE_SIZE, AT + 1, NULL), STATUS_INVALID_PARAMETER_3);
    assert_int_equal(reserve(use.domain, PAGE_SIZE, 0xFEE00000, &token),
                     STATUS_INVALID_PARAMETER_3);
    assert_int_equal(reserve(use.domain, SIZE_MAX & ~(SIZE_T)0xFFF, AT, &token),
                     STATUS_INVALID_PARAMETER_3);
    assert_int_equal(reserve(use.domain, PAGE_SIZE, AT, NULL), STATUS_INVALID_PARAMETER_6);
    assert_int_equal(reserve(use.domain, PAGE_SIZE, 0, &token), STATUS_NOT_SUPPORTED);
    assert_int_equal(reserve(use.buddy, PAGE_SIZE, AT, &token), STATUS_NOT_SUPPORTED);
    assert_int_equal(
        on.api.ReserveLogicalAddressRange(use.buddy, PAGE_SIZE, NULL, &min, &max, &token),
        STATUS_INVALID_PARAMETER_MIX);
    assert_int_equal(reserve(use.buddy, UINT64_C(1) << 33, 0, &token),
                     STATUS_INSUFFICIENT_RESOURCES);
    assert_null(token);
    assert_int_equal(reserve(use.domain, 2 * PAGE_SIZE, AT, &token), STATUS_SUCCESS);
    assert_true(token->LogicalAddressBase == AT && token->Size == 2 * PAGE_SIZE);
    assert_int_equal(reserve(use.domain, PAGE_SIZE, AT + PAGE_SIZE, &token),
                     STATUS_RESOURCE_IN_USE);
    assert_int_equal(map_range(use.domain, AT, use.frame, PAGE_SIZE, READ_WRITE),
                     STATUS_RESOURCE_IN_USE);
    assert_int_equal(on.api.DeleteDomain(use.domain), STATUS_RESOURCE_IN_USE);
    as(OWNER_TWO);
    assert_int_equal(on.api.FreeReservedLogicalAddressRange(token), STATUS_INVALID_PARAMETER_1);
    as(OWNER_ONE);
    assert_int_equal(on.api.FreeReservedLogicalAddressRange(NULL), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.FreeReservedLogicalAddressRange(
                         (PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN)((uintptr_t)token + 8)),
                     STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.FreeReservedLogicalAddressRange(token), STATUS_SUCCESS);
    assert_int_equal(on.api.FreeReservedLogicalAddressRange(token), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.DeleteDomain(use.domain), STATUS_SUCCESS);
}

/* Tokens are places of an array: none lies before it, behind it or between them. Both ends are
 * reached: by the first token, and by the last of as many as there can be. */
static void no_token_lies_outside(void **state)
{
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN tokens[IOMMU_TOKENS_MAX], first, last, none = NULL;
    IOMMU_MAP_PHYSICAL_ADDRESS source = range_of(use.frame, PAGE_SIZE);
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;

    (void)state;
    for (unsigned i = 0; i < IOMMU_TOKENS_MAX; i++)
        assert_int_equal(reserve(use.domain, PAGE_SIZE, AT + i * PAGE_SIZE, &tokens[i]),
                         STATUS_SUCCESS);
    assert_int_equal(reserve(use.domain, PAGE_SIZE, AT - PAGE_SIZE, &none),
                     STATUS_INSUFFICIENT_RESOURCES);
    first = last = tokens[0];
    for (unsigned i = 1; i < IOMMU_TOKENS_MAX; i++) {
        first = tokens[i] < first ? tokens[i] : first;
        last = tokens[i] > last ? tokens[i] : last;
    }
    const uintptr_t step = ((uintptr_t)last - (uintptr_t)first) / (IOMMU_TOKENS_MAX - 1);
    const uintptr_t outside[] = {(uintptr_t)first - step,
                                 (uintptr_t)first - 1,
                                 (uintptr_t)first + 1,
                                 (uintptr_t)last + 1,
                                 (uintptr_t)last + step,
                                 (uintptr_t)last + 2 * step,
                                 UINTPTR_MAX,
                                 UINTPTR_MAX / 2};
    for (size_t i = 0; i < COUNT(outside); i++) {
        none = (PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN)outside[i];
        segment = (IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT){none, 0, PAGE_SIZE};
        assert_int_equal(on.api.FreeReservedLogicalAddressRange(none), STATUS_INVALID_PARAMETER_1);
        assert_int_equal(on.api.UnmapReservedLogicalRange(&segment), STATUS_INVALID_PARAMETER);
        assert_int_equal(on.api.MapReservedLogicalRange(none, 0, 3, &source, &segment),
                         STATUS_INVALID_PARAMETER_1);
    }
    assert_int_equal(on.api.FreeReservedLogicalAddressRange(last), STATUS_SUCCESS);
    assert_int_equal(on.api.FreeReservedLogicalAddressRange(first), STATUS_SUCCESS);
}

/*
 * A list that its owner changes while it is being mapped, as soon as the first entry is in a table
 * of the domain. What is then reached was owned when it was read, or nothing is.
 */
static struct {
    PFN_NUMBER *list;
    PFN_NUMBER to[3];
    bool done;
} change;

static void change_list(void *context, uint64_t physical, uint64_t value)
{
    (void)context;
    (void)physical;
    if (change.done || (value & UINT64_C(0x000FFFFFFFFFF000)) != use.frame || !(value & 3))
        return;
    change.done = true;
    memcpy(change.list, change.to, sizeof change.to);
}

static NTSTATUS map_changing(bool identity, bool by_mdl, const PFN_NUMBER from[3],
                             const PFN_NUMBER to[3])
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = {.MapType = MapPhysicalAddressTypePfn};
    IOMMU_DMA_LOGICAL_ADDRESS place = AT, out;
    struct mdl4 mdl = mdl_of(3);
    PFN_NUMBER *list = mdl.frames;

    memcpy(list, from, sizeof change.to);
    if (by_mdl) {
        source.MapType = MapPhysicalAddressTypeMdl;
        source.Mdl.Mdl = &mdl.mdl;
    } else {
        source.PfnArray.PageFrame = list;
        source.PfnArray.NumberOfPages = 3;
    }
    change.list = list;
    memcpy(change.to, to, sizeof change.to);
    change.done = false;
    model_on_store(change_list, NULL);
    NTSTATUS status = identity ? on.api.MapIdentityRangeEx(use.domain, READ_WRITE, &source)
                               : on.api.MapLogicalRangeEx(use.domain, READ_WRITE, &source, &place,
                                                          NULL, NULL, &out);
    model_on_store(NULL, NULL);
    assert_true(change.done);
    return status;
}

/* Of the four own pages and the foreign one, at their own addresses and at AT to AT + 3 pages. */
static unsigned pages_reached(void)
{
    const pci_bdf_t id = PCI_BDF(0, 2, 0);
    unsigned count = reaches(id, use.foreign, false);

    for (uint64_t i = 0; i < 4; i++) {
        uint64_t at[] = {AT + i * PAGE_SIZE, use.frame + i * PAGE_SIZE};

        for (unsigned n = 0; n < 2; n++) {
            uint64_t physical = 0;

            if (!reaches(id, at[n], true))
                continue;
            count++;
            (void)unit_translate(&on.unit, id, at[n], true, &physical);
            assert_int_equal(model_owner(physical), OWNER_ONE);
        }
    }
    return count;
}

static void lists_may_change(void **state)
{
    const PFN_NUMBER own = use.frame >> PAGE_SHIFT, foreign = use.foreign >> PAGE_SHIFT;
    const PFN_NUMBER good[] = {own, own + 2, own + 1}, bad[] = {own, own + 2, foreign};
    const PFN_NUMBER other[] = {own + 3, own + 3, foreign}, none[] = {foreign, foreign, foreign};

    (void)state;
    assert_int_equal(on.api.AttachDeviceEx(use.domain, new_device(FIRST)), STATUS_SUCCESS);
    for (unsigned by_mdl = 0; by_mdl < 2; by_mdl++) {
        assert_int_equal(map_changing(false, by_mdl, good, bad), STATUS_ACCESS_DENIED);
        assert_int_equal(map_changing(false, by_mdl, bad, none), STATUS_ACCESS_DENIED);
        assert_int_equal(map_changing(true, by_mdl, bad, other), STATUS_ACCESS_DENIED);
        assert_int_equal(map_changing(true, by_mdl, bad, good), STATUS_ACCESS_DENIED);
        assert_int_equal(pages_reached(), 0);
        assert_int_equal(map_changing(true, by_mdl, good, other), STATUS_SUCCESS);
        assert_int_equal(pages_reached(), 3);
        assert_int_equal(unmap_range(use.domain, use.frame, 3 * PAGE_SIZE), STATUS_SUCCESS);
        assert_int_equal(map_changing(false, by_mdl, bad, good), STATUS_SUCCESS);
        assert_int_equal(pages_reached(), 3);
        assert_int_equal(unmap_range(use.domain, AT, 3 * PAGE_SIZE), STATUS_SUCCESS);
    }
}

static void map_reserved_checks_by_position(void **state)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = range_of(use.frame, PAGE_SIZE);
    IOMMU_MAP_PHYSICAL_ADDRESS foreign = range_of(use.foreign, PAGE_SIZE);
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment = {NULL, 1, 2};
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;

    (void)state;
    assert_int_equal(reserve(use.domain, 2 * PAGE_SIZE, AT, &token), STATUS_SUCCESS);
    assert_int_equal(on.api.MapReservedLogicalRange(NULL, 1, 4, NULL, NULL),
                     STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.MapReservedLogicalRange(token, 0x800, 4, NULL, NULL),
                     STATUS_INVALID_PARAMETER_2);
    assert_int_equal(on.api.MapReservedLogicalRange(token, 0, 4, NULL, NULL),
                     STATUS_INVALID_PARAMETER_3);
    assert_int_equal(on.api.MapReservedLogicalRange(token, 0, 3, NULL, NULL),
                     STATUS_INVALID_PARAMETER_4);
    assert_int_equal(on.api.MapReservedLogicalRange(token, 0, 3, &source, NULL),
                     STATUS_INVALID_PARAMETER_5);
    assert_int_equal(on.api.MapReservedLogicalRange(token, 2 * PAGE_SIZE, 3, &source, &segment),
                     STATUS_INVALID_PARAMETER_MIX);
    assert_int_equal(
        on.api.MapReservedLogicalRange(token, SIZE_MAX & ~(SIZE_T)0xFFF, 3, &source, &segment),
        STATUS_INVALID_PARAMETER_MIX);
    assert_int_equal(on.api.MapReservedLogicalRange(token, 0, 3, &foreign, &segment),
                     STATUS_ACCESS_DENIED);
    assert_true(!segment.OwningToken && segment.Offset == 1 && segment.Size == 2);
    token->LogicalAddressBase = 0; /* never read back */
    token->Size = UINT64_MAX;
    assert_int_equal(on.api.MapReservedLogicalRange(token, PAGE_SIZE, 3, &source, &segment),
                     STATUS_SUCCESS);
    assert_ptr_equal(segment.OwningToken, token);
    assert_true(segment.Offset == PAGE_SIZE && segment.Size == PAGE_SIZE);
    assert_int_equal(on.api.MapReservedLogicalRange(token, PAGE_SIZE, 3, &source, &segment),
                     STATUS_RESOURCE_IN_USE);
    assert_int_equal(on.api.UnmapLogicalRange(use.domain, AT + PAGE_SIZE, 1),
                     STATUS_INVALID_PARAMETER_MIX);
    assert_int_equal(on.api.FreeReservedLogicalAddressRange(token), STATUS_RESOURCE_IN_USE);
    assert_int_equal(on.api.UnmapReservedLogicalRange(&segment), STATUS_SUCCESS);
}

static void segments_are_what_is_mapped(void **state)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = range_of(use.frame, 3 * PAGE_SIZE);
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT whole, part;
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;

    (void)state;
    assert_int_equal(reserve(use.buddy, 4 * PAGE_SIZE, 0, &token), STATUS_SUCCESS);
    assert_int_equal(on.api.MapReservedLogicalRange(token, 0, 3, &source, &whole), STATUS_SUCCESS);
    assert_int_equal(on.api.UnmapReservedLogicalRange(NULL), STATUS_INVALID_PARAMETER_1);
    const IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT wrong[] = {
        {NULL, 0, PAGE_SIZE},
        {(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN)((uintptr_t)token + 1), 0, PAGE_SIZE},
        {token, 0, 0},
        {token, 1, PAGE_SIZE},
        {token, 0, PAGE_SIZE + 1},
        {token, 0, 4 * PAGE_SIZE},
        {token, 3 * PAGE_SIZE, PAGE_SIZE},
        {token, 4 * PAGE_SIZE, PAGE_SIZE},
        {token, PAGE_SIZE, SIZE_MAX & ~(SIZE_T)0xFFF},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        part = wrong[i];
        assert_int_equal(on.api.UnmapReservedLogicalRange(&part), STATUS_INVALID_PARAMETER);
        assert_memory_equal(&part, &wrong[i], sizeof part);
    }
    part = (IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT){token, PAGE_SIZE, PAGE_SIZE};
    assert_int_equal(on.api.UnmapReservedLogicalRange(&part), STATUS_SUCCESS);
    assert_true(!part.OwningToken && !part.Offset && !part.Size);
    assert_int_equal(on.api.UnmapReservedLogicalRange(&part), STATUS_INVALID_PARAMETER);
    assert_int_equal(on.api.UnmapReservedLogicalRange(&whole), STATUS_INVALID_PARAMETER);
    assert_int_equal(on.api.FreeReservedLogicalAddressRange(token), STATUS_RESOURCE_IN_USE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ranges_are_whole_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_of_frames_are_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(mdls_may_not_lie, setup, teardown),
        cmocka_unit_test_setup_teardown(mdls_reach_as_far_as_their_size, setup, teardown),
        cmocka_unit_test_setup_teardown(map_ex_checks_by_position, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_are_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_window_is_short_of_resources, setup, teardown),
        cmocka_unit_test_setup_teardown(version_1_maps_mdls, setup, teardown),
        cmocka_unit_test_setup_teardown(identity_checks_by_position, setup, teardown),
        cmocka_unit_test_setup_teardown(reserve_checks_by_position, setup, teardown),
        cmocka_unit_test_setup_teardown(no_token_lies_outside, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_may_change, setup, teardown),
        cmocka_unit_test_setup_teardown(map_reserved_checks_by_position, setup, teardown),
        cmocka_unit_test_setup_teardown(segments_are_what_is_mapped, setup, teardown),
    };

    return cmocka_run_group_tests_name("wdm_maps", tests, NULL, NULL);
}
