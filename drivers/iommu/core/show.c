/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/describe.h"
#include "drivers/iommu/core/state.h"

#include <stdio.h>

/* Core's own state as lines. No lock is held while a line goes out. */

static const char *const unit_states[] = {"found", "failed", "active", "poisoned"};
static const char *const domain_types[] = {"translated", "pass-through", "unmanaged"};

static const char *owner_name(const struct iommu_sink *sink, owner_t owner, char *text, size_t size)
{
    const char *name = owner >= OWNER_DRIVER && sink->owner ? sink->owner(owner) : NULL;

    if (name)
        return name;
    if (owner >= OWNER_DRIVER)
        snprintf(text, size, "driver %u", (unsigned)(owner - OWNER_DRIVER));
    else
        snprintf(text, size, "%s", owner == OWNER_FREE ? "nobody" : "iommu");
    return text;
}

static const char *name_at(const struct iommu *iommu, uint16_t endpoint, char *text)
{
    const struct pci_function *function = &iommu->pci->functions[endpoint];

    return pci_name(function->segment, function->bdf, text);
}

/* ---- Units ---- */

/* "48-bit addresses, tables of 3 4 levels, "; nothing of a unit that could not be read. */
static const char *widths_of(const struct iommu_unit *unit, char *text, size_t size)
{
    size_t length = 0;

    text[0] = '\0';
    if (unit->caps.width && unit->caps.levels) {
        length = (size_t)snprintf(text, size, "%u-bit addresses, tables of", unit->caps.width);
        for (unsigned n = 1; n <= PT_LEVELS_MAX; n++)
            if (unit->caps.levels >> n & 1)
                length += (size_t)snprintf(&text[length], size - length, " %u", n);
        snprintf(&text[length], size - length, " levels, ");
    }
    return text;
}

static void show_unit(const struct iommu_unit *unit, const struct iommu_sink *sink)
{
    char widths[64];

    iommu_sink_line(sink, "%s at 0x%llx, segment %u: %s", unit->name,
                    (unsigned long long)unit->base, unit->segment,
                    unit_states[atomic_load(&unit->state)]);
    if (unit->reason)
        iommu_sink_line(sink, "    %s", unit->reason);
    iommu_sink_line(sink, "    %s%lu faults, %lu overflows", widths_of(unit, widths, sizeof widths),
                    (unsigned long)unit->faults, (unsigned long)unit->overflows);
}

void iommu_show_units(struct iommu *iommu, const struct iommu_sink *sink)
{
    for (unsigned i = 0; i < iommu->unit_count && !iommu_sink_stopped(sink); i++)
        show_unit(&iommu->units[i], sink);
    if (iommu->unit_count)
        return;
    iommu_sink_line(sink, "There is no unit.");
    if (iommu->reason)
        iommu_sink_line(sink, "    %s", iommu->reason);
}

/* ---- Devices and groups ---- */

/* A poisoned unit goes on translating. */
static bool is_protected(const struct iommu *iommu, uint16_t endpoint)
{
    uint16_t unit = iommu->endpoints[endpoint].unit;

    return iommu_guards(iommu, endpoint) ||
           (unit != PCI_NONE && iommu->units[unit].state == UNIT_POISONED);
}

/* A function that sends nothing of its own, and that no unit judges. */
static bool needs_no_unit(const struct iommu *iommu, uint16_t endpoint)
{
    return iommu->endpoints[endpoint].unit == PCI_NONE && iommu_guards(iommu, endpoint);
}

#define STATE_LENGTH 80

/* What a group is in: its domain, the one of its demanded regions, or none. Every member counts:
 * they cannot be kept apart. */
static const char *group_state(const struct iommu *iommu, uint16_t leader, char *text)
{
    const struct iommu_group *group = &iommu->groups[leader];
    unsigned judged = 0, exposed = 0;

    for (uint16_t i = leader; i < iommu->pci->count; i++)
        if (iommu->pci->functions[i].group_leader == leader && !needs_no_unit(iommu, i)) {
            judged++;
            exposed += !is_protected(iommu, i);
        }
    const char *rest = exposed ? ", not all protected" : "";
    if (!judged)
        return "needs no unit";
    if (exposed == judged)
        return "not protected";
    if (group->attached)
        snprintf(text, STATE_LENGTH, "domain %u%s", group->domain, rest);
    else if (group->quarantine != PCI_NONE)
        snprintf(text, STATE_LENGTH, "demanded regions alone, domain %u%s", group->quarantine,
                 rest);
    else
        return exposed ? "not protected" : "blocked";
    return text;
}

