"""Disks that say no: one system call of a program made to fail by strace, or a real small or read-only disk."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.simulation.trace import TraceError, require_strace

PROMISES: Final = ("ack ", "orders ", "cosigned ")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended: status, what it had said before and after the first fault, and what it complained of."""

    status: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    complaint: str
    struck: int
    """How many calls were made to fail."""

    @property
    def said(self) -> tuple[str, ...]:
        """Everything it said."""
        return self.before + self.after

    @property
    def promised_after(self) -> list[str]:
        """The promises it made after the first fault."""
        return [line for line in self.after if line.startswith(PROMISES)]


def run_with_fault(command: Sequence[str], call: str, error: str, when: str, scratch: Path) -> Outcome:
    """Runs a program while some of its system calls fail.

    Args:
        command: the program and its arguments.
        call: which system call, for example `fsync`.
        error: as which the call fails, for example `EIO`.
        when: which of the calls, counted from 1 over all files: `7`, or `7..9`.
        scratch: a folder for the trace.

    Raises:
        TraceError: strace may not trace here.
    """
    calls = "write" if call == "write" else f"write,{call}"
    fault = f"inject={call}:error={error}:when={when}"
    return _traced(command, calls, ("-e", fault), scratch)


def calls_of(command: Sequence[str], call: str, scratch: Path) -> list[str]:
    """The files, in order, on which a program makes a system call; what a fault's `when` counts.

    Raises:
        TraceError: strace may not trace here.
    """
    trace = scratch / "calls.txt"
    options = ("-f", "-y", "-qq", "-e", f"trace={call}", "-e", "signal=none", "-o", str(trace))
    require_strace()
    subprocess.run(["strace", *options, *command], env=_steady(), capture_output=True, check=True)
    found = [_FILE.search(line) for line in trace.read_text(errors="replace").splitlines()]
    return [match[1] if match else "" for match in found]


_FILE: Final = re.compile(r"\w+\((?:AT_FDCWD<[^>]*>, \"|\d+<|\")?([^>\"]*)")


def _traced(command: Sequence[str], calls: str, fault: Sequence[str], scratch: Path) -> Outcome:
    trace = scratch / "faults.txt"
    options = ("-f", "-qq", "-s", "200", "-e", f"trace={calls}", *fault, "-e", "signal=none", "-o", str(trace))
    require_strace()
    done = subprocess.run(["strace", *options, *command], env=_steady(), capture_output=True, text=True, check=False)
    if "PTRACE" in done.stderr:
        raise TraceError(done.stderr)
    said = done.stdout.splitlines()
    before = struck = 0
    for line in trace.read_text(errors="replace").splitlines():
        struck += line.endswith("(INJECTED)")
        before += not struck and "write(1," in line
    return Outcome(done.returncode, tuple(said[:before]), tuple(said[before:]), done.stderr, struck)


def _steady() -> dict[str, str]:
    """An environment in which the same program makes the same calls each time."""
    return {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
