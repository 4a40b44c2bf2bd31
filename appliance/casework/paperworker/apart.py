"""Has a paper read in a process of its own, and ends that process whatever happens.

The paper goes in as a file in memory, never on a disk. The process gets no environment, no open file and no power that
it could use; it is killed when it takes too long, says too much, or when whoever asked is interrupted.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from appliance.casework.paperworker.confinement import Held
from appliance.casework.paperworker.limits import DRAWN_PX, MAX_READERS, THUMBNAIL_PX, WALL_S
from appliance.casework.paperworker.message import Answer, BadMessage, Verdict, decode, max_bytes
from appliance.casework.paperworker.serve import NOT_CONFINED
from appliance.journal.errors import BugError, DeviceError

READER: Final = "appliance.casework.paperworker.reading"
_START: Final = "import sys; sys.path += sys.argv[4:]; from appliance.casework.paperworker.serve import main; main()"
_PACKAGES: Final = ("appliance", "PIL", "pypdfium2", "pypdfium2_raw")
_PIECE: Final = 1 << 16
_TOO_LONG: Final = frozenset({signal.SIGXCPU, signal.SIGALRM})

_turns = threading.BoundedSemaphore(MAX_READERS)


def read_apart(
    content: bytes, media_type: str, *, page: int = 0, reader: str = READER, wall_s: float = WALL_S
) -> Answer:
    """What the reader found; how it ended, where it did not answer.

    Args:
        content: the paper.
        media_type: what it is.
        page: the page to be drawn large, from 1; 0 to look at all of it.
        reader: the module that reads.
        wall_s: how long it may take, by the clock.

    Raises:
        DeviceError: no reader could be started and confined on this machine.
    """
    side_px = DRAWN_PX if page else THUMBNAIL_PX
    most = 1 + max_bytes(side_px)
    said, code = _run(content, [reader, media_type, str(page)], wall_s, most)
    _held(said, code)
    if code is None:
        return Answer(Verdict.TOO_LONG if len(said) <= most else Verdict.CRASHED)
    if code == -signal.SIGSYS:
        return Answer(Verdict.FORBIDDEN)
    if -code in _TOO_LONG:
        return Answer(Verdict.TOO_LONG)
    if code == -signal.SIGKILL:
        # Not by us, so by the kernel, which ran out of memory.
        return Answer(Verdict.TOO_MUCH_MEMORY)
    if code != 0:
        return Answer(Verdict.CRASHED)
    try:
        return decode(said[1:], side_px)
    except BadMessage:
        return Answer(Verdict.CRASHED)


def protections() -> Held:
    """What would hold a reader on this machine, found out by starting one.

    Raises:
        DeviceError: none could be started, or not enough holds it.
    """
    return _held(*_run(b"", [READER, "", "0"], WALL_S, 1))


def _held(said: bytes, code: int | None) -> Held:
    if not said:
        raise DeviceError(
            "The reader of papers does not start on this machine.", "Call central IT; it is not the file."
        )
    if code == NOT_CONFINED:
        raise DeviceError(
            "This machine's kernel cannot confine the reader of papers (seccomp filters are missing).",
            "Call central IT; no paper is opened without it.",
        )
    return Held(said[0] & sum(Held))


def _run(content: bytes, words: list[str], wall_s: float, most: int) -> tuple[bytes, int | None]:
    """What a reader said, and its exit code: negative for a signal, None if it took too long or said too much."""
    with _turns, _in_memory(content) as paper, _started(words, paper) as process:
        deadline = time.monotonic() + wall_s
        said, to_the_end = _gather(process, deadline, most)
        if not to_the_end:
            return said, None
        try:
            return said, process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return said, None


def _gather(process: subprocess.Popen[bytes], deadline: float, most: int) -> tuple[bytes, bool]:
    """What it says, and whether that was all: not if time ran out, or if it said more than that many bytes."""
    said = bytearray()
    if process.stdout is None:
        raise BugError("The reader of papers was started without a pipe.")
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while len(said) <= most and selector.select(max(0.0, deadline - time.monotonic())):
            piece = os.read(process.stdout.fileno(), _PIECE)
            if not piece:
                return bytes(said), True
            said += piece
    return bytes(said), False


@contextlib.contextmanager
def _in_memory(content: bytes) -> Iterator[int]:
    paper = os.memfd_create("paper")
    try:
        with os.fdopen(paper, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(paper, 0, os.SEEK_SET)
        yield paper
    finally:
        os.close(paper)


@contextlib.contextmanager
def _started(words: list[str], paper: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", _START, *words, *_places()]
    try:
        process = subprocess.Popen(
            command,
            stdin=paper,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,
        )
    except OSError as error:
        raise DeviceError(
            f"The reader of papers cannot be started ({error.strerror}).", "Close what is not needed, and try again."
        ) from error
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@functools.cache
def _places() -> tuple[str, ...]:
    """The folders that hold what the reader imports, and no others."""
    specs = [importlib.util.find_spec(name) for name in _PACKAGES]
    found = [str(Path(spec.origin).parent.parent) for spec in specs if spec is not None and spec.origin]
    return tuple(dict.fromkeys(found))
