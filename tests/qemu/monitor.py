# SPDX-License-Identifier: BSD-2-Clause-Patent
"""As much of QEMU's machine protocol as the harness needs: ask, quit, and why it ended."""
from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import dataclass
from typing import Any

ANSWER_SECONDS = 10.0
BRIDGE_TO_CONVENTIONAL = {(0x1B36, 0x000E)}  # requests carry (secondary bus):00.0
CONVENTIONAL_BRIDGE = {(0x1B36, 0x0001)}  # requests carry its own


@dataclass(frozen=True)
class Function:
    """A PCI function as QEMU sees it."""

    location: str  # "01:00.0"
    requester: int  # the requester ID that its DMA carries
    vendor: int
    device: int


class Monitor:
    """One end of a socket pair; QEMU holds the other."""

    def __init__(self) -> None:
        self._socket, self.remote = socket.socketpair()
        self._socket.settimeout(ANSWER_SECONDS)
        self._lines = self._socket.makefile(encoding="utf-8")
        self._ready = False
        self._reason = ""

    def started(self) -> None:
        """QEMU has its end: ours alone keeps the other open no longer."""
        self.remote.close()

    def ask(self, command: str, **arguments: Any) -> Any:
        """The answer, None when QEMU is gone or does not answer."""
        try:
            if not self._ready:
                self._exchange("qmp_capabilities")
                self._ready = True
            return self._exchange(command, **arguments)
        except (OSError, ValueError):
            return None

    def functions(self) -> list[Function]:
        found: list[Function] = []
        for bus in self.ask("query-pci") or []:
            walk(bus["devices"], None, found)
        return found

    def shutdown_reason(self) -> str:
        """SHUTDOWN's, of a QEMU that has ended; empty: it told none, or was never asked before."""
        with contextlib.suppress(OSError, ValueError):
            for line in self._lines:
                self._note(json.loads(line))
        return self._reason

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._lines.close()
        self._socket.close()
        self.remote.close()

    def _exchange(self, command: str, **arguments: Any) -> Any:
        question = {"execute": command, "arguments": arguments}
        self._socket.sendall((json.dumps(question) + "\n").encode())
        for line in self._lines:
            answer = json.loads(line)
            self._note(answer)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                return None
        return None

    def _note(self, told: dict[str, Any]) -> None:
        if told.get("event") == "SHUTDOWN":
            self._reason = str(told["data"]["reason"])


def walk(devices: list[dict[str, Any]], alias: int | None, found: list[Function]) -> None:
    for device in devices:
        bus, slot, function = device["bus"], device["slot"], device["function"]
        own = bus << 8 | slot << 3 | function
        identity = (device["id"]["vendor"], device["id"]["device"])
        location = f"{bus:02x}:{slot:02x}.{function}"
        found.append(Function(location, own if alias is None else alias, *identity))
        bridge = device.get("pci_bridge")
        if bridge is not None:
            below = alias
            if identity in BRIDGE_TO_CONVENTIONAL:
                below = bridge["bus"]["secondary"] << 8
            elif identity in CONVENTIONAL_BRIDGE and alias is None:
                below = own
            walk(bridge.get("devices", []), below, found)
