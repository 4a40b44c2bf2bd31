"""Answer a program's system calls on a device node from here, by seccomp's user notification (seccomp_unotify(2)).

Below every library, also those that call the kernel themselves and so cannot be caught by a preloaded one. The program
opens `/dev/video…`; it is given a file in memory in its place, which it can map, and each V4L2 ioctl is answered by a
model. All other calls go on to the kernel.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import socket
import struct
import threading
import traceback
from typing import Any

SET_NO_NEW_PRIVS = 38
MODE_FILTER, NEW_LISTENER = 1, 8
LOAD, JUMP_EQUAL, AND, RETURN = 0x20, 0x15, 0x54, 0x06
ALLOW, NOTIFY = 0x7FFF0000, 0x7FC00000
RECEIVE, SEND, ADD_FILE = 0xC0502100, 0xC0182101, 0x40182103
CONTINUE, SEND_AT_ONCE = 1, 2
MACHINES = {
    "x86_64": {"arch": 0xC000003E, "open": 2, "openat": 257, "ioctl": 16, "seccomp": 317},
    "aarch64": {"arch": 0xC00000B7, "open": -1, "openat": 56, "ioctl": 29, "seccomp": 277},
}
NUMBERS = MACHINES[platform.machine()]


class NeverReturns(Exception):
    """Raised by a model: the call stays in the kernel until the program is killed."""


def _program() -> bytes:
    """Notify of open, openat, and of ioctls whose type is `V`; allow the rest."""
    rows = [
        (LOAD, 0, 0, 4), (JUMP_EQUAL, 0, 7, NUMBERS["arch"]),
        (LOAD, 0, 0, 0), (JUMP_EQUAL, 6, 0, NUMBERS["openat"]), (JUMP_EQUAL, 5, 0, NUMBERS["open"] & 0xFFFFFFFF),
        (JUMP_EQUAL, 0, 3, NUMBERS["ioctl"]), (LOAD, 0, 0, 24), (AND, 0, 0, 0xFF00), (JUMP_EQUAL, 1, 0, ord("V") << 8),
        (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, NOTIFY),
    ]  # fmt: skip
    return b"".join(struct.pack("=HBBI", *row) for row in rows)


class Call:
    """A system call that waits for its answer."""

    def __init__(self, listener: int, notice: bytearray) -> None:
        self._listener = listener
        self._id, self.process, _ = struct.unpack_from("=QII", notice)
        self.number, _, _, *self.arguments = struct.unpack_from("=iIQ6Q", notice, 16)

    def complete(self, result: int) -> None:
        """Let it return; negative is an error number."""
        self._send(SEND, struct.pack("=QqiI", self._id, max(result, 0), min(result, 0), 0))

    def go_on(self) -> None:
        """Let the kernel do it."""
        self._send(SEND, struct.pack("=QqiI", self._id, 0, 0, CONTINUE))

    def open(self, file: int, flags: int) -> None:
        """Let it return a file of ours."""
        self._send(ADD_FILE, struct.pack("=QIIII", self._id, SEND_AT_ONCE, file, 0, flags & os.O_CLOEXEC))

    def _send(self, request: int, data: bytes) -> None:
        try:
            fcntl.ioctl(self._listener, request, data)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ESRCH):  # the caller may have been killed meanwhile
                raise


class Supervisor:
    """Serves models by node name (`video0`). Give `install` to the child as its `preexec_fn`."""

    def __init__(self) -> None:
        self.models: dict[str, Any] = {}
        self._here, self._there = socket.socketpair()
        self._code = ctypes.create_string_buffer(_program())
        self._libc: Any = ctypes.CDLL(None, use_errno=True)
        threading.Thread(target=self._serve, daemon=True).start()

    def install(self) -> None:
        """In the child, before it runs its program."""
        filters = struct.pack("=H6xQ", (len(self._code) - 1) // 8, ctypes.addressof(self._code))
        self._libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        listener = self._libc.syscall(NUMBERS["seccomp"], MODE_FILTER, NEW_LISTENER, filters)
        if listener < 0:
            raise OSError(ctypes.get_errno(), "seccomp")
        self._there.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("=i", listener))])
        os.close(listener)

    def _serve(self) -> None:
        _, ancillary, _, _ = self._here.recvmsg(1, socket.CMSG_SPACE(4))
        (listener,) = struct.unpack("=i", ancillary[0][2][:4])
        while True:
            notice = bytearray(80)
            try:
                fcntl.ioctl(listener, RECEIVE, notice)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.ENOENT):
                    continue
                return
            call = Call(listener, notice)
            try:
                self._answer(call)
            except NeverReturns:
                continue
            except Exception:  # noqa: BLE001 -- whatever a model does wrong must reach the test's output, not hang it
                traceback.print_exc()
                call.complete(-errno.EIO)

    def _answer(self, call: Call) -> None:
        with open(f"/proc/{call.process}/mem", "r+b", buffering=0) as memory:  # noqa: PTH123
            if call.number != NUMBERS["ioctl"]:
                at, flags = call.arguments[1:3] if call.number == NUMBERS["openat"] else call.arguments[:2]
                model = self.models.get(_text(memory, at).rpartition("/")[2])
                if model is None:
                    call.go_on()
                elif not model.plugged:
                    call.complete(-errno.ENOENT)
                else:
                    call.open(model.memory(), flags)
                return
            model = self._model_of(call.process, call.arguments[0])
            if model is None:
                call.go_on()
                return
            request = call.arguments[1] & 0xFFFFFFFF
            memory.seek(call.arguments[2])
            data = bytearray(memory.read(request >> 16 & 0x3FFF))
            result = model.ioctl(request & 0xFF, data)
            if result >= 0:
                memory.seek(call.arguments[2])
                memory.write(data)
            call.complete(result)

    def _model_of(self, process: int, file: int) -> Any:
        """The model whose file in memory this is; it may have been passed on under another number."""
        place = os.stat(f"/proc/{process}/fd/{file}")  # noqa: PTH116
        return next((m for m in self.models.values() if m.place() == (place.st_dev, place.st_ino)), None)


def _text(memory: Any, at: int) -> str:
    memory.seek(at)
    data = b""
    while b"\0" not in data and len(data) < 4096:
        try:
            piece = memory.read(256 - (at + len(data)) % 256)
        except OSError:
            break
        data += piece
        if not piece:
            break
    return data.split(b"\0")[0].decode("utf-8", "replace")
