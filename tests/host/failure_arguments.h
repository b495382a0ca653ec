/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_FAILURE_ARGUMENTS_H
#define TESTS_HOST_FAILURE_ARGUMENTS_H

#include "tests/host/failure_calls.h"

/* What may be wrong with the arguments of a call, one thing at a time. Each is tried on every call;
 * where the call does not have the argument, nothing is wrong. */
struct wrong {
    const char *one, *other; /* the arguments that it is about */
    void (*make)(struct args *a);
};

#define WRONG(name, one, other, ...)                                                               \
    static void make_##name(struct args *a)                                                        \
    {                                                                                              \
        (void)a;                                                                                   \
        __VA_ARGS__;                                                                               \
    }                                                                                              \
    static const struct wrong name = {one, other, make_##name};

#define LAST_PAGE (UINT64_MAX << PAGE_SHIFT)

static IOMMU_DMA_LOGICAL_ADDRESS wrong_address;

WRONG(no_domain, "a->domain", "a->domain", a->domain = NULL)
WRONG(garbage_domain, "a->domain", "a->domain", a->domain = NO_HANDLE)
WRONG(stale_domain, "a->domain", "a->domain", a->domain = world.stale)
WRONG(device_as_domain, "a->domain", "a->domain",
      a->domain = (PIOMMU_DMA_DOMAIN)(void *)world.second)
WRONG(pass_through_domain, "a->domain", "a->domain", a->domain = use.pass)
WRONG(unmanaged_domain, "a->domain", "a->domain", a->domain = use.unmanaged)
WRONG(window_domain, "a->domain", "a->domain", a->domain = use.buddy)
WRONG(plain_domain, "a->domain", "a->domain", a->domain = use.domain)
WRONG(no_device, "a->device", "a->device", a->device = NULL)
WRONG(garbage_device, "a->device", "a->device", a->device = NO_HANDLE)
WRONG(stale_device, "a->device", "a->device", a->device = world.stale_device)
WRONG(domain_as_device, "a->device", "a->device", a->device = (PIOMMU_DMA_DEVICE)(void *)use.domain)
WRONG(attached_device, "a->device", "a->device", a->device = world.second)
WRONG(no_pdo, "a->pdo", "a->pdo", a->pdo = NULL)
WRONG(garbage_pdo, "a->pdo", "a->pdo", a->pdo = NO_HANDLE)
WRONG(used_pdo, "a->pdo", "a->pdo", a->pdo = wdm_pdo(SECOND))
WRONG(type_beyond, "a->type", "a->type", a->type = DomainTypeMax)
WRONG(type_first_stage, "a->type", "a->type", a->type = DomainTypeTranslateS1)
WRONG(reserved_flags, "a->flags", "a->flags", a->flags = 1)
WRONG(version_zero, "a->version", "a->version", a->version = 0)
WRONG(version_beyond, "a->version", "a->version", a->version = 4)
WRONG(reserved_permission, "a->permissions", "a->permissions", a->permissions = 4)
WRONG(base_one, "a->base", "a->base", a->base = 1)
WRONG(count_two, "a->count", "a->count", a->count = 2)
WRONG(no_source, "a->source", "a->source", a->source = NULL)
WRONG(no_mdl, "a->mdl", "a->mdl", a->mdl = NULL)
WRONG(short_mdl, "a->mdl", "a->mdl", world.mdl.mdl.Size = sizeof(MDL))
WRONG(empty_mdl, "a->mdl", "a->mdl", world.mdl.mdl.ByteCount = 0)
WRONG(foreign_frame, "a->source", "a->source", world.source = range_of(use.foreign, PAGE_SIZE))
WRONG(table_frame, "a->source", "a->source",
      world.source = range_of(unit_frame(&on.unit), PAGE_SIZE))
WRONG(foreign_last, "a->source", "a->mdl",
      world.frames[3] = world.mdl.frames[3] = use.foreign >> PAGE_SHIFT)
WRONG(frame_twice, "a->source", "a->mdl", world.frames[3] = world.mdl.frames[3] = world.frames[0])
WRONG(frame_beyond, "a->source", "a->mdl", world.frames[3] = world.mdl.frames[3] = UINT64_MAX)
WRONG(empty_source, "a->source", "a->source", world.source = range_of(use.frame, 0))
WRONG(ragged_source, "a->source", "a->source", world.source = range_of(use.frame + 8, PAGE_SIZE))
WRONG(wrapping_source, "a->source", "a->source", world.source = range_of(LAST_PAGE, 2 * PAGE_SIZE))
WRONG(other_memory, "a->source", "a->source", world.source = range_of(UINT64_C(1) << 62, PAGE_SIZE))
WRONG(no_explicit, "a->explicit", "a->explicit", a->explicit = NULL)
WRONG(explicit_too, "a->explicit", "a->explicit", wrong_address = 0x8000;
      a->explicit = &wrong_address)
WRONG(explicit_ragged, "a->explicit", "a->address", world.explicit = a->address = world.far + 1)
WRONG(explicit_interrupts, "a->explicit", "a->address",
      world.explicit = a->address = IOMMU_INTERRUPT_FIRST)
WRONG(explicit_beyond, "a->explicit", "a->address", world.explicit = a->address = LAST_PAGE)
WRONG(explicit_token, "a->explicit", "a->address",
      world.explicit = a->address = world.token->LogicalAddressBase + PAGE_SIZE)
WRONG(explicit_before_token, "a->explicit", "a->address",
      world.explicit = a->address = world.token->LogicalAddressBase - PAGE_SIZE)
WRONG(explicit_live, "a->explicit", "a->address", world.explicit = a->address = AT + PAGE_SIZE)
WRONG(explicit_before_live, "a->explicit", "a->address",
      world.explicit = a->address = AT - PAGE_SIZE)
WRONG(no_room, "a->max", "a->max", wrong_address = 0xFFF; a->max = &wrong_address)
WRONG(no_pages, "a->pages", "a->pages", a->pages = 0)
WRONG(one_page_more, "a->pages", "a->pages", a->pages++)
WRONG(endless_pages, "a->pages", "a->pages", a->pages = UINT64_MAX)
WRONG(no_size, "a->size", "a->size", a->size = 0)
WRONG(ragged_size, "a->size", "a->size", a->size++)
WRONG(endless_size, "a->size", "a->size", a->size = LAST_PAGE)
WRONG(no_token, "a->token", "a->token", a->token = NULL)
WRONG(garbage_token, "a->token", "a->token", a->token = NO_HANDLE)
WRONG(beside_token, "a->token", "a->token", a->token = (void *)((uintptr_t)a->token + 8))
WRONG(live_token, "a->token", "a->token", a->token = world.token)
WRONG(ragged_offset, "a->offset", "a->offset", a->offset++)
WRONG(offset_at_end, "a->offset", "a->offset", a->offset = 15 * PAGE_SIZE)
WRONG(offset_beyond, "a->offset", "a->offset", a->offset = 1024 * PAGE_SIZE)
WRONG(no_segment, "a->segment", "a->segment", a->segment = NULL)
WRONG(empty_segment, "a->segment", "a->segment", world.segment.Size = 0)
WRONG(long_segment, "a->segment", "a->segment", world.segment.Size += PAGE_SIZE)
WRONG(ragged_segment, "a->segment", "a->segment", world.segment.Offset++)
WRONG(foreign_segment, "a->segment", "a->segment", world.segment.OwningToken = NO_HANDLE)
WRONG(no_callback, "a->callback", "a->callback", a->callback = NULL)
WRONG(no_fields, "a->fields", "a->fields", a->fields = NULL)
WRONG(reserved_fields, "a->fields", "a->fields", world.fields.AsULONG = 3)
WRONG(no_faults, "a->faults", "a->faults", a->faults = NULL)
WRONG(no_configuration, "a->configuration", "a->configuration", a->configuration = NULL)
WRONG(a_configuration, "a->creation", "a->creation", a->creation = &world.creation)
WRONG(no_list, "a->list", "a->list", a->list = NULL)
WRONG(ragged_list, "a->list", "a->list", world.list[0]++)
WRONG(no_out, "a->out", "a->out", a->out = NULL)
WRONG(narrow_window, "a->allocator", "a->allocator", with_buddy(a);
      world.allocator.BuddyAllocatorConfig.AddressWidth = 12)
WRONG(wide_window, "a->allocator", "a->allocator", with_buddy(a);
      world.allocator.BuddyAllocatorConfig.AddressWidth = 64)
WRONG(endless_regions, "a->regions", "a->regions", with_regions(a);
      world.regions[1].RegionNext = world.regions)
WRONG(foreign_region, "a->regions", "a->regions", with_regions(a);
      world.regions[1].Base = use.foreign)
WRONG(equal_regions, "a->regions", "a->regions", with_regions(a);
      world.regions[1].Base = world.regions[0].Base)
WRONG(another_owner, "a->", "a->", as(OWNER_TWO))

static const struct wrong *const wrongs[] = {
    &no_domain,
    &garbage_domain,
    &stale_domain,
    &device_as_domain,
    &pass_through_domain,
    &unmanaged_domain,
    &window_domain,
    &plain_domain,
    &no_device,
    &garbage_device,
    &stale_device,
    &domain_as_device,
    &attached_device,
    &no_pdo,
    &garbage_pdo,
    &used_pdo,
    &type_beyond,
    &type_first_stage,
    &reserved_flags,
    &version_zero,
    &version_beyond,
    &reserved_permission,
    &base_one,
    &count_two,
    &no_source,
    &no_mdl,
    &short_mdl,
    &empty_mdl,
    &foreign_frame,
    &table_frame,
    &foreign_last,
    &frame_twice,
    &frame_beyond,
    &empty_source,
    &ragged_source,
    &wrapping_source,
    &other_memory,
    &no_explicit,
    &explicit_too,
    &explicit_ragged,
    &explicit_interrupts,
    &explicit_beyond,
    &explicit_token,
    &explicit_before_token,
    &explicit_live,
    &explicit_before_live,
    &no_room,
    &no_pages,
    &one_page_more,
    &endless_pages,
    &no_size,
    &ragged_size,
    &endless_size,
    &no_token,
    &garbage_token,
    &beside_token,
    &live_token,
    &ragged_offset,
    &offset_at_end,
    &offset_beyond,
    &no_segment,
    &empty_segment,
    &long_segment,
    &ragged_segment,
    &foreign_segment,
    &no_callback,
    &no_fields,
    &reserved_fields,
    &no_faults,
    &no_configuration,
    &a_configuration,
    &no_list,
    &ragged_list,
    &no_out,
    &narrow_window,
    &wide_window,
    &endless_regions,
    &foreign_region,
    &equal_regions,
    &another_owner,
};

#endif
