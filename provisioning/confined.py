"""Judges what a stranger brought in a process of its own, which can open nothing, reach nobody, and is ended in time.

The child is this process once more (fork), with everything loaded; before it looks at the first byte it gives up every
power that reading needs none of (`appliance.casework.paperworker.confinement`). It answers with one line of JSON, which
is believed no more than what was brought: its form is checked, and it holds nothing but text.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import time
from collections.abc import Callable
from typing import Any, Final

from appliance.casework.paperworker.confinement import confine, enough
from appliance.certificates.checking.looking import prepare
from appliance.certificates.verdict import Verdict, Word
from appliance.journal.errors import BugError, DeviceError

WALL_S: Final = 30.0
"""Time by the clock."""
MAX_ANSWER: Final = 1 << 20
"""Bytes."""
_PIECE: Final = 1 << 16
_NOT_CONFINED: Final = 3
_FAILED: Final = 4
_ENDED: Final = Verdict(
    verdict=Word.UNREADABLE,
    reasons=("Reading it took more time or memory than any certificate needs, or ended the program that read it.",),
    next_step="Do not accept it. Ask for the file as the centre gave it.",
)
_FAULT: Final = Verdict(
    verdict=Word.UNREADABLE,
    reasons=(
        "The program that reads certificates failed at this one: by a fault of its own, or because of what is in it.",
    ),
    next_step="Do not accept it yet. Ask for the file as the centre gave it; if that fails, too, tell central IT.",
)


def judge_apart(content: bytes, judge: Callable[[], Verdict], *, wall_s: float = WALL_S) -> dict[str, Any]:
    """What `judge` finds, found in a confined process.

    Args:
        content: what is judged, so that what it needs is loaded.
        judge: what runs there.
        wall_s: seconds after which it is ended.

    Returns:
        `Verdict.plain`.

    Raises:
        DeviceError: this machine's kernel confines no process. BugError: what came back is no answer.
    """
    prepare(content)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _serve(writing, judge)
    os.close(writing)
    try:
        said = _gather(reading, time.monotonic() + wall_s)
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == _NOT_CONFINED:
        raise DeviceError(
            "This machine's kernel cannot confine the reader of certificates (seccomp filters are missing).",
            "Call central IT; no file of a stranger's is opened without it.",
        )
    if said is None:
        return (_FAULT if code == _FAILED else _ENDED).plain()
    return _read(said)


def _serve(out: int, judge: Callable[[], Verdict]) -> None:
    """What the child does; it never returns."""
    try:
        # What a parser that crashes would print may hold what stands in the file.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        if not enough(confine()):
            os._exit(_NOT_CONFINED)
        try:
            answer: dict[str, object] | None = judge().plain()
        except (MemoryError, RecursionError):
            answer = _ENDED.plain()
        view = memoryview(json.dumps(answer).encode())
        while view:
            view = view[os.write(out, view) :]
    except Exception:  # noqa: BLE001
        # Whatever it says could hold what stands in the file; the other side learns only that it failed.
        os._exit(_FAILED)
    os._exit(0)


def _gather(source: int, deadline: float) -> bytes | None:
    """What it said; None if that is not all, or too much."""
    said = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(source, selectors.EVENT_READ)
        while len(said) <= MAX_ANSWER and selector.select(max(0.0, deadline - time.monotonic())):
            piece = os.read(source, _PIECE)
            if not piece:
                return bytes(said) or None
            said += piece
    return None


def _read(said: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(said)
        word, reasons = Word(answer["verdict"]), answer["reasons"]
    except (ValueError, KeyError, TypeError):
        raise BugError("The reader of certificates gave no answer.", "Start it again; else tell central IT.") from None
    if answer.keys() != _ENDED.plain().keys() or not all(isinstance(each, str) for each in reasons):
        raise BugError("The reader of certificates gave no answer.", "Start it again; else tell central IT.")
    return {**answer, "verdict": word}
