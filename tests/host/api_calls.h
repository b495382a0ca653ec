/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_API_CALLS_H
#define TESTS_HOST_API_CALLS_H

#include "api_reference.h"
#include "tests/host/iommu_fixture.h"

#include <stdio.h>

/*
 * Calls of the domain API as small records, run on the implementation and on the reference model
 * side by side. A record names objects by slot, so that sequences can be counted through, drawn,
 * shrunk and pasted. Every call is judged by its status, its outputs, the callbacks that it made,
 * and by what is not to change.
 */
#define OPERATIONS(X)                                                                              \
    X(CREATE_DOMAIN)                                                                               \
    X(DELETE_DOMAIN)                                                                               \
    X(CREATE_DEVICE)                                                                               \
    X(DELETE_DEVICE)                                                                               \
    X(ATTACH)                                                                                      \
    X(ATTACH_EX)                                                                                   \
    X(DETACH)                                                                                      \
    X(DETACH_EX)                                                                                   \
    X(MAP)                                                                                         \
    X(MAP_EX)                                                                                      \
    X(UNMAP)                                                                                       \
    X(MAP_IDENTITY)                                                                                \
    X(MAP_IDENTITY_EX)                                                                             \
    X(UNMAP_IDENTITY)                                                                              \
    X(UNMAP_IDENTITY_EX)                                                                           \
    X(RESERVE)                                                                                     \
    X(FREE_RESERVED)                                                                               \
    X(MAP_RESERVED)                                                                                \
    X(UNMAP_RESERVED)                                                                              \
    X(CONFIGURE)                                                                                   \
    X(FLUSH)                                                                                       \
    X(FLUSH_LIST)                                                                                  \
    X(QUERY_MAPPINGS)                                                                              \
    X(QUERY_TYPES)                                                                                 \
    X(REGISTER)                                                                                    \
    X(UNREGISTER)                                                                                  \
    X(FAULT_REPORTING)                                                                             \
    X(FAULT_REPORTING_EX)                                                                          \
    X(QUERY_INFO)                                                                                  \
    X(PASID)                                                                                       \
    X(SET_GUARD)                                                                                   \
    X(DMA)

#define NAME_OF(name) name,
enum operation { OPERATIONS(NAME_OF) OPERATION_COUNT };
#undef NAME_OF

/* Which of a call's own variants. Slot 0 is NULL, the last two of a kind are a handle that was
 * deleted and one that never was; of tokens, a pointer into the last. */
struct call {
    enum operation operation;
    uint8_t who; /* 0: OWNER_ONE, 1: OWNER_TWO */
    uint8_t domain, device, token, segment;
    uint8_t variant;
    uint8_t at;    /* logical address: address_at() */
    uint8_t pages; /* of the range */
    uint8_t memory, step, form;
    uint8_t permissions;
    uint8_t limits; /* minimum and maximum: limits[] */
    uint8_t flaw;   /* 1: the output is NULL; others by operation */
};

enum { NO_EXPLICIT, EXPLICIT }; /* variant of MAP_EX and RESERVE */
enum {
    FORM_RANGE,
    FORM_MDL,
    FORM_PFN,
    FORM_NULL,
    FORM_NO_TYPE,
    FORM_UNALIGNED,
    FORM_ODD,
    FORM_EMPTY,
    FORM_WRAPS,
    FORM_PFN_NULL,
    FORM_PFN_EMPTY,
    FORM_MDL_NULL,
    FORM_MDL_OFFSET,
    FORM_MDL_ODD,
    FORM_MDL_EMPTY,
    FORM_COUNT
};

#define LOGICAL      UINT64_C(0x101F8000) /* 16 pages from here lie in two tables */
#define OWN_FRAMES   8
#define FRAME_KINDS  14
#define ADDRESSES    48
#define RESULTS      4

#define DOMAIN_SLOTS 7
#define DEVICE_SLOTS (FUNCTIONS + 3)
#define TOKEN_SLOTS  6
#define SEGMENTS     4
#define LIVE_MAX     64

