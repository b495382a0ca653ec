/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/describe.h"
#include "drivers/iommu/core/state.h"

#include <stdio.h>

/* From a requester to memory, by the unit's registers and what lies in memory alone. */

/* ---- Sentences ---- */

enum detail { PLAIN, AT_LEVEL, WITH_WIDTH, WITH_PAGE };

static const struct {
    const char *reason;
    uint8_t detail;
    bool reaches; /* memory, at the walk's physical address */
} ends[IOMMU_WALK_ENDS] = {
    [IOMMU_WALK_TRANSLATED] = {"translated", WITH_PAGE, true},
    [IOMMU_WALK_REGION] = {"translated (demanded region)", WITH_PAGE, true},
    [IOMMU_WALK_PASSES] = {"passes through: the requester is not translated", PLAIN, true},
    [IOMMU_WALK_EXCLUDED] = {"passes through: the unit's exclusion range", PLAIN, true},
    [IOMMU_WALK_FORWARDED] = {"passes through: a special address that the requester may use", PLAIN,
                              false},
    [IOMMU_WALK_OFF] = {"passes through: the unit does not translate", PLAIN, true},
    [IOMMU_WALK_INTERRUPT] = {"interrupt window: a write is an interrupt, a read is refused", PLAIN,
                              false},
    [IOMMU_WALK_INTERRUPT_ABORTED] = {"refused: interrupt window, interrupts are aborted", PLAIN,
                                      false},
    [IOMMU_WALK_SPECIAL] = {"refused: a special address that is no memory", PLAIN, false},
    [IOMMU_WALK_BLOCKED] = {"refused: the requester is blocked", PLAIN, false},
    [IOMMU_WALK_NO_ENTRY] = {"refused: the unit's table has no entry for the requester", PLAIN,
                             false},
    [IOMMU_WALK_INVALID] = {"refused: the entry asks for what the unit does not have", AT_LEVEL,
                            false},
    [IOMMU_WALK_RESERVED] = {"refused: reserved bits are set", AT_LEVEL, false},
    [IOMMU_WALK_UNREADABLE] = {"refused: the table is in no memory of the units", AT_LEVEL, false},
    [IOMMU_WALK_NOT_PRESENT] = {"refused: not present", AT_LEVEL, false},
    [IOMMU_WALK_NO_READ] = {"refused: no read permission", AT_LEVEL, false},
    [IOMMU_WALK_NO_WRITE] = {"refused: no write permission", AT_LEVEL, false},
    [IOMMU_WALK_NO_ACCESS] = {"refused: neither read nor write permission", AT_LEVEL, false},
    [IOMMU_WALK_BEYOND] = {"refused: beyond the width", WITH_WIDTH, false},
    [IOMMU_WALK_SKIPPED] = {"refused: address bits that are skipped are not zero", AT_LEVEL, false},
    [IOMMU_WALK_ONTO_INTERRUPTS] = {"refused: the page lies on the interrupt window", AT_LEVEL,
                                    false},
    [IOMMU_WALK_PROTECTED] = {"refused: a protected memory range of the unit", PLAIN, false},
    [IOMMU_WALK_UNKNOWN_MODE] = {"not known: a mode that this driver does not use", PLAIN, false},
    [IOMMU_WALK_NO_ANSWER] = {"not known: the unit's registers do not answer", PLAIN, false},
    [IOMMU_WALK_UNKNOWN_UNIT] = {"not known: which of several units the requester is behind", PLAIN,
                                 false},
    [IOMMU_WALK_NOT_COVERED] = {"not translated: the requester is behind no unit", PLAIN, false},
};

const char *iommu_walk_reason(enum iommu_walk_end end)
{
    return ends[end].reason;
}

static const char *size_of(unsigned shift, char *text, size_t size)
{
    snprintf(text, size, "%u %ciB", 1u << shift % 10, " KMGTP"[shift / 10]);
    return text;
}

