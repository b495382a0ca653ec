# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Named mutants of entries, registers and invalidation. See named.py."""
from __future__ import annotations

CONTEXT = "drivers/iommu/vtd/context.c"
DEVICES = "drivers/iommu/amdvi/device_table.c"
COMMAND = "drivers/iommu/amdvi/command.c"
ALGORITHM = "drivers/iommu/paging/algorithm.h"
PAGING = "drivers/iommu/paging/paging.h"
QUEUE_H = "drivers/iommu/core/queue.h"
QUEUE_C = "drivers/iommu/core/queue.c"
UNIT = "drivers/iommu/vtd/unit.c"
MAPPING = "drivers/iommu/core/mapping.c"
PLAIN = "drivers/iommu/core/mapping.h"
VTD = "vtd"  # at AMD-Vi units it is no fault: see ABSENT in named.py
STORE_MEMORY = (
    "    table_store128(entry->memory, low,"
    " (table_load64(&entry->memory[1]) & KEPT_MEMORY) | domain_id);\n")
FILL = (
    "    if (below == 1)\n"
    "        fill_leaves(&child, index_at(part.first, 1), entries_of(&part, 1), part.physical,\n"
    "                    permission);\n"
    "    else\n"
    "        fill(table, &child, below, part, permission, !entry);\n"
    "    if (entry || child.page->content == PT_ZERO_IN_MEMORY)\n"
    "        write_back(table, &child, below, &part);\n")
LINK = "    if (!entry)\n        link_table(table, at, index, level, physical);\n"