/* A handle of the implementation with the reference's. */
struct pair {
    void *real;
    ref_handle model;
    owner_t owner;
};

enum kind { DOMAINS, DEVICES, TOKENS, KINDS };
static const unsigned slot_count[KINDS] = {DOMAIN_SLOTS, DEVICE_SLOTS, TOKEN_SLOTS};

/* Bits of a world. */
enum { WITH_FIRMWARE = 1, TWO_DRIVERS = 2, COHERENT = 4, CACHING = 8, WORLDS = 16 };

static struct {
    DMA_IOMMU_INTERFACE_V1 v1;
    DMA_IOMMU_INTERFACE_V3 v3;
    struct api_reference api;
    struct pair slots[KINDS][DEVICE_SLOTS];
    struct pair live[KINDS][LIVE_MAX];
    unsigned live_count[KINDS];
    struct {
        IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT real;
        struct ref_segment model;
    } segments[SEGMENTS];
    uint64_t results[RESULTS];
    unsigned result_count;
    uint64_t own, foreign; /* first frames */
    struct ref_call calls[REF_CALLS];
    unsigned call_count;
    uint64_t stamp;
    size_t tables_at_rest;
    char failure[256]; /* "": both agree */
} world;

#define DISAGREE(...)                                                                              \
    ((void)(world.failure[0] == 0 && snprintf(world.failure, sizeof world.failure, __VA_ARGS__)))

/* ---- What the records stand for ---- */

static inline owner_t owner_of(const struct call *call)
{
    return call->who ? OWNER_TWO : OWNER_ONE;
}

static inline uint64_t frame_at(unsigned index)
{
    static const uint64_t others[] = {0xFEE00, 0x6FFFF, REGION_BASE >> PAGE_SHIFT,
                                      UINT64_C(0xFFFFFFFFFF000)};

    if (index < OWN_FRAMES)
        return world.own + index;
    if (index < OWN_FRAMES + 2)
        return world.foreign + index - OWN_FRAMES;
    return others[(index - OWN_FRAMES - 2) % (sizeof others / sizeof *others)];
}

static inline uint64_t address_at(unsigned index)
{
    static const uint64_t others[] = {
        0xFEDFF000,        0xFEE00000, (UINT64_C(1) << 48) - PAGE_SIZE,
        UINT64_C(1) << 48, 0x10000800, REGION_BASE - PAGE_SIZE,
        ~UINT64_C(0xFFF),  REGION_BASE};

    if (index < 16)
        return LOGICAL + (uint64_t)index * PAGE_SIZE;
    if (index < 24)
        return (world.own + index - 16) * PAGE_SIZE;
    if (index < 32)
        return (uint64_t)(index - 24) * PAGE_SIZE;
    if (index < 40)
        return others[index - 32];
    return world.results[index % RESULTS];
}

#define NONE UINT64_C(0xDEAD)

/* Pairs of minimum and maximum; NONE: not given. */
static const uint64_t limits[][2] = {
    {NONE, NONE},  {0x2000, NONE},   {NONE, 0x3FFF},           {0x1000, 0x1FFF},
    {0x3000, 0},   {0x1001, 0x4FFE}, {0xFED00000, 0xFEFFFFFF}, {0, UINT64_MAX},
    {NONE, 0xFFE}, {0x6000, 0x9FFF}, {UINT64_MAX, UINT64_MAX}, {0xFEDFE000, 0xFEE01FFF},
};
#define LIMITS (sizeof limits / sizeof *limits)

struct source {
    IOMMU_MAP_PHYSICAL_ADDRESS physical;
    PIOMMU_MAP_PHYSICAL_ADDRESS given; /* NULL or the one above */
    struct {
        MDL mdl;
        PFN_NUMBER frames[REF_FRAMES];
    } list;
    struct ref_memory model;
};

