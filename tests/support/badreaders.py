"""Readers of papers that were taken over: what the paper says, they do. Run in the confined process in ours' place.

What a deed needs is loaded before, as a hostile file could bring it along. A deed that succeeds ends with exit code 0
and without an answer; `SAID` finds out which errors were given instead.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from appliance.casework.paperworker.limits import MEMORY_BYTES, THUMBNAIL_PX
from appliance.casework.paperworker.message import MAX_MESSAGE_BYTES, Answer, Pixels, Verdict

libc = ctypes.CDLL(None, use_errno=True)


def read(content: bytes, media_type: str) -> Answer:
    """Do the deed that the paper names."""
    name, _, word = content.decode().removeprefix("%PDF-").partition(" ")
    answer: Answer | None = DEEDS[name](word)
    if answer is None:
        os._exit(0)
    return answer


def honest(_: str) -> Answer:
    return Answer(Verdict.SHOWN, 1, thumbnail=Pixels(1, 1, b"abc"))


def refused(error: int) -> Answer:
    """Tells which error was given: it stands where the number of pages stands."""
    return Answer(Verdict.PAGE_BROKEN, error)


def attempt(deed: Callable[[], object]) -> Answer | None:
    try:
        deed()
    except OSError as error:
        return refused(error.errno or 0)
    return None


def internet(_: str) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(("127.0.0.1", 9))


def unix(word: str) -> None:
    socket.socket(socket.AF_UNIX).connect(word)


def execute(_: str) -> None:
    os.execv("/bin/true", ["true"])


def fork_bomb(_: str) -> None:
    while True:
        os.fork()


def thread(_: str) -> None:
    import _thread

    _thread.start_new_thread(print, ())


def trace(word: str) -> None:
    libc.ptrace(16, int(word), 0, 0)


def kill(word: str) -> None:
    os.kill(int(word), signal.SIGKILL)


def peek(word: str) -> None:
    libc.process_vm_readv(int(word), 0, 0, 0, 0, 0)


def namespace(_: str) -> None:
    libc.unshare(0x10000000)


def run_bytes(_: str) -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)


def other_convention(_: str) -> None:
    libc.syscall(ctypes.c_long(0x40000000 | 39))


def spin(_: str) -> None:
    while True:
        pass


def wait(_: str) -> None:
    while True:
        os.read(0, 1)
        signal.pthread_sigmask(signal.SIG_BLOCK, ())


def hang(_: str) -> None:
    futex = ctypes.c_int(0)
    while True:
        libc.syscall(ctypes.c_long(202), ctypes.byref(futex), 0, 0, None)


def ignore_alarms(_: str) -> Answer | None:
    return attempt(lambda: signal.signal(signal.SIGXCPU, signal.SIG_IGN))


def write(word: str) -> Answer | None:
    return attempt(lambda: Path(word).write_bytes(b"x"))


def look(word: str) -> Answer | None:
    return attempt(lambda: Path(word).read_bytes())


def list_folder(word: str) -> Answer | None:
    return attempt(lambda: list(Path(word).iterdir()))


def remove(word: str) -> Answer | None:
    return attempt(Path(word).unlink)


def grow(_: str) -> Answer | None:
    """Make the paper itself larger: it is a file in memory."""
    try:
        os.lseek(0, 0, os.SEEK_END)
        os.write(0, bytes(1 << 20))
    except OSError as error:
        return refused(error.errno or 0)
    return None


def allocate(_: str) -> Answer:
    return Answer(Verdict.SHOWN, len(bytearray(4 * 1024**3)))


def nibble(_: str) -> Answer:
    taken = []
    while True:
        taken.append(bytearray(MEMORY_BYTES // 64))


def crash(_: str) -> None:
    ctypes.string_at(0)


def abort(_: str) -> None:
    os.abort()


def recurse(_: str) -> Answer:
    return recurse(_)


def babble(_: str) -> None:
    while True:
        os.write(1, bytes(1 << 16))


def say(word: str) -> None:
    os.write(1, bytes.fromhex(word))


def most(_: str) -> Answer:
    side = THUMBNAIL_PX
    return Answer(Verdict.SHOWN, 1, thumbnail=Pixels(side, side, bytes(MAX_MESSAGE_BYTES)[: 3 * side * side]))


def close_and_hang(_: str) -> None:
    os.close(1)
    hang(_)


def fail(_: str) -> Answer:
    raise KeyError("what stands on the paper")


def environment(_: str) -> Answer:
    return Answer(Verdict.PAGE_BROKEN, len(os.environ))


def open_files(_: str) -> Answer:
    return Answer(Verdict.PAGE_BROKEN, sum(is_open(number) for number in range(100)))


def is_open(number: int) -> bool:
    try:
        os.lseek(number, 0, os.SEEK_CUR)
    except OSError as error:
        return error.errno != errno.EBADF
    return True


DEEDS: dict[str, Callable[[str], Answer | None]] = {
    name: deed
    for name, deed in list(globals().items())
    if callable(deed) and name not in ("read", "refused", "attempt")
}
