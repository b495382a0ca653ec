# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The events of QEMU's VT-d model."""
from __future__ import annotations

import re

from trace import HEX, LOCATION, Step, Trace, requester_id

ENABLE = re.compile(r"vtd_dmar_enable\b.* 1$")
TRANSLATE = re.compile(
    rf"vtd_dmar_translate\b.*?{LOCATION} iova {HEX} -> gpa {HEX} mask {HEX}"
)
FAULT = re.compile(rf"vtd_dmar_fault\b.*?sid {HEX} fault (\d+) addr {HEX}")
PASS_THROUGH = re.compile(r"vtd_translate_pt\b")
UPDATE = re.compile(rf"vtd_iotlb_page_update\b.*?sid {HEX} iova {HEX} .*?domain {HEX}")
GLOBAL = re.compile(r"vtd_inv_desc_iotlb_global\b")
DOMAIN = re.compile(rf"vtd_inv_desc_iotlb_domain\b.*?domain {HEX}")
PAGES = re.compile(rf"vtd_inv_desc_iotlb_pages\b.*?domain {HEX} addr {HEX} mask {HEX}")


class VtdTrace(Trace):
    # Few events, so that tracing costs nothing one could notice. All of them are in 7.2 to 11.1.
    EVENTS = (
        "vtd_dmar_enable",
        "vtd_dmar_translate",
        "vtd_dmar_fault",
        "vtd_translate_pt",
        "vtd_iotlb_page_update",
        "vtd_inv_desc_iotlb*",
    )
    PREFIX = "vtd_"

    def steps(self) -> list[tuple[re.Pattern[str], Step]]:
        return [
            (TRANSLATE, self._translate),
            (FAULT, lambda m: self.refuse(int(m[1], 16), int(m[3], 16))),
            (UPDATE, lambda m: self.cache(int(m[1], 16), int(m[2], 16), int(m[3], 16))),
            (PAGES, self._pages),
            (DOMAIN, lambda m: self.drop(int(m[1], 16))),
            (GLOBAL, lambda _: self.drop(None)),
            (PASS_THROUGH, self._pass_through),
            (ENABLE, self._enable),
        ]

    def _enable(self, _match: re.Match[str]) -> None:
        self.enabled = True

    def _pass_through(self, _match: re.Match[str]) -> None:
        self.passed_through += 1

    def _translate(self, match: re.Match[str]) -> None:
        iova, address, mask = (int(match[i], 16) for i in (4, 5, 6))
        self.translate(requester_id(match), iova, address, mask + 1)

    def _pages(self, match: re.Match[str]) -> None:
        domain, address, mask = int(match[1], 16), int(match[2], 16), int(match[3], 16)
        low = ~((0x1000 << mask) - 1)
        self.drop(domain, lambda page: page & low == address & low)