/* Where a function is: behind no unit, or behind one, with its state when that is a bad one. */
static const char *place_of(const struct iommu *iommu, uint16_t endpoint, char *text, size_t size)
{
    uint16_t index = iommu->endpoints[endpoint].unit;

    if (index == PCI_NONE)
        return "behind no unit";
    enum iommu_unit_state state = atomic_load(&iommu->units[index].state);
    bool active = state == UNIT_ACTIVE;
    snprintf(text, size, "%s%s%s", iommu->units[index].name, active ? "" : " is ",
             active ? "" : unit_states[state]);
    return text;
}

static bool is_attached(const struct iommu *iommu, uint16_t endpoint)
{
    for (unsigned i = 0; i < IOMMU_DEVICES_MAX; i++)
        if (iommu->devices[i].used && iommu->devices[i].attached &&
            iommu->devices[i].endpoint == endpoint)
            return true;
    return false;
}

static void show_device(const struct iommu *iommu, uint16_t endpoint, const struct iommu_sink *sink)
{
    const struct pci_function *function = &iommu->pci->functions[endpoint];
    const char *driver = sink->bound ? sink->bound(endpoint) : NULL;
    char name[PCI_NAME_LENGTH], owner[16], place[32], state[STATE_LENGTH];

    if (!driver)
        driver = owner_name(sink, iommu->endpoints[endpoint].owner, owner, sizeof owner);
    iommu_sink_line(sink, "%s %04x:%04x class %06x, %s, %s", name_at(iommu, endpoint, name),
                    function->vendor_id, function->device_id, (unsigned)function->class_code,
                    place_of(iommu, endpoint, place, sizeof place), driver);
    iommu_sink_line(
        sink, "    group %u: %s%s, %llu refused", pci_group_number(iommu->pci, endpoint),
        is_attached(iommu, endpoint) ? "attached, " : "",
        is_protected(iommu, endpoint) ? group_state(iommu, function->group_leader, state)
                                      : "not protected",
        (unsigned long long)iommu->faults[endpoint].count);
}

static void say_if_none(const struct iommu *iommu, const struct iommu_sink *sink)
{
    if (!iommu->pci->count)
        iommu_sink_line(sink, "There is no PCI function.");
}

void iommu_show_devices(struct iommu *iommu, const struct iommu_sink *sink)
{
    for (uint16_t i = 0; i < iommu->pci->count && !iommu_sink_stopped(sink); i++)
        show_device(iommu, i, sink);
    say_if_none(iommu, sink);
}

static void show_member(const struct iommu *iommu, uint16_t endpoint, const struct iommu_sink *sink)
{
    const struct pci_function *function = &iommu->pci->functions[endpoint];
    bool covered = iommu_covered(iommu, endpoint);
    char name[PCI_NAME_LENGTH], place[32];

    iommu_sink_line(sink, "    %s [%04x]: [%04x:%04x] (rev %02x)%s%s",
                    name_at(iommu, endpoint, name), (unsigned)(function->class_code >> 8),
                    function->vendor_id, function->device_id, function->revision,
                    covered ? "" : ", ",
                    covered ? "" : place_of(iommu, endpoint, place, sizeof place));
}

void iommu_show_groups(struct iommu *iommu, const struct iommu_sink *sink)
{
    char state[STATE_LENGTH];

    for (uint16_t leader = 0; leader < iommu->pci->count; leader++) {
        if (iommu->pci->functions[leader].group_leader != leader)
            continue;
        if (iommu_sink_stopped(sink))
            return;
        iommu_sink_line(sink, "IOMMU Group %u: %s", pci_group_number(iommu->pci, leader),
                        group_state(iommu, leader, state));
        for (uint16_t i = leader; i < iommu->pci->count; i++)
            if (iommu->pci->functions[i].group_leader == leader)
                show_member(iommu, i, sink);
    }
    say_if_none(iommu, sink);
}

/* ---- Domains ---- */

