"""Disks that say no: system calls that strace makes fail, and disks that are really small or read-only."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.simulation.trace import TraceError, require_strace

BALLAST: Final = "ballast"
SMALL_DISK: Final = f"""
disk=$1 template=$2 after=$3 ballast=$4; shift 4
mount -t tmpfs -o size=1500k tmpfs "$disk"
cp -a "$template/." "$disk"
head -c "$ballast" /dev/zero > "$disk/{BALLAST}" 2>/dev/null || true
"$@" && status=0 || status=$?
rm -f "$disk/{BALLAST}"
cp -a "$disk/." "$after"
exit $status
"""
"""Arguments: an empty folder, a template to fill it from, where to copy it afterwards, bytes of ballast, a command."""
READ_ONLY_DISK: Final = """
disk=$1; shift
mount --bind "$disk" "$disk"
mount -o remount,bind,ro "$disk"
exec "$@"
"""
"""Arguments: a folder, a command."""
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


def calls_of(command: Sequence[str], calls: Sequence[str], scratch: Path) -> list[tuple[str, str]]:
    """The system calls of some kinds that a program makes, in order, each with the file it is about.

    Raises:
        TraceError: strace may not trace here.
    """
    trace = scratch / "calls.txt"
    options = ("-f", "-y", "-qq", "-e", f"trace={','.join(calls)}", "-e", "signal=none", "-o", str(trace))
    require_strace()
    subprocess.run(["strace", *options, *command], env=_steady(), capture_output=True, check=True)
    found = (_CALL.search(line) for line in trace.read_text(errors="replace").splitlines())
    return [(match[1], match[2]) for match in found if match]


_CALL: Final = re.compile(r"(\w+)\((?:AT_FDCWD<[^>]*>, \"|\d+<|\")?([^>\"]*)")


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


def in_own_namespace(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a shell script that mounts disks which nobody else sees; skips the test where nobody may mount."""
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    mounting = [*unshare, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("disks can't be mounted here; the injected faults stand for them")
    command = [*unshare, "sh", "-euc", script, "sh", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _steady() -> dict[str, str]:
    """An environment in which the same program makes the same calls each time."""
    return {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
