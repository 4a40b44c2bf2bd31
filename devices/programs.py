"""Programs that drivers run, each in a process group of its own that ends with its time.

What drives a device may hang in it; so no wait here is without end, not even for a program that was killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

ASKED_LIMIT_S: Final = 3.0
"""How long a program that was asked to end may take to leave its device in order."""
KILLED_LIMIT_S: Final = 2.0
"""How long to wait for a program that was killed: one that hangs inside the kernel is left to it."""
LOOK_S: Final = 0.1
"""How often a program that is watched is looked at."""


class Stopped(Enum):
    """Why a program was ended before its end."""

    LATE = "its time was over"
    STALLED = "it did nothing any more"
    CANCELLED = "nobody wanted it any more"


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a program. `code` is None where it was stopped."""

    code: int | None
    out: bytes
    stopped: Stopped | None = None


@dataclass(slots=True)
class Watched:
    """How a program is watched while it runs.

    Args:
        progress: tells how far it is, in any form; asked ten times a second, in the thread that waits.
        stall_s: how long that may stay the same.
        cancelled: set by another thread to end it.
    """

    progress: Callable[[], object]
    stall_s: float
    cancelled: threading.Event = field(default_factory=threading.Event)
    _last: object = None
    _moved_s: float | None = None

    def verdict(self, now_s: float) -> Stopped | None:
        """Whether it is to be stopped, and why."""
        if self.cancelled.is_set():
            return Stopped.CANCELLED
        is_at = self.progress()
        if self._moved_s is None or is_at != self._last:
            self._last, self._moved_s = is_at, now_s
        return Stopped.STALLED if now_s - self._moved_s > self.stall_s else None


def run(
    arguments: Sequence[str],
    limit_s: float,
    environment: Mapping[str, str] | None = None,
    watched: Watched | None = None,
) -> Ran:
    """Run a program to its end, or to the end of its time.

    Args:
        arguments: the program and its arguments.
        limit_s: how long it may take.
        environment: variables that are set besides ours.
        watched: how it is watched meanwhile; not at all where None.

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
    end_s = time.monotonic() + limit_s
    while True:
        left_s = end_s - time.monotonic()
        why = Stopped.LATE if left_s <= 0 else None if watched is None else watched.verdict(time.monotonic())
        if why is not None:
            _end(process, ask=watched is not None)
            return Ran(None, b"", why)
        try:
            out, _ = process.communicate(timeout=left_s if watched is None else min(left_s, LOOK_S))
        except subprocess.TimeoutExpired:
            continue
        return Ran(process.returncode, out)


def _end(process: subprocess.Popen[bytes], *, ask: bool) -> None:
    """End a program and all that it started; asked first where it may have a device to put in order."""
    try:
        if ask:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.communicate(timeout=ASKED_LIMIT_S)
            except subprocess.TimeoutExpired:
                pass
            else:
                return
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=KILLED_LIMIT_S)
    except (subprocess.TimeoutExpired, ProcessLookupError):
        if process.stdout is not None:
            process.stdout.close()
