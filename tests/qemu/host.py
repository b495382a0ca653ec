# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Runs host test programs and reads what cmocka prints."""
from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tally import Result

SECONDS = 300.0
CMOCKA = re.compile(r"^\[ *(RUN|OK|FAILED|SKIPPED) *\] (\S.*?)\s*$")


def run_host_program(program: Path) -> list[Result]:
    """Runs a cmocka program; each of its tests is a result, and so is an end unplanned."""
    command = [str(program)]
    environment = {**os.environ, "CMOCKA_MESSAGE_OUTPUT": "STDOUT"}
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", timeout=SECONDS, env=environment,
        )
        status, text = done.returncode, done.stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        return [Result(f"host {program.name}", "FAIL", [str(error)])]
    results = parse_cmocka(program.name, text)
    if status and not any(r.outcome == "FAIL" for r in results):
        results.append(Result(f"host {program.name}", "FAIL",
                              [*text.splitlines(), f"it ended with status {status}"]))
    if not results:
        results.append(Result(f"host {program.name}", "FAIL", ["it ran no test"]))
    return results


def parse_cmocka(program: str, text: str) -> list[Result]:
    results, running, output = [], "", []
    for line in text.splitlines():
        match = CMOCKA.match(line)
        if match is None:
            output.append(line)
        elif match[1] == "RUN":
            running, output = match[2], []
        elif match[2] == running:
            outcome = {"OK": "ok", "FAILED": "FAIL", "SKIPPED": "skip"}[match[1]]
            results.append(Result(f"host {program} {running}", outcome, output))
            running = ""
    if running:
        results.append(Result(f"host {program} {running}", "FAIL", [*output, "it did not end"]))
    return results
