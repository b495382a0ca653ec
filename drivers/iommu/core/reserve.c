/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/state.h"

/* Reserved ranges: the addresses and the tables first, the mappings later and without memory. */

static struct iommu_token *token_at(struct iommu *iommu, uint16_t place)
{
    return place ? &iommu->tokens[place - 1] : NULL;
}

static uint16_t place_of(const struct iommu *iommu, const struct iommu_token *token)
{
    return (uint16_t)(token - iommu->tokens + 1);
}

bool iommu_is_kept(const struct iommu *iommu, const struct iommu_domain *domain, uint64_t first,
                   uint64_t last)
{
    for (unsigned i = 0; i < domain->reserved_count; i++)
        if (first <= domain->reserved[i].last && last >= domain->reserved[i].first)
            return true;
    for (uint16_t at = domain->token; at; at = iommu->tokens[at - 1].next) {
        const struct iommu_token *token = &iommu->tokens[at - 1];

        if (first < token->address + token->length && last >= token->address)
            return true;
    }
    return false;
}

/* Cuts a gap down to what is beside a range; false: the range is in the gap's way at `address`. */
static bool cut(struct iommu_region *gap, uint64_t address, uint64_t first, uint64_t last)
{
    if (first > address && first <= gap->last)
        gap->last = first - 1;
    else if (last < address && last >= gap->first)
        gap->first = last + 1;
    return first > address || last < address;
}

struct iommu_region iommu_gap_at(const struct iommu *iommu, const struct iommu_domain *domain,
                                 uint64_t address)
{
    struct iommu_region gap = {0, (UINT64_C(1) << domain->table.geometry.width) - 1};
    bool found = cut(&gap, address, IOMMU_INTERRUPT_FIRST, IOMMU_INTERRUPT_LAST);

    for (unsigned i = 0; i < iommu->region_count; i++)
        found &= cut(&gap, address, iommu->regions[i].first, iommu->regions[i].last);
    for (unsigned i = 0; i < domain->reserved_count; i++)
        found &= cut(&gap, address, domain->reserved[i].first, domain->reserved[i].last);
    for (uint16_t at = domain->token; at; at = iommu->tokens[at - 1].next) {
        const struct iommu_token *token = &iommu->tokens[at - 1];

        found &= cut(&gap, address, token->address, token->address + token->length - 1);
    }
    return found ? gap : IOMMU_NO_GAP;
}

/* Slots never used come first, in order; then those that were freed, oldest first. */
static struct iommu_token *take_slot(struct iommu *iommu)
{
    struct iommu_token *token = NULL;

    lock_take(&iommu->token_lock);
    if (iommu->token_fresh < IOMMU_TOKENS_MAX) {
        token = &iommu->tokens[iommu->token_fresh++];
    } else if (iommu->token_first) {
        token = token_at(iommu, iommu->token_first);
        iommu->token_first = token->next;
    }
    lock_give(&iommu->token_lock);
    return token;
}

static void free_slot(struct iommu *iommu, struct iommu_token *token)
{
    lock_take(&iommu->token_lock);
    token->used = token->dying = false;
    token->generation++;
    token->next = 0;
    if (iommu->token_first)
        iommu->tokens[iommu->token_last - 1].next = place_of(iommu, token);
    else
        iommu->token_first = place_of(iommu, token);
    iommu->token_last = place_of(iommu, token);
    lock_give(&iommu->token_lock);
}

/* Under the token lock. */
static struct iommu_token *find_token(struct iommu *iommu, owner_t owner, iommu_ref_t ref)
{
    size_t index = iommu_ref_index(ref);

    if (index >= IOMMU_TOKENS_MAX)
        return NULL;
    struct iommu_token *token = &iommu->tokens[index];
    bool named = ref == iommu_ref(IOMMU_TOKEN_REF, index, token->generation);
    return token->used && named && token->owner == owner ? token : NULL;
}

/* Holds the token, and with it the domain, for the length of a call. */
static enum iommu_status enter(struct iommu *iommu, owner_t owner, iommu_ref_t ref,
                               struct iommu_token **out)
{
    enum iommu_status status = IOMMU_OK;

    lock_take(&iommu->token_lock);
    struct iommu_token *token = find_token(iommu, owner, ref);
    if (!token)
        status = IOMMU_BAD_HANDLE;
    else if (token->dying)
        status = IOMMU_DYING;
    else
        token->calls++;
    lock_give(&iommu->token_lock);
    *out = token;
    return status;
}

