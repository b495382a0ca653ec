/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/memory.h"
#include "drivers/iommu/core/state.h"

bool iommu_domain_type_of(struct iommu *iommu, owner_t owner, iommu_ref_t ref,
                          enum iommu_domain_type *out)
{
    const struct iommu_domain *domain = iommu_domain_at(iommu, owner, ref);

    if (domain)
        *out = domain->type;
    return domain != NULL;
}

bool iommu_has_domain(struct iommu *iommu, owner_t owner, iommu_ref_t ref)
{
    return iommu_domain_at(iommu, owner, ref) != NULL;
}

#define ALLOCATOR_FRAMES ((sizeof(struct allocator) + FRAME_SIZE - 1) / FRAME_SIZE)

static void free_allocator(struct allocator *allocator)
{
    allocator_destroy(allocator);
    (void)memory_free(OWNER_IOMMU, allocator, ALLOCATOR_FRAMES);
}

/* The interrupt window and page 0 are kept out by the allocator itself. */
static bool exclude_all(const struct iommu *iommu, struct allocator *allocator,
                        const struct iommu_domain_config *config)
{
    for (unsigned i = 0; i < iommu->region_count; i++)
        if (allocator_exclude(allocator, iommu->regions[i].first, iommu->regions[i].last) !=
            ALLOCATOR_OK)
            return false;
    for (unsigned i = 0; i < config->reserved_count; i++)
        if (allocator_exclude(allocator, config->reserved[i].first, config->reserved[i].last) !=
            ALLOCATOR_OK)
            return false;
    return true;
}

static struct allocator *new_allocator(const struct iommu *iommu, unsigned width,
                                       const struct iommu_domain_config *config)
{
    struct allocator *allocator = memory_alloc(OWNER_IOMMU, ALLOCATOR_FRAMES, 0);

    if (!allocator)
        return NULL;
    if (allocator_init(allocator, width) != ALLOCATOR_OK) {
        (void)memory_free(OWNER_IOMMU, allocator, ALLOCATOR_FRAMES);
        return NULL;
    }
    if (!exclude_all(iommu, allocator, config)) {
        free_allocator(allocator);
        return NULL;
    }
    return allocator;
}

static struct pt_geometry geometry_of(const struct iommu *iommu,
                                      const struct iommu_domain_config *config)
{
    return config->width ? iommu_geometry(iommu, (uint8_t)config->width) : iommu->geometry;
}

static bool region_fits(const struct iommu *iommu, const struct iommu_domain_config *config,
                        unsigned index)
{
    unsigned width = geometry_of(iommu, config).width;
    const struct iommu_reserved *region = &config->reserved[index];

    if (region->first > region->last || region->last - region->first == UINT64_MAX ||
        !iommu_is_usable(iommu, width, region->first, region->last - region->first + 1))
        return false;
    for (unsigned i = 0; i < index; i++)
        if (region->first <= config->reserved[i].last && region->last >= config->reserved[i].first)
            return false;
    return true;
}

bool iommu_regions_fit(const struct iommu *iommu, const struct iommu_domain_config *config)
{
    if (config->reserved_count > IOMMU_RESERVED_MAX ||
        (config->reserved_count && config->type != IOMMU_TRANSLATE))
        return false;
    for (unsigned i = 0; i < config->reserved_count; i++)
        if (!region_fits(iommu, config, i))
            return false;
    return true;
}

static void free_table(struct iommu *iommu, struct pt *table)
{
    struct pt_gather gather = PT_GATHER_INIT;

    pt_destroy(table, &gather);
    pt_release(&iommu->pool, &gather);
}

static enum pt_status map_reserved(struct pt *table, const struct iommu_domain_config *config)
{
    enum pt_status status = PT_OK;

    for (unsigned i = 0; i < config->reserved_count && status == PT_OK; i++) {
        const struct iommu_reserved *region = &config->reserved[i];

        if (region->map)
            status = pt_map(table, region->first, region->first, region->last - region->first + 1,
                            PT_READ_WRITE);
    }
    return status;
}