const char *iommu_walk_sentence(const struct iommu_walk *walk, char *text)
{
    const char *reason = ends[walk->end].reason;
    const size_t size = IOMMU_LINE_MAX + 1;
    char page[16];

    switch ((enum detail)ends[walk->end].detail) {
    case WITH_PAGE:
        snprintf(text, size, "%s to 0x%llx, %s, %s page", reason,
                 (unsigned long long)walk->physical, iommu_rights(walk->permission),
                 size_of(walk->shift, page, sizeof page));
        return text;
    case WITH_WIDTH:
        snprintf(text, size, "%s of %u bits", reason, walk->width);
        return text;
    case AT_LEVEL:
        if (walk->level)
            snprintf(text, size, "%s at level %u", reason, walk->level);
        else
            snprintf(text, size, "%s at the requester's entry", reason);
        return text;
    case PLAIN:
        break;
    }
    snprintf(text, size, "%s", reason);
    return text;
}

/* ---- The walk ---- */

bool iommu_take_entry(const struct iommu_entry_visitor *visitor, const struct pt_layout *layout,
                      uint64_t table, unsigned index, uint64_t *words)
{
    struct iommu_entry entry = {layout, index, table + (uint64_t)index * layout->bytes, words};

    if (!pt_fetch(entry.physical, layout->bytes, words))
        return false;
    if (visitor)
        visitor->visit(visitor->context, &entry);
    return true;
}

static enum iommu_walk_end end_of(enum pt_end end)
{
    static const uint8_t same[] = {
        [PT_END_PAGE] = IOMMU_WALK_TRANSLATED,
        [PT_END_NOT_PRESENT] = IOMMU_WALK_NOT_PRESENT,
        [PT_END_NO_READ] = IOMMU_WALK_NO_READ,
        [PT_END_NO_WRITE] = IOMMU_WALK_NO_WRITE,
        [PT_END_NO_ACCESS] = IOMMU_WALK_NO_ACCESS,
        [PT_END_RESERVED] = IOMMU_WALK_RESERVED,
        [PT_END_UNREADABLE] = IOMMU_WALK_UNREADABLE,
        [PT_END_BEYOND] = IOMMU_WALK_BEYOND,
        [PT_END_SKIPPED] = IOMMU_WALK_SKIPPED,
        [PT_END_INTERRUPTS] = IOMMU_WALK_ONTO_INTERRUPTS,
    };

    return (enum iommu_walk_end)same[end];
}

enum iommu_walk_end iommu_untranslated(enum pt_permission permission, enum pt_permission wanted)
{
    enum pt_end end = pt_lacking(permission, wanted);

    return end == PT_END_PAGE ? IOMMU_WALK_PASSES : end_of(end);
}

static void visit_entry(void *context, const struct pt_layout *layout, unsigned index,
                        uint64_t physical, uint64_t entry)
{
    const struct iommu_entry_visitor *visitor = context;
    const struct iommu_entry seen = {layout, index, physical, &entry};

    if (visitor)
        visitor->visit(visitor->context, &seen);
}

static void follow_table(const struct iommu_unit *unit, const struct iommu_route *route,
                         uint64_t address, const struct iommu_entry_visitor *visitor,
                         struct iommu_walk *walk)
{
    const struct pt_entry_visitor entries = {visit_entry, (void *)visitor};
    unsigned most = PT_PAGE_SHIFT + PT_INDEX_BITS * route->view.levels;
    struct pt_found found = pt_inspect(unit->ops->format, &route->view, address, &entries);

    walk->end = end_of(found.end);
    walk->level = found.level;
    walk->width = (uint8_t)(most < route->view.width ? most : route->view.width);
    if (found.end != PT_END_PAGE)
        return;
    walk->physical = found.physical;
    walk->permission = found.permission;
    walk->shift = found.shift;
}

static bool is_protected(const struct iommu_route *route, uint64_t physical)
{
    for (unsigned i = 0; i < sizeof route->protected / sizeof *route->protected; i++)
        if (physical >= route->protected[i].first && physical <= route->protected[i].last)
            return true;
    return false;
}

