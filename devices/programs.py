"""Programs that drivers run, each in a process group of its own that ends with its time.

What drives a device may hang in it; so no wait here is without end, not even for a program that was killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

KILLED_LIMIT_S: Final = 2.0
"""How long to wait for a program that was killed: one that hangs inside the kernel is left to it."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a program. `code` is None where its time was over."""

    code: int | None
    out: bytes


def run(arguments: Sequence[str], limit_s: float, environment: Mapping[str, str] | None = None) -> Ran:
    """Run a program to its end, or to the end of its time.

    Args:
        arguments: the program and its arguments.
        limit_s: how long it may take.
        environment: variables that are set besides ours.

    Raises:
        OSError: it cannot be started.
    """
    process = subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, **(environment or {})},
    )
    try:
        out, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        try:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=KILLED_LIMIT_S)
        except (subprocess.TimeoutExpired, ProcessLookupError):
            if process.stdout is not None:
                process.stdout.close()
        return Ran(None, b"")
    return Ran(process.returncode, out)
