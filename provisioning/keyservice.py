"""The store key on a Unix socket: one process unlocks a home, and hands the key to the others on this machine.

The socket lies in the home with mode 0600. The kernel says who is at the other end (SO_PEERCRED, unix(7)): the service
answers only its own user and root, and a client believes only the owner of the home and root.

Guarantees: no other user gets the key through it, and a silent or babbling client holds one of a bounded number of
places for a bounded time. It does not keep the key from other programs of the same user, who could read the memory of
this process anyway; nor from root.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import socket
import stat
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from appliance.journal.errors import BugError, OperatorError

NODE_SOCKET = "node.sock"
CENTRAL_SOCKET = "central.sock"
KEY_SIZE = 32
REQUEST = b"sanad store key 1\n"
MAX_CONNECTIONS = 16
SERVICE_PATIENCE_S = 2.0
CLIENT_PATIENCE_S = 5.0

_TIMEVAL = struct.Struct("ll")  # struct timeval: seconds, microseconds
_CREDENTIALS = struct.Struct("iII")  # struct ucred: pid, uid, gid


class AlreadyRunning(OperatorError):
    """Another service answers for this home."""

    def __init__(self) -> None:
        super().__init__("Sanad is already running for this home.", "Use it, or stop it first.")


class NoAnswer(OperatorError):
    """Something is there, but it does not hand out the key."""


@dataclass(slots=True)
class _Client:
    connection: socket.socket
    until_s: float
    heard: bytes = b""


class KeyService:
    """Answers for one home, in a thread, from `with` to the end of the block.

    Args:
        home: the home; it must exist.
        name: NODE_SOCKET or CENTRAL_SOCKET.
        key: the 32-byte store key.
        patience_s: how long a client may take for its request.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        home: Path,
        name: str,
        key: bytes,
        *,
        patience_s: float = SERVICE_PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if len(key) != KEY_SIZE:
            raise BugError(f"A store key has {KEY_SIZE} bytes.")
        self._home = home
        self._name = name
        self._key = key
        self._patience_s = patience_s
        self._clock = clock
        self._clients: list[_Client] = []
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> KeyService:
        """Starts answering.

        Raises:
            AlreadyRunning: another service answers there.
            OperatorError: the socket cannot be made.
        """
        with contextlib.ExitStack() as opened:
            self._selector = opened.enter_context(selectors.DefaultSelector())
            self._listener = opened.enter_context(_listening(self._home, self._name))
            wake, waker = (opened.enter_context(each) for each in socket.socketpair())
            self._selector.register(self._listener, selectors.EVENT_READ)
            self._selector.register(wake, selectors.EVENT_READ)
            thread = threading.Thread(target=self._serve, args=(wake,), name="key service", daemon=True)
            thread.start()
            opened.callback(thread.join)
            opened.callback(waker.send, b"stop")
            self._closing = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops answering, waits for the thread, and removes the socket."""
        self._closing.close()

    def _serve(self, wake: socket.socket) -> None:
        while True:
            ready = [event.fileobj for event, _ in self._selector.select(self._wait_s())]
            if wake in ready:
                break
            for client in [each for each in self._clients if each.connection in ready]:
                self._hear(client)
            if self._listener in ready:
                self._accept()
            now_s = self._clock()
            for late in [each for each in self._clients if each.until_s <= now_s]:
                self._drop(late)
        for client in list(self._clients):
            self._drop(client)

    def _wait_s(self) -> float | None:
        """Until the first client's time is up."""
        if not self._clients:
            return None
        return max(0.0, min(client.until_s for client in self._clients) - self._clock())

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # the client has gone again
            return
        if _peer_uid(connection) not in (0, os.geteuid()):
            connection.close()
            return
        connection.setblocking(False)
        self._clients.append(_Client(connection, self._clock() + self._patience_s))
        self._selector.register(connection, selectors.EVENT_READ)
        if len(self._clients) == MAX_CONNECTIONS:
            self._selector.unregister(self._listener)

    def _hear(self, client: _Client) -> None:
        try:
            heard = client.connection.recv(len(REQUEST) + 1)
            client.heard += heard
            if client.heard == REQUEST:
                client.connection.send(self._key)
            elif heard and REQUEST.startswith(client.heard):
                return
        except OSError:
            pass  # whatever went wrong, this client is done
        self._drop(client)

    def _drop(self, client: _Client) -> None:
        if len(self._clients) == MAX_CONNECTIONS:
            self._selector.register(self._listener, selectors.EVENT_READ)
        self._clients.remove(client)
        self._selector.unregister(client.connection)
        client.connection.close()


