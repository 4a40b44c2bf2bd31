"""What the command line shows: answers on standard output, progress and errors on standard error, and how it ends.

Nothing below this package prints or exits. Exit codes: 0 done; 1 refused or found wrong; 2 unreadable, or a wrong
command line; 3 unknown issuer; 69 the link or central failed; 70 a bug of ours; 74 the disk or a device failed;
130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NoReturn

from appliance.journal.errors import BugError, DeviceError, NetworkError, SanadError
from appliance.records.failures import StorageFailed

EXIT_REFUSED: Final = 1
EXIT_UNREADABLE: Final = 2
EXIT_NETWORK: Final = 69
EXIT_BUG: Final = 70
EXIT_DISK: Final = 74
EXIT_INTERRUPTED: Final = 130

Progress = Callable[[int, int], None]


def answer(values: Mapping[str, object], text: str, *, as_json: bool) -> None:
    """Print an answer: one line of JSON, or text for people."""
    print(json.dumps(values, ensure_ascii=False) if as_json else text)  # noqa: T201


def note(text: str) -> None:
    """Say something beside the answer."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def tell(error: SanadError, *, as_json: bool) -> int:
    """Say what went wrong and what to do; answers the exit code."""
    if as_json:
        print(  # noqa: T201
            json.dumps(
                {"error": type(error).__name__, "sentence": error.sentence, "next_step": error.next_step},
                ensure_ascii=False,
            )
        )
    note(error.sentence)
    if error.next_step:
        note(f"→ {error.next_step}")
    if isinstance(error, NetworkError):
        return EXIT_NETWORK
    if isinstance(error, BugError):
        return EXIT_BUG
    return EXIT_DISK if isinstance(error, DeviceError) else EXIT_REFUSED


def halt(error: StorageFailed) -> NoReturn:
    """The disk failed while it was being written: say so, and stop at once, whatever thread this is."""
    note(f"{error.sentence}\n→ {error.next_step}")
    os._exit(EXIT_DISK)


@contextmanager
def progress(label: str) -> Iterator[Progress]:
    """A line that counts, on a terminal; silent elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    shown = -1

    def show(done: int, total: int) -> None:
        nonlocal shown
        percent = 100 if total <= 0 else done * 100 // total
        if percent != shown:
            shown = percent
            print(f"\r{label}: {percent} %", end="", file=sys.stderr, flush=True)  # noqa: T201

    try:
        yield show
    finally:
        if shown >= 0:
            print(file=sys.stderr)  # noqa: T201