/* Wide enough for what firmware demands, which the allocator's window need not hold. */
static struct pt_geometry table_geometry(const struct iommu *iommu,
                                         const struct iommu_domain_config *config)
{
    struct pt_geometry geometry = geometry_of(iommu, config);

    for (unsigned i = iommu->special_count; i < iommu->region_count; i++)
        if (iommu->regions[i].last >> geometry.width)
            return iommu->geometry;
    return geometry;
}

/* With the caller's regions in it. No unit knows it yet. */
static enum iommu_status new_table(struct iommu *iommu, const struct iommu_domain_config *config,
                                   struct pt *table)
{
    struct pt_geometry geometry = table_geometry(iommu, config);

    if (config->type == IOMMU_PASS_THROUGH) {
        *table = (struct pt){.geometry = geometry};
        return IOMMU_OK;
    }
    bool made = pt_create(table, iommu->format, &geometry, &iommu->pool) == PT_OK;
    enum pt_status status = made ? map_reserved(table, config) : PT_NO_MEMORY;
    if (status == PT_OK)
        return IOMMU_OK;
    if (made)
        free_table(iommu, table);
    return status == PT_NO_MEMORY ? IOMMU_NO_MEMORY : IOMMU_BAD_REGION;
}

static enum iommu_status fill_domain(struct iommu *iommu, struct iommu_domain *domain,
                                     const struct iommu_domain_config *config)
{
    domain->allocator = NULL;
    if (config->width) {
        domain->allocator = new_allocator(iommu, geometry_of(iommu, config).width, config);
        if (!domain->allocator)
            return IOMMU_NO_MEMORY;
    }
    enum iommu_status status = new_table(iommu, config, &domain->table);
    if (status != IOMMU_OK && domain->allocator)
        free_allocator(domain->allocator);
    return status;
}

/* Under the domain's lock; others may look at both without it. */
static void name(struct iommu_domain *domain, owner_t owner, iommu_ref_t ref)
{
    __atomic_store_n(&domain->owner, owner, __ATOMIC_RELAXED);
    __atomic_store_n(&domain->ref, ref, __ATOMIC_RELEASE);
}

/* A slot that is free: nobody else looks further than at its reference. */
static void open_domain(struct iommu *iommu, struct iommu_domain *domain, owner_t owner,
                        const struct iommu_domain_config *config)
{
    uint16_t index = iommu_domain_index(iommu, domain);

    domain->type = config->type;
    domain->id = (uint16_t)(index + 1);
    domain->attached = domain->token = 0;
    domain->reserved_count = config->reserved_count;
    for (unsigned i = 0; i < config->reserved_count; i++)
        domain->reserved[i] =
            (struct iommu_region){config->reserved[i].first, config->reserved[i].last};
    domain->poisoned = false;
    domain->units = domain->flush_units = 0;
    domain->unit = NULL;
    domain->unlinking = 0;
    lock_take(&domain->lock);
    iommu_update_kept(domain);
    name(domain, owner, iommu_ref(IOMMU_DOMAIN_REF, index, domain->generation));
    lock_give(&domain->lock);
}

/* Unmanaged domains have a share of the ids, so that they never leave none for the others. */
static bool may_have_id(const struct iommu *iommu, enum iommu_domain_type type)
{
    unsigned ids = iommu->domain_ids ? iommu->domain_ids - 1 : 0, count = 0;
    unsigned share = ids / 2 < IOMMU_UNMANAGED_MAX ? ids / 2 : IOMMU_UNMANAGED_MAX;

    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++)
        count += iommu->domains[i].ref && iommu->domains[i].type == IOMMU_UNMANAGED;
    return type != IOMMU_UNMANAGED || count < share;
}

/* A slot's number decides its domain id: a slot is free again only when the id may be reused. */
enum iommu_status iommu_new_domain(struct iommu *iommu, owner_t owner,
                                   const struct iommu_domain_config *config,
                                   struct iommu_domain **out)
{
    if (!may_have_id(iommu, config->type))
        return IOMMU_NO_ID;
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX && i + 1 < iommu->domain_ids; i++) {
        struct iommu_domain *domain = &iommu->domains[i];

        if (domain->ref)
            continue;
        enum iommu_status status = fill_domain(iommu, domain, config);
        if (status != IOMMU_OK)
            return status;
        open_domain(iommu, domain, owner, config);
        *out = domain;
        return IOMMU_OK;
    }
    return IOMMU_NO_ID;
}

