/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/mapping.h"

#include "drivers/iommu/core/state.h"

bool iommu_lock_domain(const struct iommu_call *call)
{
    lock_take(&call->domain->lock);
    if (call->domain->ref == call->ref)
        return true;
    lock_give(&call->domain->lock);
    return false;
}

void iommu_unlock_domain(const struct iommu_call *call)
{
    lock_give(&call->domain->lock);
}

struct iommu_batch iommu_batch_of(const struct iommu_domain *domain)
{
    struct iommu_batch batch;

    iommu_invalidation_init(&batch.invalidation, domain->id);
    batch.gather = (struct pt_gather)PT_GATHER_INIT;
    batch.unlinking = false;
    return batch;
}

void iommu_batch_note(const struct iommu_call *call, struct iommu_batch *batch)
{
    if (batch->unlinking || !batch->gather.tables)
        return;
    batch->unlinking = true;
    call->domain->unlinking++;
    iommu_update_plain(call->domain);
}

/* On every unit of a set; one that fails does not keep the others from it. */
static bool invalidate(struct iommu *iommu, uint64_t units,
                       const struct iommu_invalidation *invalidation)
{
    bool done = true;

    for (; units; units &= units - 1) {
        struct iommu_unit *unit = &iommu->units[__builtin_ctzll(units)];

        if (unit->ops->invalidate(unit, invalidation))
            continue;
        iommu_poison(iommu, unit);
        done = false;
    }
    return done;
}

bool iommu_forget_any(struct iommu *iommu, iommu_ref_t ref, uint64_t address, uint64_t length,
                      bool leaves_only)
{
    const struct iommu_domain *domain = iommu_domain_slot(iommu, ref);
    struct iommu_invalidation range;

    iommu_invalidation_init(&range, domain->id);
    iommu_invalidation_add(&range, address, length);
    range.leaves_only = leaves_only;
    return invalidate(iommu, domain->units, &range);
}

enum iommu_status iommu_from_paging(enum pt_status status)
{
    switch (status) {
    case PT_OK:
        return IOMMU_OK;
    case PT_NO_MEMORY:
        return IOMMU_NO_MEMORY;
    case PT_LIVE:
        return IOMMU_OVERLAP;
    case PT_NOT_LIVE:
        return IOMMU_NOT_MAPPED;
    case PT_NOT_ENCODABLE:
        return IOMMU_BAD_ACCESS;
    case PT_BAD_RANGE:
        break;
    }
    return IOMMU_BAD_RANGE;
}

static bool meets_region(const struct iommu *iommu, uint64_t first, uint64_t last)
{
    for (unsigned i = 0; i < iommu->region_count; i++)
        if (first <= iommu->regions[i].last && last >= iommu->regions[i].first)
            return true;
    return false;
}

bool iommu_is_usable(const struct iommu *iommu, unsigned width, uint64_t address, uint64_t length)
{
    uint64_t last = address + length - 1;

    return last >= address && !((address | length) & (PT_PAGE_SIZE - 1)) && !(last >> width) &&
           (last < IOMMU_INTERRUPT_FIRST || address > IOMMU_INTERRUPT_LAST) &&
           !(iommu->region_count && meets_region(iommu, address, last));
}

/* What an allocator handed out is not kept for another. */
static bool is_kept(const struct iommu_call *call, uint64_t address, uint64_t length)
{
    return !call->kept && !call->domain->allocator &&
           iommu_is_kept(call->iommu, call->domain, address, address + length - 1);
}

/* Takes a range out of the table; units may still know it until it is added to the batch and that
 * is finished. */
static enum iommu_status batch_unmap(const struct iommu_call *call, struct iommu_batch *batch,
                                     uint64_t address, uint64_t length)
{
    enum pt_status status = PT_NOT_LIVE;

    if (!iommu_lock_domain(call))
        return IOMMU_BAD_HANDLE;
    if (!is_kept(call, address, length))
        status = pt_unmap(&call->domain->table, address, length, &batch->gather);
    iommu_batch_note(call, batch);
    iommu_unlock_domain(call);
    if (status == PT_OK)
        return IOMMU_OK;
    return status == PT_NOT_LIVE ? IOMMU_NOT_MAPPED : IOMMU_BAD_RANGE;
}