static bool is_demanded(const struct iommu *iommu, uint64_t address)
{
    for (unsigned n = iommu->special_count; n < iommu->region_count; n++)
        if (address >= iommu->regions[n].first && address <= iommu->regions[n].last)
            return true;
    return false;
}

/* The unit of a requester; for one that core does not know, the only unit of its segment. NULL, and
 * the end of its walk: there is none, or one of several that only the requester's kind would tell
 * (INCLUDE_PCI_ALL). */
static const struct iommu_unit *unit_of(const struct iommu *iommu, uint16_t segment,
                                        pci_bdf_t requester, enum iommu_walk_end *end)
{
    const struct iommu_unit *only = NULL;
    unsigned count = 0;

    *end = IOMMU_WALK_NOT_COVERED;
    for (unsigned i = 0; i < iommu->requester_count; i++) {
        const struct iommu_requester *known = &iommu->requesters[i];

        if (known->segment == segment && known->id == requester)
            return known->unit == PCI_NONE ? NULL : &iommu->units[known->unit];
    }
    for (unsigned i = 0; i < iommu->unit_count; i++)
        if (iommu->units[i].segment == segment) {
            only = &iommu->units[i];
            count++;
        }
    if (count > 1)
        *end = IOMMU_WALK_UNKNOWN_UNIT;
    return count == 1 ? only : NULL;
}

struct iommu_walk iommu_walk(struct iommu *iommu, uint16_t segment, pci_bdf_t requester,
                             uint64_t address, enum pt_permission wanted,
                             const struct iommu_entry_visitor *visitor)
{
    struct iommu_walk walk = {.physical = address};
    const struct iommu_unit *unit = unit_of(iommu, segment, requester, &walk.end);
    struct iommu_route route = {
        .view.wanted = wanted, .view.rights = PT_READ_WRITE, .protected = {{1, 0}, {1, 0}}};

    if (!unit)
        return walk;
    unit->ops->route(unit, requester, address, visitor, &route);
    walk.end = route.end;
    if (route.table)
        follow_table(unit, &route, address, visitor, &walk);
    else if (ends[walk.end].reaches)
        walk.permission = route.view.rights;
    if (ends[walk.end].reaches && is_protected(&route, walk.physical))
        walk.end = IOMMU_WALK_PROTECTED;
    if (walk.end == IOMMU_WALK_TRANSLATED && walk.physical == address &&
        is_demanded(iommu, address))
        walk.end = IOMMU_WALK_REGION;
    return walk;
}

/* ---- Core's own idea ---- */

struct idea {
    bool reaches;
    const struct iommu_domain *domain; /* NULL: blocked */
    uint64_t physical;
    enum pt_permission permission;
};

/* Under the gate. */
static struct iommu_domain *domain_of(struct iommu *iommu, uint16_t segment, pci_bdf_t requester)
{
    uint16_t endpoint = iommu_sender(iommu, segment, requester);
    uint16_t index = PCI_NONE;

    if (endpoint == PCI_NONE)
        return NULL;
    const struct iommu_group *group = &iommu->groups[iommu->pci->functions[endpoint].group_leader];
    for (unsigned i = 0; i < iommu->requester_count; i++)
        if (iommu->requesters[i].segment == segment && iommu->requesters[i].id == requester)
            index = iommu->requesters[i].uses ? group->domain : group->quarantine;
    return index == PCI_NONE ? NULL : &iommu->domains[index];
}

static void look_up(struct iommu_domain *domain, uint64_t address, enum pt_permission wanted,
                    struct idea *idea)
{
    struct pt_walk walk;

    lock_take(&domain->lock);
    pt_walk(&domain->table, address, &walk);
    lock_give(&domain->lock);
    if (!walk.leaf_level)
        return;
    idea->physical = walk.physical;
    idea->permission = walk.permission;
    idea->reaches = pt_lacking(walk.permission, wanted) == PT_END_PAGE;
}

