"""Run a program of `programs` against an emulated bus, from a test."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT_S = 60
ROOT = Path(__file__).parents[3]
DEBIAN_PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Ran:
    """What came of it: the program's result, its exit code and other output, and what each device saw, by port."""

    result: Any
    code: int
    output: str
    devices: dict[str, dict[str, Any]]


def run_command(devices: dict[str, dict[str, Any]], command: list[str], absent: tuple[str, ...] = ()) -> Ran:
    """Run any command on the bus."""
    spec = json.dumps({"devices": devices, "absent": absent, "program": command})
    ran = subprocess.run(
        ["umockdev-wrapper", DEBIAN_PYTHON, "-B", "-m", "tests.support.usb.testbed", spec],
        cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    if ran.returncode or "Traceback" in ran.stderr:
        raise AssertionError(ran.stderr[-4000:])
    return Ran(**json.loads(ran.stdout.splitlines()[-1]))


def run(devices: dict[str, dict[str, Any]], program: str, *arguments: str, absent: tuple[str, ...] = ()) -> Ran:
    """Run one of our programs on the bus; it must end well."""
    command = [sys.executable, "-m", "tests.support.usb.programs", program, *arguments]
    ran = run_command(devices, command, absent)
    if ran.code:
        raise AssertionError(f"{program} ended with {ran.code}: {ran.output[-2000:]}")
    return ran