bool iommu_batch_finish(const struct iommu_call *call, struct iommu_batch *batch)
{
    batch->invalidation.leaves_only = !batch->gather.tables;
    if (batch->invalidation.count &&
        !invalidate(call->iommu, call->domain->units, &batch->invalidation))
        return false;
    if (batch->unlinking && iommu_lock_domain(call)) {
        call->domain->unlinking--;
        iommu_update_plain(call->domain);
        iommu_unlock_domain(call);
    }
    if (batch->gather.tables)
        pt_release(&call->iommu->pool, &batch->gather);
    return true;
}

/* Ends an unmap that has taken tables out, and gives the domain's lock back. */
bool iommu_finish_unlinking(struct iommu *iommu, struct iommu_domain *domain, uint64_t address,
                            uint64_t length, const struct pt_gather *gather)
{
    const struct iommu_call call = {iommu, domain, domain->ref, domain->owner, false};
    struct iommu_batch batch = iommu_batch_of(domain);

    batch.gather = *gather;
    iommu_batch_note(&call, &batch);
    iommu_unlock_domain(&call);
    iommu_invalidation_add(&batch.invalidation, address, length);
    return iommu_batch_finish(&call, &batch);
}

enum iommu_status iommu_take_out(const struct iommu_call *call, uint64_t address, uint64_t length,
                                 uint64_t span)
{
    struct iommu_batch batch = iommu_batch_of(call->domain);
    enum iommu_status status = batch_unmap(call, &batch, address, length);

    if (status != IOMMU_OK)
        return status;
    iommu_invalidation_add(&batch.invalidation, address, span);
    return iommu_batch_finish(call, &batch) ? IOMMU_OK : IOMMU_FAILED;
}

/* After new entries: where units need an invalidation for those too, or may still find a table that
 * another context has just unlinked in the place of the new one. */
static bool flush_new(const struct iommu_call *call, struct iommu_invalidation *fresh)
{
    const struct iommu_domain *domain = call->domain;
    uint64_t units = domain->unlinking ? domain->units : domain->flush_units;

    fresh->leaves_only = false;
    return invalidate(call->iommu, units, fresh);
}

bool iommu_next_run(const struct iommu_memory *memory, uint64_t *done, struct iommu_run *run)
{
    const volatile uint64_t *frames =
        memory->frames ? &memory->frames[*done >> PT_PAGE_SHIFT] : NULL;
    uint64_t count = (memory->length - *done) >> PT_PAGE_SHIFT, n = 1;

    if (!count)
        return false;
    if (frames) {
        const uint64_t first = frames[0];

        while (n < count && frames[n] == first + n)
            n++;
        run->physical =
            first < UINT64_C(1) << 52 ? first << PT_PAGE_SHIFT : UINT64_MAX & ~(PT_PAGE_SIZE - 1);
    } else {
        run->physical = memory->physical;
        n = count;
    }
    run->length = n << PT_PAGE_SHIFT;
    *done += run->length;
    return true;
}

bool iommu_owns(owner_t owner, const struct iommu_memory *memory)
{
    struct iommu_run run;
    uint64_t done = 0;

    while (iommu_next_run(memory, &done, &run))
        if (!memory_owned(owner, run.physical, run.length))
            return false;
    return true;
}

/* The logical ranges that memory takes: at an address all of it, else each run its own. */
static bool next_range(const uint64_t *address, const struct iommu_memory *memory, uint64_t *done,
                       struct iommu_run *range)
{
    if (!address)
        return iommu_next_run(memory, done, range);
    *range = (struct iommu_run){*address, memory->length - *done};
    *done = memory->length;
    return range->length != 0;
}

static enum iommu_status put_run(const struct iommu_call *call, uint64_t address,
                                 const struct iommu_run *run, enum pt_permission permission)
{
    if (!memory_owned(call->owner, run->physical, run->length))
        return IOMMU_NOT_OWNED;
    if (is_kept(call, address, run->length))
        return IOMMU_OVERLAP;
    return iommu_from_paging(
        pt_map(&call->domain->table, address, run->physical, run->length, permission));
}

