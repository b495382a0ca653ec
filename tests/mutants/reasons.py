# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Why a mutant may survive. Rows go by parts of the line, as it is and as it was changed."""
from __future__ import annotations

from typing import NamedTuple

from workshop import Change, lines_at


class Row(NamedTuple):
    path: str
    old: str
    new: str  # "" for any
    reason: str


SAME = "equivalent"
CORE, PAGING, AMDVI, VTD = (
    f"drivers/iommu/{name}" for name in ("core", "paging", "amdvi", "vtd"))

ROWS: tuple[Row, ...] = (
    Row(f"{AMDVI}/regs.h", "CAPABILITY_PASIZE_WIDTH", "6",
        f"{SAME}: no legal size is beyond 52"),
    Row(f"{AMDVI}/regs.h", "CONTROL_INV_TIME_OUT", "",
        f"{SAME}: no device has ATS on, so that none is waited for"),
    *(Row(f"{AMDVI}/event.c", f"mmio_write64(&amdvi->mmio, AMDVI_EVENT_{pointer}, 0)", ";",
          "the write of the base clears it too, on units that keep to the specification")
      for pointer in ("HEAD", "TAIL")),
    Row(f"{AMDVI}/event.c", "amdvi_control(amdvi, 0, CONTROL_EVENT_LOG_EN", "amdvi, 1",
        f"{SAME}: the bit is set while the unit is on"),
    Row(f"{CORE}/allocator.c", "width <= span_bits(1) ? 1", "span_bits(0)",
        f"{SAME}: up to span_bits(1) the other formula gives 1 too"),
    Row(f"{CORE}/allocator.c", "for (unsigned i = depth; i-- > 0;)", "> 1",
        "the block is found behind the stacks then, only more slowly"),
    *(Row(f"{CORE}/core.c", ".width = 63, .physical_width = 52, .leaf_levels = 0xFF", new,
          f"{SAME}: no unit has as much")
      for new in (".width = 62", ".width = 64", "_width = 53", "0xfe")),
    Row(f"{CORE}/core.c", "n = 2; n <= PT_LEVELS_MAX", "n = 1",
        f"{SAME}: no unit says that it walks a single level"),
    Row(f"{CORE}/describe.c", "n = 1; n < sizeof names", "n = 0",
        f"{SAME}: level 0 has no name, and no leaves"),
    Row(f"{CORE}/discovery.c", "first & (PT_PAGE_SIZE - 1) || (last + 1)", "&&",
        f"{SAME}: the readers of both tables refuse a region that is not of whole pages"),
    Row(f"{CORE}/domain.c", "++domain->generation", "--domain->generation",
        f"{SAME}: any other number does"),
    Row(f"{CORE}/invalidation.c", "invalidation->count = 1;", ";",
        f"{SAME}: the first block is everything, what follows it is forgotten twice"),
    Row(f"{CORE}/mapping.c", "address <= domain->gap.last", "< domain->gap.last",
        f"{SAME}: no page begins at a last address"),
    Row(f"{CORE}/mapping.h", "<= domain->plain_last", "length",
        f"{SAME}: ranges are of whole pages, and what the plain way leaves the long one does"),
    Row(f"{CORE}/reserve.c", "gap = {0, (UINT64_C(1) << domain->table.geometry.width)", "",
        f"{SAME}: ranges are of whole pages, and tables refuse what is beyond their width"),
    Row(f"{CORE}/show.c", "address | ((UINT64_C(1) << shift) - 1)", "- 2",
        f"{SAME}: a page is then shown in two looks, which continue each other"),
    Row(f"{CORE}/reserve.c", "first > address || last < address", "first >= address",
        f"{SAME}: asked for addresses just mapped, which lie in no region"),
    Row(f"{CORE}/reserve.c", "if (unlinked && batch.gather.tables)", "||",
        f"{SAME}: more is forgotten than needs be"),
    Row(f"{CORE}/walk.c", "if (count > 1)", ">= 1",
        f"{SAME}: the walk of a unit that is found sets the end anew"),
    Row(f"{CORE}/state.h", "special ? 0 : domain->gap.last", "special ? 1",
        f"{SAME}: no page begins at the first address that is left"),
    Row(f"{CORE}/queue.h", "lock_try(&queue->lock) && ", "||",
        f"{SAME} in one context, for which the lock is always free"),
    Row(f"{CORE}/state.h", "#define IOMMU_NO_GAP", ".last = 1",
        f"{SAME}: it is empty while its first address is behind its last"),
    Row(f"{PAGING}/reserve.h", "run.first <= run.last", "run.first < run.last",
        f"{SAME}: runs are of whole pages, so that first and last differ"),
    Row(f"{PAGING}/algorithm.h", "table->root = 0;", ";",
        f"{SAME}: a table that is torn down is used no more"),
    Row(f"{PAGING}/paging.h", "(page->live <= 1 && !page->pins)", "(page->live <= 1 || !page->pins)",
        f"{SAME}: the short way is left for the long one"),
    *(Row(f"{VTD}/fault.c", "offset + n * 16 + 16 > vtd->mmio.length", new,
          "a unit is used only where all its records lie in what is mapped")
      for new in ("offset - n", "n * 15")),
    Row(f"{VTD}/unit.c", "vtd_command(vtd, GCMD_WBF, 0, GSTS_WBFS, 0)", "GCMD_WBF, 1",
        f"{SAME}: bit 0 is nobody's"),
    Row(f"{VTD}/unit.c", "table_write_back(vtd->root, 4096)", "4095",
        f"{SAME}: lines are written back whole"),
    Row(f"{PAGING}/algorithm.h", "run.first <= run.last", "run.first < run.last",
        f"{SAME}: runs are of whole pages, so that first and last differ"),
)


def reason_for(change: Change, text: str) -> str:
    """"" when none is known: a test is missing."""
    old, new = (lines_at(part, change.at)[1] for part in (text, change.apply(text)))
    for row in ROWS:
        if row.path == change.path and row.old in old and row.new in new:
            return row.reason
    return ""