static struct idea idea_of(struct iommu *iommu, uint16_t segment, pci_bdf_t requester,
                           uint64_t address, enum pt_permission wanted)
{
    struct idea idea = {.physical = address, .permission = PT_READ_WRITE};

    gate_enter(&iommu->gate);
    struct iommu_domain *domain = domain_of(iommu, segment, requester);
    idea.domain = domain;
    idea.reaches = domain && domain->type == IOMMU_PASS_THROUGH;
    if (domain && !idea.reaches)
        look_up(domain, address, wanted, &idea);
    gate_leave(&iommu->gate);
    return idea;
}

/* Core never points a unit at a table that cannot be read, whatever it thinks of the address. */
static bool agrees(const struct idea *idea, const struct iommu_walk *walk)
{
    bool reaches = ends[walk->end].reaches;

    return walk->end != IOMMU_WALK_UNREADABLE && reaches == idea->reaches &&
           (!reaches || (walk->physical == idea->physical && walk->permission == idea->permission));
}

/* Addresses of no memory are no domain's. */
static bool is_compared(enum iommu_walk_end end)
{
    return end != IOMMU_WALK_INTERRUPT && end != IOMMU_WALK_INTERRUPT_ABORTED &&
           end != IOMMU_WALK_SPECIAL && end != IOMMU_WALK_FORWARDED &&
           end != IOMMU_WALK_NOT_COVERED;
}

static bool is_known(enum iommu_walk_end end)
{
    return end != IOMMU_WALK_UNKNOWN_MODE && end != IOMMU_WALK_NO_ANSWER &&
           end != IOMMU_WALK_UNKNOWN_UNIT;
}

static void tell_idea(const struct iommu *iommu, const struct idea *idea, bool agreed,
                      const struct iommu_sink *sink)
{
    const char *verdict = agreed ? "core agrees" : "CORE DIFFERS";

    if (!idea->domain)
        iommu_sink_line(sink, "%s: the requester has no domain", verdict);
    else if (!idea->reaches)
        iommu_sink_line(sink, "%s: domain %u does not allow it", verdict,
                        iommu_domain_index(iommu, idea->domain));
    else
        iommu_sink_line(sink, "%s: domain %u, 0x%llx, %s", verdict,
                        iommu_domain_index(iommu, idea->domain), (unsigned long long)idea->physical,
                        iommu_rights(idea->permission));
}

/* ---- For a person ---- */

static void show_entry(void *context, const struct iommu_entry *entry)
{
    const struct iommu_sink *sink = context;

    iommu_sink_line(sink, "%s 0x%x at 0x%llx", entry->layout->name, entry->index,
                    (unsigned long long)entry->physical);
    iommu_show_fields(sink, entry->layout, entry->words);
}

bool iommu_show_walk(struct iommu *iommu, uint16_t segment, pci_bdf_t requester, uint64_t address,
                     enum pt_permission wanted, const struct iommu_sink *sink)
{
    const struct iommu_entry_visitor visitor = {show_entry, (void *)sink};
    enum iommu_walk_end none;
    const struct iommu_unit *unit = unit_of(iommu, segment, requester, &none);
    char name[PCI_NAME_LENGTH], text[IOMMU_LINE_MAX + 1];

    iommu_sink_line(sink, "%s of 0x%llx by %s, %s", wanted ? iommu_rights(wanted) : "any access",
                    (unsigned long long)address, pci_name(segment, requester, name),
                    unit ? unit->name : "no unit");
    struct iommu_walk walk = iommu_walk(iommu, segment, requester, address, wanted, &visitor);
    iommu_sink_line(sink, "%s", iommu_walk_sentence(&walk, text));
    if (!is_compared(walk.end))
        return true;
    if (!is_known(walk.end)) {
        iommu_sink_line(sink, "core cannot be compared");
        return false;
    }
    if (atomic_load(&unit->state) < UNIT_ACTIVE) {
        iommu_sink_line(sink, "core does not use %s", unit->name);
        return true;
    }
    struct idea idea = idea_of(iommu, segment, requester, address, wanted);
    bool agreed = agrees(&idea, &walk);
    tell_idea(iommu, &idea, agreed, sink);
    return agreed;
}