/* `put`: bytes of the memory, from its begin on, that are in the table now. */
static enum iommu_status put_runs(const struct iommu_call *call, const uint64_t *address,
                                  const struct iommu_memory *memory, enum pt_permission permission,
                                  uint64_t *put)
{
    struct iommu_run run;
    uint64_t done = 0;

    *put = 0;
    if (call->domain->poisoned)
        return IOMMU_FAILED;
    for (; iommu_next_run(memory, &done, &run); *put = done) {
        enum iommu_status status =
            put_run(call, address ? *address + *put : run.physical, &run, permission);

        if (status != IOMMU_OK)
            return status;
    }
    return IOMMU_OK;
}

/* Takes out what is live of a range: all of it, unless another context has been there since. */
static void take_live(const struct iommu_call *call, struct iommu_batch *batch,
                      const struct iommu_run *range)
{
    struct pt *table = &call->domain->table;
    const uint64_t address = range->physical;

    iommu_invalidation_add(&batch->invalidation, address, range->length);
    if (pt_unmap(table, address, range->length, &batch->gather) == PT_OK)
        return;
    for (uint64_t at = 0; at < range->length; at += PT_PAGE_SIZE)
        (void)!pt_unmap(table, address + at, PT_PAGE_SIZE, &batch->gather);
}

/* The first `put` bytes of the memory. */
static void take_back(const struct iommu_call *call, struct iommu_batch *batch,
                      const uint64_t *address, const struct iommu_memory *memory, uint64_t put)
{
    const struct iommu_memory part = {memory->physical, memory->frames, put};
    struct iommu_run range;

    for (uint64_t done = 0; next_range(address, &part, &done, &range);)
        take_live(call, batch, &range);
    iommu_batch_note(call, batch);
}

/* A wait ran out after the entries of the memory were made. */
static void undo(const struct iommu_call *call, const uint64_t *address,
                 const struct iommu_memory *memory)
{
    struct iommu_batch batch = iommu_batch_of(call->domain);

    if (iommu_lock_domain(call)) {
        take_back(call, &batch, address, memory, memory->length);
        iommu_unlock_domain(call);
    }
    (void)!iommu_batch_finish(call, &batch);
}

static enum iommu_status flush_all(const struct iommu_call *call, const uint64_t *address,
                                   const struct iommu_memory *memory)
{
    struct iommu_invalidation fresh;
    struct iommu_run range;

    iommu_invalidation_init(&fresh, call->domain->id);
    for (uint64_t done = 0; next_range(address, memory, &done, &range);)
        iommu_invalidation_add(&fresh, range.physical, range.length);
    if (flush_new(call, &fresh))
        return IOMMU_OK;
    undo(call, address, memory);
    return IOMMU_FAILED;
}

void iommu_undo(struct iommu *iommu, owner_t owner, iommu_ref_t ref, uint64_t address,
                uint64_t length)
{
    const struct iommu_call call = {iommu, iommu_domain_slot(iommu, ref), ref, owner, false};
    const struct iommu_memory memory = {.length = length};

    undo(&call, &address, &memory);
}

/* Under the domain's lock. The next range is likely to lie beside this one. */
static void learn_gap(const struct iommu_call *call, uint64_t address)
{
    struct iommu_domain *domain = call->domain;

    if (address >= domain->gap.first && address <= domain->gap.last)
        return;
    domain->gap = iommu_gap_at(call->iommu, domain, address);
    iommu_update_plain(domain);
}

enum iommu_status iommu_put_all(const struct iommu_call *call, const uint64_t *address,
                                const struct iommu_memory *memory, enum pt_permission permission)
{
    struct iommu_batch batch = iommu_batch_of(call->domain);
    uint64_t put;

    if (!iommu_lock_domain(call))
        return IOMMU_BAD_HANDLE;
    enum iommu_status status = put_runs(call, address, memory, permission, &put);
    if (status != IOMMU_OK)
        take_back(call, &batch, address, memory, put);
    else if (address && !call->kept)
        learn_gap(call, *address);
    iommu_unlock_domain(call);
    if (status == IOMMU_OK)
        return flush_all(call, address, memory);
    if (!iommu_batch_finish(call, &batch))
        return IOMMU_FAILED;
    if ((status == IOMMU_OVERLAP || status == IOMMU_NO_MEMORY) && !iommu_owns(call->owner, memory))
        return IOMMU_NOT_OWNED;
    return status;
}