static inline void give_range(struct source *source, unsigned form)
{
    uint64_t base = source->model.frames[0] << PAGE_SHIFT, pages = source->model.count;

    source->physical.MapType = MapPhysicalAddressTypeContiguousRange;
    if (form == FORM_WRAPS) {
        base = ~UINT64_C(0xFFF);
        pages = 2;
    }
    source->physical.ContiguousRange.Base.QuadPart =
        (LONGLONG)(base + (form == FORM_UNALIGNED ? 0x10 : 0));
    source->physical.ContiguousRange.Size = (pages << PAGE_SHIFT) + (form == FORM_ODD ? 1 : 0);
    if (form == FORM_EMPTY)
        source->physical.ContiguousRange.Size = 0;
}

static inline void give_frames(struct source *source, unsigned form)
{
    source->physical.MapType = MapPhysicalAddressTypePfn;
    source->physical.PfnArray.PageFrame = form == FORM_PFN_NULL ? NULL : source->list.frames;
    source->physical.PfnArray.NumberOfPages = form == FORM_PFN_EMPTY ? 0 : source->model.count;
}

static inline void give_mdl(struct source *source, unsigned form)
{
    source->physical.MapType = MapPhysicalAddressTypeMdl;
    source->physical.Mdl.Mdl = form == FORM_MDL_NULL ? NULL : &source->list.mdl;
    MmInitializeMdl(&source->list.mdl, NULL, (SIZE_T)source->model.count << PAGE_SHIFT);
    source->list.mdl.ByteOffset = form == FORM_MDL_OFFSET ? 8 : 0;
    source->list.mdl.ByteCount += form == FORM_MDL_ODD ? 8 : 0;
    if (form == FORM_MDL_EMPTY)
        source->list.mdl.ByteCount = 0;
}

/* The memory that a call describes. `mdl`: version 1 takes nothing else. */
static inline void describe(const struct call *call, bool mdl, struct source *source)
{
    unsigned form = mdl && (call->form < FORM_MDL_NULL) ? FORM_MDL : call->form;
    bool contiguous = form != FORM_MDL && form != FORM_PFN;

    memset(source, 0, sizeof *source);
    source->given = &source->physical;
    source->model.malformed = form > FORM_PFN || call->pages == 0;
    source->model.count = call->pages;
    for (unsigned i = 0; i < call->pages && i < REF_FRAMES; i++) {
        source->model.frames[i] = contiguous
                                      ? frame_at(call->memory) + i
                                      : frame_at((call->memory + i * call->step) % FRAME_KINDS);
        source->list.frames[i] = source->model.frames[i];
    }
    if (form == FORM_MDL || form >= FORM_MDL_NULL)
        give_mdl(source, form);
    else if (form == FORM_PFN || form >= FORM_PFN_NULL)
        give_frames(source, form);
    else
        give_range(source, form);
    if (form == FORM_NULL)
        source->given = NULL;
    if (form == FORM_NO_TYPE)
        source->physical.MapType = MapPhysicalAddressTypeMax;
}

/* Explicit address, minimum and maximum of a call: as the implementation is given them. */
struct place {
    IOMMU_DMA_LOGICAL_ADDRESS values[3];
    PIOMMU_DMA_LOGICAL_ADDRESS explicit, min, max;
};

static inline struct ref_place place_of(const struct call *call, struct place *place)
{
    const uint64_t *limit = limits[call->limits % LIMITS];

    *place = (struct place){.values = {address_at(call->at), limit[0], limit[1]}};
    place->explicit = call->variant == EXPLICIT ? &place->values[0] : NULL;
    place->min = limit[0] == NONE ? NULL : &place->values[1];
    place->max = limit[1] == NONE ? NULL : &place->values[2];
    return (struct ref_place){place->explicit, place->min, place->max};
}

/* ---- Objects ---- */

static inline struct pair slot(enum kind kind, unsigned index)
{
    return world.slots[kind][index % slot_count[kind]];
}