/* `mapped`, `unmapped`: bytes by which the call has changed the range. */
static void leave(struct iommu *iommu, struct iommu_token *token, uint64_t mapped,
                  uint64_t unmapped)
{
    lock_take(&iommu->token_lock);
    token->calls--;
    token->mapped += mapped - unmapped;
    lock_give(&iommu->token_lock);
}

static struct iommu_call call_of(struct iommu *iommu, const struct iommu_token *token)
{
    struct iommu_domain *domain = &iommu->domains[token->domain];

    return (struct iommu_call){iommu, domain, domain->ref, token->owner, true};
}

/* Skips as much as each walk has shown to be empty. */
static bool is_clear(const struct pt *table, uint64_t first, uint64_t last)
{
    struct pt_walk walk;
    uint64_t span;

    for (uint64_t at = first; at <= last; at = (at | (span - 1)) + 1) {
        pt_walk(table, at, &walk);
        if (walk.leaf_level)
            return false;
        span = PT_PAGE_SIZE << PT_INDEX_BITS * (unsigned)(table->geometry.levels - walk.count);
    }
    return true;
}

/* Under the domain's lock. */
static enum iommu_status take_place(const struct iommu_call *call, const struct iommu_place *place,
                                    uint64_t length, uint64_t *address)
{
    struct iommu_domain *domain = call->domain;

    if (place->explicit) {
        uint64_t last = *address + length - 1;

        return iommu_is_kept(call->iommu, domain, *address, last) ||
                       !is_clear(&domain->table, *address, last)
                   ? IOMMU_OVERLAP
                   : IOMMU_OK;
    }
    return iommu_take_addresses(domain, place, length, address);
}

/* Under the domain's lock, with the place taken. */
static enum iommu_status set_aside(const struct iommu_call *call, uint64_t address, uint64_t length,
                                   struct iommu_token **out)
{
    struct iommu_token *token = take_slot(call->iommu);

    if (!token)
        return IOMMU_NO_ID;
    enum pt_status status = pt_reserve(&call->domain->table, address, length);
    if (status != PT_OK) {
        free_slot(call->iommu, token);
        return iommu_from_paging(status);
    }
    token->owner = call->owner;
    token->domain = iommu_domain_index(call->iommu, call->domain);
    token->address = address;
    token->length = length;
    token->next = call->domain->token;
    call->domain->token = place_of(call->iommu, token);
    iommu_update_kept(call->domain);
    *out = token;
    return IOMMU_OK;
}

static enum iommu_status reserve(const struct iommu_call *call, const struct iommu_place *place,
                                 uint64_t length, uint64_t *address, struct iommu_token **token)
{
    if (!iommu_lock_domain(call))
        return IOMMU_BAD_HANDLE;
    enum iommu_status status = take_place(call, place, length, address);
    if (status == IOMMU_OK) {
        status = set_aside(call, *address, length, token);
        if (status != IOMMU_OK)
            iommu_give_addresses(call->domain, *address, length);
    }
    iommu_unlock_domain(call);
    return status;
}

static iommu_ref_t publish(struct iommu *iommu, struct iommu_token *token)
{
    lock_take(&iommu->token_lock);
    token->used = true;
    token->calls = 0;
    token->mapped = 0;
    iommu_ref_t ref =
        iommu_ref(IOMMU_TOKEN_REF, (size_t)(token - iommu->tokens), token->generation);
    lock_give(&iommu->token_lock);
    return ref;
}

enum iommu_status iommu_reserve(struct iommu *iommu, owner_t owner, iommu_ref_t domain,
                                const struct iommu_place *place, uint64_t length,
                                iommu_ref_t *token, uint64_t *address)
{
    const struct iommu_call call = {iommu, iommu_domain_at(iommu, owner, domain), domain, owner,
                                    false};
    uint64_t where = place->explicit ? *place->explicit : 0;
    struct iommu_token *made = NULL;
    if (!call.domain)
        return IOMMU_BAD_HANDLE;
    enum iommu_status status = iommu_may_place(&call, place, length);

    if (status == IOMMU_OK)
        status = reserve(&call, place, length, &where, &made);
    if (!made)
        return status;
    *token = publish(iommu, made);
    *address = where;
    return IOMMU_OK;
}