enum iommu_status iommu_may_place(const struct iommu_call *call, const struct iommu_place *place,
                                  uint64_t length)
{
    const struct iommu_domain *domain = call->domain;

    if (domain->type != IOMMU_TRANSLATE)
        return IOMMU_BAD_TYPE;
    if (!length || length & (PT_PAGE_SIZE - 1) ||
        (place->explicit &&
         !iommu_is_usable(call->iommu, call->iommu->geometry.width, *place->explicit, length)))
        return IOMMU_BAD_RANGE;
    if ((domain->allocator != NULL) == (place->explicit != NULL))
        return IOMMU_NO_CHOICE;
    return domain->poisoned ? IOMMU_FAILED : IOMMU_OK;
}

enum iommu_status iommu_take_addresses(const struct iommu_domain *domain,
                                       const struct iommu_place *place, uint64_t length,
                                       uint64_t *address)
{
    enum allocator_status status =
        allocator_take(domain->allocator, length >> PT_PAGE_SHIFT, place->min, place->max, address);

    if (status == ALLOCATOR_OK)
        return IOMMU_OK;
    return status == ALLOCATOR_NO_MEMORY ? IOMMU_NO_MEMORY : IOMMU_NO_SPACE;
}

void iommu_give_addresses(const struct iommu_domain *domain, uint64_t address, uint64_t length)
{
    if (domain->allocator)
        (void)!allocator_give(domain->allocator, address, length >> PT_PAGE_SHIFT, 0);
}

static enum iommu_status choose_place(const struct iommu_call *call,
                                      const struct iommu_place *place, uint64_t length,
                                      uint64_t *address)
{
    if (place->explicit) {
        *address = *place->explicit;
        return IOMMU_OK;
    }
    if (!iommu_lock_domain(call))
        return IOMMU_BAD_HANDLE;
    enum iommu_status status = iommu_take_addresses(call->domain, place, length, address);
    iommu_unlock_domain(call);
    return status;
}

static void give_place(const struct iommu_call *call, uint64_t address, uint64_t length)
{
    if (!iommu_lock_domain(call))
        return;
    iommu_give_addresses(call->domain, address, length);
    iommu_unlock_domain(call);
}

enum iommu_status iommu_map(struct iommu *iommu, owner_t owner, iommu_ref_t ref,
                            const struct iommu_place *place, const struct iommu_memory *memory,
                            enum pt_permission permission, uint64_t *out)
{
    const struct iommu_call call = {iommu, iommu_domain_at(iommu, owner, ref), ref, owner, false};
    uint64_t address;

    if (!call.domain)
        return IOMMU_BAD_HANDLE;
    enum iommu_status status = iommu_may_place(&call, place, memory->length);
    if (status == IOMMU_OK)
        status = choose_place(&call, place, memory->length, &address);
    if (status != IOMMU_OK)
        return status;
    status = iommu_put_all(&call, &address, memory, permission);
    if (status == IOMMU_OK)
        *out = address;
    else if (!place->explicit && status != IOMMU_FAILED)
        give_place(&call, address, memory->length);
    return status;
}

/* With an allocator: one whole mapping. After a failed wait its address stays in use for ever. */
static enum iommu_status take_out_allocated(const struct iommu_call *call, uint64_t address,
                                            uint64_t length)
{
    if (!iommu_lock_domain(call))
        return IOMMU_BAD_HANDLE;
    bool taken = allocator_is_taken(call->domain->allocator, address, length >> PT_PAGE_SHIFT) &&
                 !iommu_is_kept(call->iommu, call->domain, address, address + length - 1);
    iommu_unlock_domain(call);
    if (!taken)
        return IOMMU_NOT_MAPPED;
    enum iommu_status status = iommu_take_out(call, address, length, allocator_block(length));
    if (status == IOMMU_OK)
        give_place(call, address, length);
    return status;
}