static void show_domain(const struct iommu *iommu, const struct iommu_domain *domain,
                        const struct iommu_sink *sink)
{
    char owner[16];

    iommu_sink_line(sink, "domain %u: %s, of %s, id %u, %u device%s%s",
                    iommu_domain_index(iommu, domain), domain_types[domain->type],
                    owner_name(sink, domain->owner, owner, sizeof owner), domain->id,
                    domain->attached, domain->attached == 1 ? "" : "s",
                    domain->poisoned ? ", poisoned" : "");
    if (domain->type == IOMMU_TRANSLATE)
        iommu_sink_line(sink, "    %u levels from 0x%llx, %u-bit addresses, %s",
                        domain->table.geometry.levels, (unsigned long long)domain->table.root,
                        domain->table.geometry.width,
                        domain->allocator ? "addresses chosen for it" : "addresses of its own");
}

static void show_attached(const struct iommu *iommu, uint16_t domain, const struct iommu_sink *sink)
{
    char name[PCI_NAME_LENGTH];

    for (unsigned i = 0; i < IOMMU_DEVICES_MAX; i++)
        if (iommu->devices[i].used && iommu->devices[i].attached &&
            iommu->devices[i].domain == domain)
            iommu_sink_line(sink, "    %s", name_at(iommu, iommu->devices[i].endpoint, name));
}

void iommu_show_domains(struct iommu *iommu, const struct iommu_sink *sink)
{
    bool any = false;

    for (uint16_t i = 0; i < IOMMU_DOMAINS_MAX && !iommu_sink_stopped(sink); i++) {
        if (!iommu->domains[i].ref)
            continue;
        any = true;
        show_domain(iommu, &iommu->domains[i], sink);
        show_attached(iommu, i, sink);
    }
    if (!any && !iommu_sink_stopped(sink))
        iommu_sink_line(sink, "There is no domain.");
}

/* ---- Mappings ---- */

struct mapping {
    uint64_t first, last, physical;
    enum pt_permission permission;
};

static void show_mapping(const struct mapping *mapping, const struct iommu_sink *sink)
{
    iommu_sink_line(sink, "0x%012llx-0x%012llx -> 0x%012llx %s", (unsigned long long)mapping->first,
                    (unsigned long long)mapping->last, (unsigned long long)mapping->physical,
                    iommu_rights(mapping->permission));
}

enum place { NOWHERE, HOLE, LEAF };

/* What lies at an address: a leaf, from there on, or what an entry that is not there stands for.
 * NOWHERE: beyond the width, or the domain is gone. */
static enum place look_at(struct iommu_domain *domain, iommu_ref_t ref, uint64_t address,
                          struct mapping *here)
{
    struct pt_walk walk;

    lock_take(&domain->lock);
    bool there = domain->ref == ref && address < domain->table.size;
    if (there)
        pt_walk(&domain->table, address, &walk);
    lock_give(&domain->lock);
    if (!there)
        return NOWHERE;
    unsigned level = domain->table.geometry.levels - walk.count + 1u;
    unsigned shift =
        walk.leaf_level ? walk.leaf_shift : PT_PAGE_SHIFT - PT_INDEX_BITS + PT_INDEX_BITS * level;
    *here = (struct mapping){.first = address, .last = address | ((UINT64_C(1) << shift) - 1)};
    if (!walk.leaf_level)
        return HOLE;
    here->physical = walk.physical;
    here->permission = walk.permission;
    return LEAF;
}

static bool continues(const struct mapping *run, const struct mapping *leaf)
{
    return run->last + 1 == leaf->first && run->permission == leaf->permission &&
           run->physical + (leaf->first - run->first) == leaf->physical;
}

/* The next run of leaves from *at on. False: there are no more. */
static bool next_run(struct iommu_domain *domain, iommu_ref_t ref, uint64_t *at,
                     struct mapping *run)
{
    struct mapping here;
    enum place place;
    bool found = false;

    while ((place = look_at(domain, ref, *at, &here)) != NOWHERE) {
        if (found && (place == HOLE || !continues(run, &here)))
            break;
        *at = here.last + 1;
        if (found)
            run->last = here.last;
        else if (place == LEAF)
            *run = here;
        found = place == LEAF;
    }
    return found;
}

static void show_kept(uint64_t first, uint64_t last, const char *why, const struct iommu_sink *sink)
{
    iommu_sink_line(sink, "0x%012llx-0x%012llx kept: %s", (unsigned long long)first,
                    (unsigned long long)last, why);
}