def ask_key(home: Path, name: str, *, patience_s: float = CLIENT_PATIENCE_S) -> bytes | None:
    """The store key from the service of a home; None when none is running.

    Args:
        home: the home.
        name: NODE_SOCKET or CENTRAL_SOCKET.
        patience_s: how long each step of the talk may take.

    Raises:
        NoAnswer: the service is silent, refuses this user, or is not one that this user may believe.
    """
    with contextlib.ExitStack() as opened:
        try:
            folder = opened.enter_context(_folder(home))
            connection = opened.enter_context(_connected(folder, name, patience_s))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except OSError as error:
            raise _no_answer() from error
        if _peer_uid(connection) not in (0, os.fstat(folder).st_uid):
            raise NoAnswer(
                f"The program that answers at {name} belongs to another user.",
                "Do not go on; ask who uses this machine, and tell central IT.",
            )
        try:
            connection.sendall(REQUEST)
            key = b""
            while len(key) <= KEY_SIZE and (piece := connection.recv(KEY_SIZE + 1)):
                key += piece
        except OSError as error:
            raise _no_answer() from error
    if len(key) != KEY_SIZE:
        raise _no_answer()
    return key


def is_running(home: Path, name: str) -> bool:
    """Whether a service listens for this home."""
    try:
        with _folder(home) as folder, _connected(folder, name, CLIENT_PATIENCE_S):
            return True
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    except OSError:
        return True  # a full queue, or one that this user may not reach: somebody listens


def _no_answer() -> NoAnswer:
    return NoAnswer(
        "The Sanad service of this home does not hand out its key.",
        "Run this as the same user as `sanad node`, or restart the service.",
    )


@contextlib.contextmanager
def _listening(home: Path, name: str) -> Iterator[socket.socket]:
    with contextlib.ExitStack() as opened:
        try:
            folder = opened.enter_context(_folder(home))
            listener = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
            # Linux gives the file the mode of the socket, so that it is never open to others, whatever the umask.
            os.fchmod(listener.fileno(), 0o600)
            fcntl.flock(folder, fcntl.LOCK_EX)
            _clear_stale(home, name, folder)
            listener.bind(_address(folder, name))
            listener.listen(MAX_CONNECTIONS)
            fcntl.flock(folder, fcntl.LOCK_UN)
            mine = os.stat(name, dir_fd=folder).st_ino
        except OSError as error:
            raise OperatorError(
                f"The socket {name} cannot be made in {home}.", "Check that the folder exists and may be written."
            ) from error
        yield listener
        with contextlib.suppress(OSError):
            if os.stat(name, dir_fd=folder).st_ino == mine:
                os.unlink(name, dir_fd=folder)


def _clear_stale(home: Path, name: str, folder: int) -> None:
    """Removes the socket of a service that was killed; called under the lock, so nobody is just starting."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OperatorError(f"In {home} something else stands in the place of {name}.", "Look at it, and move it away.")
    if is_running(home, name):
        raise AlreadyRunning
    os.unlink(name, dir_fd=folder)


@contextlib.contextmanager
def _connected(folder: int, name: str, patience_s: float) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        # The kernel's own time limits: with Python's, a connect to a full queue fails at once instead of waiting.
        limit = _TIMEVAL.pack(int(patience_s), int(patience_s % 1 * 1_000_000))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        connection.connect(_address(folder, name))
        yield connection


@contextlib.contextmanager
def _folder(home: Path) -> Iterator[int]:
    descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _address(folder: int, name: str) -> str:
    """A way to the socket that is short enough for sockaddr_un (107 bytes), however long the home's path is."""
    return f"/proc/self/fd/{folder}/{name}"


def _peer_uid(connection: socket.socket) -> int:
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(raw)[1])