enum iommu_status iommu_unmap(struct iommu *iommu, owner_t owner, iommu_ref_t ref, uint64_t address,
                              uint64_t length)
{
    const struct iommu_call call = {iommu, iommu_domain_at(iommu, owner, ref), ref, owner, false};

    if (!call.domain)
        return IOMMU_BAD_HANDLE;
    if (call.domain->type != IOMMU_TRANSLATE)
        return IOMMU_BAD_TYPE;
    if (!length || address + length - 1 < address)
        return IOMMU_BAD_RANGE;
    if (!iommu_is_usable(iommu, call.domain->table.geometry.width, address, length))
        return IOMMU_NOT_MAPPED;
    return call.domain->allocator ? take_out_allocated(&call, address, length)
                                  : iommu_take_out(&call, address, length, length);
}

/* One range has one set of rights in a domain. Under the domain's lock. */
static enum iommu_status put_region(struct iommu_domain *domain, const struct iommu_region *region,
                                    bool used, enum pt_permission permission)
{
    struct pt_walk walk;

    if (!used)
        return iommu_from_paging(pt_map(&domain->table, region->first, region->first,
                                        region->last - region->first + 1, permission));
    pt_walk(&domain->table, region->first, &walk);
    return walk.leaf_level && walk.permission == permission ? IOMMU_OK : IOMMU_INCOMPATIBLE;
}

static enum iommu_status map_region(const struct iommu_call *call, unsigned index,
                                    enum pt_permission permission)
{
    uint16_t *uses = &call->domain->region_uses[index];

    if (!iommu_lock_domain(call))
        return IOMMU_BAD_HANDLE;
    enum iommu_status status =
        put_region(call->domain, &call->iommu->regions[index], *uses != 0, permission);
    iommu_unlock_domain(call);
    if (status == IOMMU_OK)
        ++*uses;
    return status;
}

static bool unmap_region(const struct iommu_call *call, struct iommu_batch *batch, unsigned index)
{
    const struct iommu_region *region = &call->iommu->regions[index];
    const uint64_t length = region->last - region->first + 1;

    if (--call->domain->region_uses[index])
        return true;
    if (batch_unmap(call, batch, region->first, length) != IOMMU_OK)
        return false;
    iommu_invalidation_add(&batch->invalidation, region->first, length);
    return true;
}

bool iommu_group_has_endpoint(const struct iommu *iommu, uint16_t group, uint16_t endpoint)
{
    return iommu->pci->functions[endpoint].group_leader == group;
}

static bool unmap_demands(const struct iommu_call *call, uint16_t group, unsigned end)
{
    const struct iommu *iommu = call->iommu;
    struct iommu_batch batch = iommu_batch_of(call->domain);
    bool done = true;

    for (unsigned i = 0; i < end; i++)
        if (iommu->groups[group].rights[i])
            done &= unmap_region(call, &batch, i);
    return iommu_batch_finish(call, &batch) && done;
}

/* A pass-through domain has no table, and reaches the regions anyway. */
enum iommu_status iommu_map_regions(struct iommu *iommu, uint16_t group,
                                    struct iommu_domain *domain)
{
    const struct iommu_call call = {iommu, domain, domain->ref, domain->owner, true};

    if (domain->type == IOMMU_PASS_THROUGH)
        return IOMMU_OK;
    for (unsigned i = 0; i < iommu->region_count; i++) {
        enum pt_permission permission = (enum pt_permission)iommu->groups[group].rights[i];

        if (permission == PT_NONE)
            continue;
        enum iommu_status status = map_region(&call, i, permission);
        if (status != IOMMU_OK)
            return unmap_demands(&call, group, i) ? status : IOMMU_FAILED;
    }
    return IOMMU_OK;
}

bool iommu_unmap_regions(struct iommu *iommu, uint16_t group, struct iommu_domain *domain)
{
    const struct iommu_call call = {iommu, domain, domain->ref, domain->owner, true};

    return domain->type == IOMMU_PASS_THROUGH || unmap_demands(&call, group, iommu->region_count);
}