static void show_regions(const struct iommu *iommu, const struct iommu_domain *domain,
                         const struct iommu_sink *sink)
{
    show_kept(IOMMU_INTERRUPT_FIRST, IOMMU_INTERRUPT_LAST, "interrupt window", sink);
    for (unsigned i = 0; i < iommu->region_count; i++)
        show_kept(iommu->regions[i].first, iommu->regions[i].last,
                  i < iommu->special_count ? "no memory to a unit"
                  : domain->region_uses[i] ? "demanded by firmware, granted here"
                                           : "demanded by firmware",
                  sink);
    for (unsigned i = 0; i < domain->reserved_count; i++)
        show_kept(domain->reserved[i].first, domain->reserved[i].last, "reserved at creation",
                  sink);
}

/* By slot, not by the domain's list, which may change meanwhile. */
static void show_tokens(const struct iommu *iommu, uint16_t domain, const struct iommu_sink *sink)
{
    for (unsigned i = 0; i < IOMMU_TOKENS_MAX && !iommu_sink_stopped(sink); i++) {
        const struct iommu_token *token = &iommu->tokens[i];
        char why[48];

        if (!token->used || token->domain != domain)
            continue;
        snprintf(why, sizeof why, "token %u, 0x%llx bytes mapped", i,
                 (unsigned long long)token->mapped);
        show_kept(token->address, token->address + token->length - 1, why, sink);
    }
}

bool iommu_show_maps(struct iommu *iommu, unsigned index, const struct iommu_sink *sink)
{
    struct iommu_domain *domain = &iommu->domains[index % IOMMU_DOMAINS_MAX];
    iommu_ref_t ref = domain->ref;
    struct mapping run;
    uint64_t at = 0;

    if (index >= IOMMU_DOMAINS_MAX || !ref)
        return false;
    if (domain->type == IOMMU_PASS_THROUGH) {
        iommu_sink_line(sink, "domain %u: every address reaches itself, untranslated", index);
        return true;
    }
    while (!iommu_sink_stopped(sink) && next_run(domain, ref, &at, &run))
        show_mapping(&run, sink);
    show_regions(iommu, domain, sink);
    show_tokens(iommu, (uint16_t)index, sink);
    return true;
}

/* ---- Faults ---- */

static void show_record(const struct iommu_fault_record *record, const struct iommu_sink *sink)
{
    char name[PCI_NAME_LENGTH];

    iommu_sink_line(sink, "    %s 0x%llx by %s: 0x%02x %s", record->write ? "write" : "read",
                    (unsigned long long)record->address,
                    pci_name(record->segment, record->requester, name), (unsigned)record->reason,
                    record->reason_text);
}

static void show_log(const struct iommu_fault_log *log, const char *name,
                     const struct iommu_sink *sink)
{
    uint64_t first = log->count > IOMMU_FAULTS_KEPT ? log->count - IOMMU_FAULTS_KEPT : 0;

    iommu_sink_line(sink, "%s: %llu refused%s", name, (unsigned long long)log->count,
                    first ? ", the last of them:" : "");
    for (uint64_t n = first; n < log->count; n++)
        show_record(&log->last[n % IOMMU_FAULTS_KEPT], sink);
}

static void show_records(const struct iommu_unit *unit, const struct iommu_sink *sink)
{
    char lost[32] = "none lost";

    if (unit->overflows)
        snprintf(lost, sizeof lost, "more lost at %lu time%s", (unsigned long)unit->overflows,
                 unit->overflows == 1 ? "" : "s");
    iommu_sink_line(sink, "%s: %lu record%s taken, %s", unit->name, (unsigned long)unit->faults,
                    unit->faults == 1 ? "" : "s", lost);
}

void iommu_show_faults(struct iommu *iommu, const struct iommu_sink *sink)
{
    const struct iommu_fault_log *strays = &iommu->faults[PCI_FUNCTIONS_MAX];
    char name[PCI_NAME_LENGTH];
    uint64_t total = strays->count;

    for (uint16_t i = 0; i < iommu->pci->count && !iommu_sink_stopped(sink); i++) {
        total += iommu->faults[i].count;
        if (iommu->faults[i].count)
            show_log(&iommu->faults[i], name_at(iommu, i, name), sink);
    }
    if (strays->count)
        show_log(strays, "unknown requesters", sink);
    for (unsigned i = 0; i < iommu->unit_count; i++)
        show_records(&iommu->units[i], sink);
    iommu_sink_line(sink, "%llu refused in all", (unsigned long long)total);
}