/* Ends the reference. The id and the tables of a poisoned domain are never used again. */
static enum iommu_status close_domain(struct iommu *iommu, struct iommu_domain *domain)
{
    lock_take(&domain->lock);
    bool live = domain->token;
    if (!live && domain->poisoned) {
        name(domain, OWNER_IOMMU,
             iommu_ref(IOMMU_DOMAIN_REF, iommu_domain_index(iommu, domain), ++domain->generation));
    } else if (!live) {
        name(domain, OWNER_FREE, 0);
        domain->generation++;
    }
    lock_give(&domain->lock);
    return live ? IOMMU_IN_USE : IOMMU_OK;
}

/* The last detach has flushed the domain id on every unit, so the tables may go at once. */
static enum iommu_status delete_domain(struct iommu *iommu, struct iommu_domain *domain)
{
    if (domain->attached)
        return IOMMU_IN_USE;
    enum iommu_status status = close_domain(iommu, domain);
    if (status != IOMMU_OK)
        return status;
    if (domain->ref)
        return IOMMU_FAILED;
    if (domain->allocator)
        free_allocator(domain->allocator);
    if (domain->type != IOMMU_PASS_THROUGH)
        free_table(iommu, &domain->table);
    return IOMMU_OK;
}

bool iommu_serves_domains(const struct iommu *iommu)
{
    if (!iommu->format)
        return false;
    for (unsigned i = 0; i < iommu->unit_count; i++)
        if (iommu->units[i].state == UNIT_ACTIVE)
            return true;
    return false;
}

static enum iommu_status may_create(const struct iommu *iommu, owner_t owner,
                                    const struct iommu_domain_config *config)
{
    if (!iommu_regions_fit(iommu, config))
        return IOMMU_BAD_REGION;
    if (!iommu_serves_domains(iommu))
        return IOMMU_NOT_COVERED;
    if (config->type == IOMMU_PASS_THROUGH)
        return iommu_may_pass(iommu);
    for (unsigned i = 0; i < config->reserved_count; i++) {
        const struct iommu_reserved *region = &config->reserved[i];

        if (region->map && !memory_owned(owner, region->first, region->last - region->first + 1))
            return IOMMU_NOT_OWNED;
    }
    return IOMMU_OK;
}

/* Only a translating domain has an allocator. */
enum iommu_status iommu_create_domain(struct iommu *iommu, owner_t owner,
                                      const struct iommu_domain_config *config, iommu_ref_t *out)
{
    struct iommu_domain_config wanted = *config;
    struct iommu_domain *domain;

    if (wanted.type != IOMMU_TRANSLATE)
        wanted.width = 0;
    gate_enter(&iommu->gate);
    enum iommu_status status = may_create(iommu, owner, &wanted);
    if (status == IOMMU_OK)
        status = iommu_new_domain(iommu, owner, &wanted, &domain);
    if (status == IOMMU_OK)
        *out = domain->ref;
    gate_leave(&iommu->gate);
    return status;
}

enum iommu_status iommu_delete_domain(struct iommu *iommu, owner_t owner, iommu_ref_t ref)
{
    gate_enter(&iommu->gate);
    struct iommu_domain *domain = iommu_domain_at(iommu, owner, ref);
    enum iommu_status status = domain ? delete_domain(iommu, domain) : IOMMU_BAD_HANDLE;
    gate_leave(&iommu->gate);
    return status;
}

/* No table maps the memory, and no failed wait leaves it in doubt. */
static bool spares(struct iommu_domain *domain, owner_t owner, uint64_t first, uint64_t last)
{
    if (!domain->ref)
        return true;
    lock_take(&domain->lock);
    bool spared = !domain->ref || (domain->owner != owner && !domain->poisoned) ||
                  (!domain->poisoned && (domain->type == IOMMU_PASS_THROUGH ||
                                         !pt_reaches(&domain->table, first, last)));
    lock_give(&domain->lock);
    return spared;
}

/* Pass-through reaches all memory at all times, so it holds none back. */
bool iommu_releasable(struct iommu *iommu, owner_t owner, uint64_t physical, uint64_t length)
{
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++)
        if (!spares(&iommu->domains[i], owner, physical, physical + length - 1))
            return false;
    return true;
}
