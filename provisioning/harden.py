"""What every Sanad process does first: keep its memory off the disk, its files private, and its tracebacks silent.

Guarantees: no core dump, no reading of this process's memory by other processes of the same user (where the kernel has
PR_SET_DUMPABLE), files made for their owner only; and an unexpected exception, in any thread, shows its type and the
places in our code, never its message or a value, since those may hold what a citizen typed. Swap is not covered: a
machine that holds citizens' data should have encrypted swap, or none.
"""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from appliance.journal.errors import SanadError

ROOMS = ("appliance", "devices", "provisioning", "sync", "tui")
MAX_CHAIN = 16
MAX_FRAMES = 50

_ROOT = Path(__file__).resolve().parent.parent
_PR_SET_DUMPABLE = 4


def harden() -> None:
    """Hardens this process. It cannot fail: what the kernel does not offer is left out."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    sys.excepthook = _on_exception
    threading.excepthook = _on_thread_exception
    sys.unraisablehook = _on_unraisable
    # What a library logs and nobody handles goes to standard error; and when a line cannot be formatted, logging would
    # print the values that it was to hold.
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(QuietFormatter())
    logging.raiseExceptions = False


def describe(error: BaseException) -> str:
    """An exception in words that hold no data: types, and file, line and function in our own code.

    An error that Sanad raises on purpose also shows its sentence, which is written to hold nothing personal.
    """
    lines = []
    for place, each in enumerate(_chain(error)):
        lines.append(f"{'caused by ' if place else ''}{type(each).__name__}")
        lines.extend(f"  {frame}" for frame in _frames(each.__traceback__))
    if isinstance(error, SanadError):
        lines.append(str(error))
    else:
        lines.append("This is a fault in Sanad; what was confirmed before is safe.")
        lines.append("Start it again; if it comes back, send these lines to central IT. They hold no personal data.")
    return "\n".join(lines)


class QuietFormatter(logging.Formatter):
    """Formats what other people's libraries log: level, logger, place, and exceptions as `describe` shows them.

    The message itself is withheld: asyncio, for one, writes the text of an exception into it.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One record, without its message."""
        lines = [f"{record.levelname} from {record.name}, {record.module}:{record.lineno}"]
        if record.exc_info and record.exc_info[1] is not None:
            lines.append(describe(record.exc_info[1]))
        return "\n".join(lines)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, then what it came from, then what those came from."""
    waiting, seen = [error], 0
    while waiting and seen < MAX_CHAIN:
        each = waiting.pop(0)
        seen += 1
        yield each
        cause = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
        waiting.extend([cause] if cause else [])
        waiting.extend(each.exceptions if isinstance(each, BaseExceptionGroup) else [])


def _frames(trace: TracebackType | None) -> Iterator[str]:
    for frame, line in list(traceback.walk_tb(trace))[-MAX_FRAMES:]:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(_ROOT) and path.relative_to(_ROOT).parts[0] in ROOMS:
            yield f"{path.relative_to(_ROOT)}:{line} in {frame.f_code.co_name}"


def _say(error: BaseException) -> None:
    print(describe(error), file=sys.stderr, flush=True)  # noqa: T201


def _on_exception(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    if isinstance(error, KeyboardInterrupt):
        print("Interrupted.", file=sys.stderr)  # noqa: T201
    else:
        _say(error)


def _on_thread_exception(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        _say(args.exc_value)


def _on_unraisable(args: object) -> None:
    error = getattr(args, "exc_value", None)
    if isinstance(error, BaseException):
        _say(error)
