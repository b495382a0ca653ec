/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/memory.h"
#include "drivers/iommu/core/state.h"

/* Mappings whose logical addresses equal the physical ones: each run of a list has its own place.
 */

static bool is_usable(const struct iommu_call *call, const struct iommu_run *run)
{
    return iommu_is_usable(call->iommu, call->iommu->geometry.width, run->physical, run->length);
}

static bool all_usable(const struct iommu_call *call, const struct iommu_memory *memory)
{
    struct iommu_run run;
    uint64_t done = 0;

    while (iommu_next_run(memory, &done, &run))
        if (!is_usable(call, &run))
            return false;
    return true;
}

/* Under the domain's lock: mapped as a whole, by such calls as these. */
static bool is_live(const struct iommu_call *call, const struct iommu_run *run)
{
    uint64_t last = run->physical + run->length - 1;
    struct pt_walk walk;

    if (!is_usable(call, run) || iommu_is_kept(call->iommu, call->domain, run->physical, last))
        return false;
    for (uint64_t at = run->physical; at <= last;
         at = (at | ((UINT64_C(1) << walk.leaf_shift) - 1)) + 1) {
        pt_walk(&call->domain->table, at, &walk);
        if (!walk.leaf_level)
            return false;
    }
    return true;
}

static bool all_live(const struct iommu_call *call, const struct iommu_memory *memory)
{
    struct iommu_run run;
    uint64_t done = 0;

    while (iommu_next_run(memory, &done, &run))
        if (!is_live(call, &run))
            return false;
    return true;
}

static bool unmap_live(const struct iommu_call *call, struct iommu_batch *batch,
                       const struct iommu_run *run)
{
    if (!is_live(call, run) ||
        pt_unmap(&call->domain->table, run->physical, run->length, &batch->gather) != PT_OK)
        return false;
    iommu_invalidation_add(&batch->invalidation, run->physical, run->length);
    return true;
}

/* A run that is not live as a whole holds pages that were listed before. */
static void unmap_run(const struct iommu_call *call, struct iommu_batch *batch,
                      const struct iommu_run *run)
{
    struct iommu_run page = {run->physical, PT_PAGE_SIZE};

    if (unmap_live(call, batch, run))
        return;
    for (; page.physical - run->physical < run->length; page.physical += PT_PAGE_SIZE)
        (void)unmap_live(call, batch, &page);
}

/* In one step, as other contexts see it. */
static enum iommu_status take_out(const struct iommu_call *call, const struct iommu_memory *memory)
{
    struct iommu_batch batch = iommu_batch_of(call->domain);
    struct iommu_run run;
    uint64_t done = 0;

    if (!iommu_lock_domain(call))
        return IOMMU_BAD_HANDLE;
    bool live = all_live(call, memory);
    while (live && iommu_next_run(memory, &done, &run))
        unmap_run(call, &batch, &run);
    iommu_batch_note(call, &batch);
    iommu_unlock_domain(call);
    if (!live)
        return IOMMU_NOT_MAPPED;
    return iommu_batch_finish(call, &batch) ? IOMMU_OK : IOMMU_FAILED;
}

/* Longer lists are copied to a place of their own. */
#define SHORT_LIST 64

/* What a map has put in is found by the list again: by a copy, which stays. */
static enum iommu_status put_list(const struct iommu_call *call, const struct iommu_memory *memory,
                                  enum pt_permission permission)
{
    uint64_t few[SHORT_LIST], *copy = few;
    size_t count = memory->length >> PT_PAGE_SHIFT;
    size_t frames = (count * sizeof *copy - 1) / FRAME_SIZE + 1;

    if (count > SHORT_LIST)
        copy = memory_alloc(OWNER_IOMMU, frames, 0);
    if (!copy)
        return iommu_owns(call->owner, memory) ? IOMMU_NO_MEMORY : IOMMU_NOT_OWNED;
    for (size_t i = 0; i < count; i++)
        copy[i] = ((const volatile uint64_t *)memory->frames)[i];
    const struct iommu_memory fixed = {.frames = copy, .length = memory->length};
    enum iommu_status status =
        all_usable(call, &fixed) ? iommu_put_all(call, NULL, &fixed, permission) : IOMMU_BAD_RANGE;
    if (copy != few)
        (void)memory_free(OWNER_IOMMU, copy, frames);
    return status;
}

enum iommu_status iommu_map_identity(struct iommu *iommu, owner_t owner, iommu_ref_t ref,
                                     const struct iommu_memory *memory,
                                     enum pt_permission permission)
{
    const struct iommu_call call = {iommu, iommu_domain_at(iommu, owner, ref), ref, owner, false};

    if (!call.domain)
        return IOMMU_BAD_HANDLE;
    if (call.domain->type == IOMMU_UNMANAGED)
        return IOMMU_BAD_TYPE;
    if (!all_usable(&call, memory))
        return IOMMU_BAD_RANGE;
    if (call.domain->type == IOMMU_PASS_THROUGH)
        return IOMMU_OK;
    if (call.domain->allocator)
        return IOMMU_NO_CHOICE;
    if (call.domain->poisoned)
        return IOMMU_FAILED;
    return memory->frames ? put_list(&call, memory, permission)
                          : iommu_put_all(&call, NULL, memory, permission);
}

enum iommu_status iommu_unmap_identity(struct iommu *iommu, owner_t owner, iommu_ref_t ref,
                                       const struct iommu_memory *memory)
{
    const struct iommu_call call = {iommu, iommu_domain_at(iommu, owner, ref), ref, owner, false};

    if (!call.domain)
        return IOMMU_BAD_HANDLE;
    if (call.domain->type == IOMMU_UNMANAGED)
        return IOMMU_BAD_TYPE;
    if (call.domain->type == IOMMU_PASS_THROUGH)
        return IOMMU_OK;
    return call.domain->allocator ? IOMMU_NO_CHOICE : take_out(&call, memory);
}