static inline PIOMMU_DMA_DOMAIN real_domain(const struct call *call)
{
    return slot(DOMAINS, call->domain).real;
}

static inline ref_handle model_domain(const struct call *call)
{
    return slot(DOMAINS, call->domain).model;
}

static inline PIOMMU_DMA_DEVICE real_device(const struct call *call)
{
    return slot(DEVICES, call->device).real;
}

static inline ref_handle model_device(const struct call *call)
{
    return slot(DEVICES, call->device).model;
}

/* The PDO that goes with a device's slot, and as the reference counts it. */
static inline PDEVICE_OBJECT real_pdo(const struct call *call)
{
    return call->device == 0 ? NULL : wdm_pdo((uint16_t)(call->device - 1u));
}

static inline unsigned model_pdo(const struct call *call)
{
    return call->device <= FUNCTIONS ? call->device : 0;
}

static inline void born(enum kind kind, unsigned index, struct pair pair)
{
    if (index != 0 && index < slot_count[kind] - 2)
        world.slots[kind][index] = pair;
    world.live[kind][world.live_count[kind]++ % LIVE_MAX] = pair;
    if (kind == TOKENS)
        world.slots[TOKENS][TOKEN_SLOTS - 1].real = (char *)pair.real + sizeof(uint64_t);
}

static inline void died(enum kind kind, ref_handle model)
{
    for (unsigned i = 0; i < world.live_count[kind]; i++) {
        if (world.live[kind][i].model == model) {
            world.slots[kind][slot_count[kind] - 2] = world.live[kind][i];
            world.live[kind][i] = world.live[kind][--world.live_count[kind]];
            return;
        }
    }
}

static inline struct pair live_pair(enum kind kind, ref_handle model)
{
    for (unsigned i = 0; i < world.live_count[kind]; i++) {
        if (world.live[kind][i].model == model)
            return world.live[kind][i];
    }
    return (struct pair){NULL, 0, OWNER_FREE};
}

/* ---- Judgement ---- */

static inline bool agree(NTSTATUS real, NTSTATUS model)
{
    if (world.api.complaint != NULL)
        DISAGREE("%s", world.api.complaint);
    else if (real != model && !(world.api.open && real == world.api.also))
        DISAGREE("status 0x%08x, the reference says 0x%08x", (unsigned)real, (unsigned)model);
    return world.failure[0] == 0;
}

/* `canary`: what the output held before the call. */
static inline void same_output(const char *what, uint64_t real, uint64_t model)
{
    if (real != model)
        DISAGREE("%s is 0x%llx, the reference says 0x%llx", what, (unsigned long long)real,
                 (unsigned long long)model);
}

static inline void called(PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback,
                          PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
    world.calls[world.call_count++ % REF_CALLS] =
        (struct ref_call){callback, context, *change, owner_current()};
}

static inline void state_changed(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
    called(state_changed, change, context);
}

static inline void state_changed_too(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
    called(state_changed_too, change, context);
}

static inline bool same_call(const struct ref_call *a, const struct ref_call *b)
{
    return a->callback == b->callback && a->context == b->context && a->owner == b->owner &&
           a->change.PresentFields.AsULONG == b->change.PresentFields.AsULONG &&
           a->change.AvailableDomainTypes == b->change.AvailableDomainTypes;
}

/* The callbacks made are those expected, in any order. */
static inline void judge_callbacks(void)
{
    if (world.call_count != world.api.call_count)
        DISAGREE("%u callbacks, the reference says %u", world.call_count, world.api.call_count);
    for (unsigned i = 0; i < world.api.call_count && world.failure[0] == 0; i++) {
        bool found = false;

        for (unsigned j = 0; j < world.call_count; j++)
            found |= same_call(&world.api.calls[i], &world.calls[j]);
        if (!found)
            DISAGREE("a callback told 0x%x to owner %u",
                     (unsigned)world.calls[0].change.AvailableDomainTypes,
                     (unsigned)world.calls[0].owner);
    }
}

#endif