/* Under the lock of the domain. */
static void unlink_token(struct iommu *iommu, struct iommu_domain *domain,
                         const struct iommu_token *token)
{
    uint16_t *at = &domain->token;

    while (*at && token_at(iommu, *at) != token)
        at = &token_at(iommu, *at)->next;
    if (*at)
        *at = token->next;
    iommu_update_kept(domain);
}

/* The tables go; the addresses stay kept until the units have forgotten them. */
static bool give_tables(const struct iommu_call *call, const struct iommu_token *token)
{
    struct iommu_batch batch = iommu_batch_of(call->domain);

    if (!iommu_lock_domain(call))
        return true;
    bool unlinked =
        pt_unreserve(&call->domain->table, token->address, token->length, &batch.gather) == PT_OK;
    iommu_batch_note(call, &batch);
    iommu_unlock_domain(call);
    if (unlinked && batch.gather.tables)
        iommu_invalidation_add(&batch.invalidation, token->address, token->length);
    return iommu_batch_finish(call, &batch);
}

static enum iommu_status mark_dying(struct iommu *iommu, owner_t owner, iommu_ref_t ref,
                                    struct iommu_token **out)
{
    enum iommu_status status = IOMMU_OK;

    lock_take(&iommu->token_lock);
    struct iommu_token *token = find_token(iommu, owner, ref);
    if (!token || token->dying)
        status = IOMMU_BAD_HANDLE;
    else if (token->calls || token->mapped)
        status = IOMMU_IN_USE;
    else
        token->dying = true;
    lock_give(&iommu->token_lock);
    *out = token;
    return status;
}

enum iommu_status iommu_free_reserved(struct iommu *iommu, owner_t owner, iommu_ref_t ref)
{
    struct iommu_token *token;
    enum iommu_status status = mark_dying(iommu, owner, ref, &token);

    if (status != IOMMU_OK)
        return status;
    const struct iommu_call call = call_of(iommu, token);
    bool done = give_tables(&call, token);
    if (iommu_lock_domain(&call)) {
        unlink_token(iommu, call.domain, token);
        if (done)
            iommu_give_addresses(call.domain, token->address, token->length);
        iommu_unlock_domain(&call);
    }
    free_slot(iommu, token);
    return done ? IOMMU_OK : IOMMU_FAILED;
}

static bool is_inside(const struct iommu_token *token, uint64_t offset, uint64_t length)
{
    return length && !((offset | length) & (PT_PAGE_SIZE - 1)) && offset <= token->length &&
           length <= token->length - offset;
}

enum iommu_status iommu_map_reserved(struct iommu *iommu, owner_t owner, iommu_ref_t ref,
                                     uint64_t offset, const struct iommu_memory *memory,
                                     enum pt_permission permission)
{
    struct iommu_token *token;
    enum iommu_status status = enter(iommu, owner, ref, &token);

    if (status != IOMMU_OK)
        return status;
    const struct iommu_call call = call_of(iommu, token);
    const uint64_t address = token->address + offset, length = memory->length;
    status = is_inside(token, offset, length) ? iommu_put_all(&call, &address, memory, permission)
                                              : IOMMU_BAD_RANGE;
    leave(iommu, token, status == IOMMU_OK ? length : 0, 0);
    return status;
}

enum iommu_status iommu_unmap_reserved(struct iommu *iommu, owner_t owner, iommu_ref_t ref,
                                       uint64_t offset, uint64_t length)
{
    struct iommu_token *token;
    enum iommu_status status = enter(iommu, owner, ref, &token);

    if (status != IOMMU_OK)
        return status;
    const struct iommu_call call = call_of(iommu, token);
    status = is_inside(token, offset, length)
                 ? iommu_take_out(&call, token->address + offset, length, length)
                 : IOMMU_BAD_RANGE;
    leave(iommu, token, 0, status == IOMMU_OK || status == IOMMU_FAILED ? length : 0);
    return status;
}

void iommu_drop_tokens(struct iommu *iommu, struct iommu_domain *domain)
{
    lock_take(&domain->lock);
    while (domain->token) {
        struct iommu_token *token = token_at(iommu, domain->token);

        domain->token = token->next;
        free_slot(iommu, token);
    }
    iommu_update_kept(domain);
    lock_give(&domain->lock);
}
