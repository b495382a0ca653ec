/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/paging/inspect.h"

#include "arch/memory.h"
#include "drivers/iommu/paging/level.h"

bool pt_fetch(uint64_t physical, unsigned bytes, uint64_t *words)
{
    if (physical % sizeof *words || !memory_owned(OWNER_IOMMU, physical, bytes))
        return false;
    const uint64_t *at = memory_virtual(physical);
    for (unsigned i = 0; at && i < bytes / sizeof *words; i++)
        words[i] = table_load64(&at[i]);
    return at;
}

/* One level down, or to the end. `lost` is the level of the first entry without the right that is
 * asked for. */
struct walker {
    const struct pt_format *format;
    const struct pt_view *view;
    const struct pt_entry_visitor *visitor;
    uint64_t address, at;
    unsigned level, lost;
    bool lacks;
    struct pt_found found;
};

static bool stop(struct walker *walker, enum pt_end end, unsigned level)
{
    walker->found.end = end;
    walker->found.level = (uint8_t)level;
    return false;
}

static void take_rights(struct walker *walker, enum pt_permission permission)
{
    walker->found.permission &= permission;
    if (walker->lacks || pt_lacking(walker->found.permission, walker->view->wanted) == PT_END_PAGE)
        return;
    walker->lacks = true;
    walker->lost = walker->level;
}

static bool end_at_page(struct walker *walker, const struct pt_meaning *meaning)
{
    uint64_t inside = (UINT64_C(1) << meaning->shift) - 1;

    walker->found.shift = meaning->shift;
    walker->found.physical = (meaning->physical & ~inside) | (walker->address & inside);
    if (walker->lacks)
        return stop(walker, pt_lacking(walker->found.permission, walker->view->wanted),
                    walker->lost);
    return stop(walker, PT_END_PAGE, walker->level);
}

static bool step(struct walker *walker)
{
    unsigned level = walker->level, index = index_at(walker->address, level);
    uint64_t physical = walker->at + index * sizeof(uint64_t), entry;
    struct pt_meaning meaning;

    if (!pt_fetch(physical, sizeof entry, &entry))
        return stop(walker, PT_END_UNREADABLE, level);
    walker->format->read(walker->view, entry, level, &meaning);
    if (walker->visitor)
        walker->visitor->visit(walker->visitor->context, meaning.layout, index, physical, entry);
    if (meaning.end != PT_END_PAGE && meaning.end != PT_END_NONE)
        return stop(walker, meaning.end, level);
    take_rights(walker, meaning.permission);
    if (meaning.end == PT_END_PAGE)
        return end_at_page(walker, &meaning);
    walker->at = meaning.physical;
    walker->level = meaning.next;
    if (walker->address & (level_span(level) - level_span(meaning.next + 1u)))
        return stop(walker, PT_END_SKIPPED, level);
    return true;
}

struct pt_found pt_inspect(const struct pt_format *format, const struct pt_view *view,
                           uint64_t address, const struct pt_entry_visitor *visitor)
{
    struct walker walker = {.format = format,
                            .view = view,
                            .visitor = visitor,
                            .address = address,
                            .at = view->root,
                            .found = {.permission = PT_READ_WRITE}};

    if (!(format->levels >> view->levels & 1) || pt_is_beyond(address, view->width) ||
        pt_is_beyond(address, PT_PAGE_SHIFT + PT_INDEX_BITS * view->levels)) {
        (void)stop(&walker, PT_END_BEYOND, 0);
        return walker.found;
    }
    take_rights(&walker, view->rights);
    walker.level = view->levels;
    while (step(&walker))
        ;
    return walker.found;
}