ROWS = (
    # Entry updates.
    (1, "device-entry-torn", DEVICES, STORE_MEMORY,
     "    table_store64(&entry->memory[1],\n"
     "                  (table_load64(&entry->memory[1]) & KEPT_MEMORY) | domain_id);\n"
     "    table_store64(&entry->memory[0], low);\n",
     "test_amdvi entries_change_by_halves"),
    (2, "context-entry-stored-field-by-field", CONTEXT,
     "    publish(vtd, &entry->high, fresh.high);\n    publish(vtd, &entry->low, fresh.low);\n",
     "    *entry = fresh;\n",
     "test_vtd entries_are_whole_while_present"),
    (2, "device-entry-zeroed-first", DEVICES, STORE_MEMORY,
     "    table_store128(entry->memory, 0, 0);\n" + STORE_MEMORY,
     "test_amdvi entries_change_by_halves"),
    (3, "context-present-before-the-rest", CONTEXT,
     "    publish(vtd, &entry->high, fresh.high);\n    publish(vtd, &entry->low, fresh.low);\n",
     "    publish(vtd, &entry->low, fresh.low);\n    publish(vtd, &entry->high, fresh.high);\n",
     "test_vtd entries_are_whole_while_present"),
    (1, "context-entry-torn", CONTEXT,
     "    publish(vtd, &entry->low, table_load64(&entry->low) & ~ENTRY_P);\n",
     "    publish(vtd, &entry->high, 0);\n"
     "    publish(vtd, &entry->low, table_load64(&entry->low) & ~ENTRY_P);\n",
     "test_vtd entries_are_whole_while_present"),
    (3, "table-linked-before-it-is-filled", ALGORITHM, FILL + LINK, LINK + FILL,
     "test_mapping a_new_table_shows_nothing_old"),
    (3, "device-entry-stays-at-detach", DEVICES,
     "    store_memory(entry, blocked_memory(unit), 0);\n", "    (void)unit;\n",
     "test_amdvi entries_change_by_halves"),
    (4, "context-entry-not-written-back", CONTEXT,
     "    if (!(vtd->ecap & 1))\n        table_write_back(word, sizeof *word);\n", "",
     "test_vtd blocked_is_not_present"),
    (4, "context-table-not-written-back", CONTEXT,
     "    table_write_back(table, 4096);\n", "",
     "test_vtd blocked_is_not_present"),
    (4, "leaf-not-written-back", PAGING,
     "        table_write_back64(slot);\n", "        (void)slot;\n",
     "test_mapping every_unit_of_a_domain_forgets", VTD),
    (4, "new-table-not-written-back", ALGORITHM,
     "        write_back_all(table, child);\n", "        (void)table;\n",
     "test_mapping every_unit_of_a_domain_forgets", VTD),
    (5, "write-back-one-entry-short", ALGORITHM,
     "&at->entries[index_at(run->first, level)], entries_of(run, level));",
     "&at->entries[index_at(run->first, level)], entries_of(run, level) - 1);",
     "test_mapping every_unit_of_a_domain_forgets", VTD),
    (5, "write-back-without-the-loosened", ALGORITHM,
     "    write_back(table, at, 1, &touched);\n", "    write_back(table, at, 1, &run);\n",
     "test_paging_limits every_boundary_of_every_level", VTD),
    (6, "no-barrier-before-the-tail", QUEUE_H,
     "    table_fence();\n", "",
     "test_core life_on_every_kind_of_unit"),
    (7, "one-shot-commands-written-back", UNIT,
     "mmio_read32(&vtd->mmio, VTD_GSTS) & GSTS_HELD;", "mmio_read32(&vtd->mmio, VTD_GSTS);",
     "test_vtd_enable what_firmware_left_goes_off"),
    (7, "held-commands-dropped", UNIT,
     "(held & ~clear) | set);", "(held & 0) | (set & ~clear));",
     "test_vtd_enable what_firmware_left_goes_off"),
    (8, "fault-record-not-cleared", "drivers/iommu/vtd/fault.c",
     "    mmio_write32(&vtd->mmio, VTD_FRCD_TOP(offset, n), FRCD_TOP_F);\n", "",
     "test_vtd what_firmware_left_is_cleared"),
    (8, "overflow-cleared-by-zero", "drivers/iommu/vtd/fault.c",
     "        mmio_write32(&vtd->mmio, VTD_FSTS, FSTS_PFO);\n        unit->overflows++;",
     "        mmio_write32(&vtd->mmio, VTD_FSTS, status & ~FSTS_PFO);\n        unit->overflows++;",
     "test_vtd faults_that_were_lost_are_counted"),
    (8, "event-status-written-back", "drivers/iommu/amdvi/event.c",
     "        mmio_write32(&amdvi->mmio, AMDVI_STATUS, STATUS_EVENT_LOG_INT);\n    uint64_t tail",
     "        mmio_write32(&amdvi->mmio, AMDVI_STATUS, status);\n    uint64_t tail",
     "test_amdvi interrupts_follow_the_attachment"),
    # Invalidation.
    (9, "none-after-unmap", MAPPING,
     "    iommu_invalidation_add(&batch.invalidation, address, span);\n", "    (void)span;\n",
     "test_mapping every_unit_of_a_domain_forgets"),
    (9, "none-after-plain-unmap", PLAIN,
     "    return iommu_forget_range(iommu, ref, address, length, true) ? IOMMU_OK : IOMMU_FAILED;",
     "    return IOMMU_OK;",
     "test_core superpages_are_used_and_split"),
    (9, "only-the-first-unit", MAPPING,
     "    for (; units; units &= units - 1) {", "    for (; units; units = 0) {",
     "test_mapping every_unit_of_a_domain_forgets"),
    (10, "directories-stay-when-tables-go", MAPPING,
     "    batch->invalidation.leaves_only = !batch->gather.tables;\n", "",
     "test_mapping an_allocated_range_is_one_command"),
    (10, "context-cache-stays-at-detach", CONTEXT,
     "    if (!vtd_submit(vtd, batch, 2))\n", "    if (!vtd_submit(vtd, batch + 1, 1))\n",
     "test_domains a_device_that_leaves_takes_nothing_along"),
    (11, "plain-path-open-after-poison", "drivers/iommu/core/state.h",
     "    domain->poisoned = true;\n    iommu_update_plain(domain);\n",
     "    domain->poisoned = true;\n",
     "test_mapping a_failed_domain_takes_nothing_by_the_plain_way"),
    (11, "unlinking-never-ends", MAPPING,
     "        call->domain->unlinking--;\n", "",
     "test_mapping the_plain_way_is_the_long_one_made_short"),
    (12, "mask-one-too-small", "drivers/iommu/core/invalidation.h",
     "(unsigned)__builtin_ctzll(length) - PT_PAGE_SHIFT}",
     "(unsigned)__builtin_ctzll(length) - PT_PAGE_SHIFT - (length > PT_PAGE_SIZE)}",
     "test_mapping an_allocated_range_is_one_command"),
    (12, "mask-beyond-what-is-offered", "drivers/iommu/vtd/queue.c",
     "block->order < vtd->selective_orders", "block->order <= vtd->selective_orders",
     "test_core life_on_every_kind_of_unit"),
    (12, "pages-order-halved", COMMAND,
     "    uint64_t half = UINT64_C(1) << block->order >> 1;",
     "    uint64_t half = UINT64_C(1) << block->order >> 2;",
     "test_amdvi_commands blocks_are_exact"),
    (13, "context-change-without-domain-flush", CONTEXT,
     "    if (!vtd_submit(vtd, batch, 2))\n", "    if (!vtd_submit(vtd, batch, 1))\n",
     "test_domains a_device_that_leaves_takes_nothing_along"),
    (13, "device-entry-change-without-domain-flush", DEVICES,
     "    return amdvi_submit(unit, batch, 2);", "    return amdvi_submit(unit, batch, 1);",
     "test_amdvi every_requester_is_named"),
    (15, "caching-mode-ignored", UNIT,
     ".flush_on_map = FIELD_GET(vtd->cap, CAP_CM) || FIELD_GET(vtd->cap, CAP_RWBF),",
     ".flush_on_map = FIELD_GET(vtd->cap, CAP_RWBF),",
     "test_core life_on_every_kind_of_unit"),
    (15, "context-of-domain-zero-cached", CONTEXT,
     "unit->caps.flush_on_map ? VTD_GLOBAL : VTD_SELECTIVE", "VTD_SELECTIVE",
     "test_core life_on_every_kind_of_unit"),
    (15, "npcache-ignored", "drivers/iommu/amdvi/unit.c",
     "!amdvi->function || FIELD_GET(amdvi->capability, CAPABILITY_NPCACHE)", "!amdvi->function",
     "test_amdvi what_a_unit_offers"),
    (17, "stale-completion-taken", QUEUE_H,
     "(int32_t)(__atomic_load_n(queue->status, __ATOMIC_ACQUIRE) - sequence) >= 0;",
     "__atomic_load_n(queue->status, __ATOMIC_ACQUIRE) >= (sequence > 0);",
     "test_core slow_units_are_waited_for"),
    (18, "full-queue-swallows", COMMAND,
     "    return iommu_await(&is_read);", "    return true || iommu_await(&is_read);",
     "test_amdvi_commands one_by_one_otherwise"),
    (18, "queue-error-taken-for-done", "drivers/iommu/vtd/queue.c",
     "    if (iommu_queue_await(&vtd->queue, sequence, &runs))\n",
     "    if (iommu_queue_await(&vtd->queue, sequence, &runs) || !iommu_holds(&runs))\n",
     "test_mapping a_stalled_unit_keeps_no_other_from_forgetting"),
    (18, "head-taken-for-done", "drivers/iommu/vtd/queue.c",
     "    return iommu_queue_is_done(queue, sequence) || await(vtd, sequence);",
     "    (void)await;\n    return wait_until(queue_is_idle, vtd, IOMMU_WAIT_NS) && sequence;",
     "test_core slow_units_are_waited_for"),
    (19, "status-word-in-the-ring", QUEUE_C,
     "    queue->status_physical = memory_physical(queue->status);",
     "    queue->status = (uint32_t *)queue->ring;\n"
     "    queue->status_physical = memory_physical(queue->status);",
     "test_core slow_units_are_waited_for"),
    (20, "queue-not-asked-for", UNIT,
     "    if (!FIELD_GET(vtd->ecap, ECAP_QI))\n", "    if (FIELD_GET(vtd->ecap, ECAP_QI) > 1)\n",
     "test_vtd a_unit_must_have_what_is_used"),
)
