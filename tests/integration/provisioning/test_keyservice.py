"""The store key over a Unix socket: only for whom it is meant, and however the others behave."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.journal.errors import BugError, OperatorError
from provisioning.harden import harden
from provisioning.keyservice import (
    CENTRAL_SOCKET,
    KEY_SIZE,
    MAX_CONNECTIONS,
    NODE_SOCKET,
    REQUEST,
    AlreadyRunning,
    KeyService,
    NoAnswer,
    ask_key,
    is_running,
)

KEY = bytes(range(32))
NOBODY = 65_534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as a second user")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    place.mkdir(mode=0o700)
    return place


@pytest.fixture
def service(home: Path) -> Iterator[KeyService]:
    with KeyService(home, NODE_SOCKET, KEY) as running:
        yield running


def client(home: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(str(home / NODE_SOCKET))
    connection.settimeout(10)
    return connection


def answer_to(home: Path, said: bytes) -> bytes:
    with client(home) as connection:
        connection.sendall(said)
        return connection.recv(100)


def as_user(uid: int, act: Callable[[], int]) -> int:
    """Does something in a child process that is another user; answers its exit status."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads: the child only makes system calls
        child = os.fork()
    if child == 0:
        status = 99
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            status = act()
        except BaseException:  # noqa: BLE001 (nothing of the child may run on in pytest)
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def open_to_all(home: Path) -> None:
    """Takes the file permissions away that would stop another user before the service sees it."""
    for place in (*list(home.parents)[:3], home):
        if place.stat().st_uid == os.geteuid():
            place.chmod(0o755)
    (home / NODE_SOCKET).chmod(0o777)


def test_a_local_process_gets_the_key(home: Path, service: KeyService) -> None:
    code = (
        "import sys; from pathlib import Path; from provisioning.keyservice import *\n"
        "print(ask_key(Path(sys.argv[1]), NODE_SOCKET).hex())"
    )
    done = subprocess.run([sys.executable, "-c", code, str(home)], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == KEY.hex()


def test_many_processes_ask_at_once(home: Path, service: KeyService) -> None:
    got: list[bytes | None] = []
    asking = [threading.Thread(target=lambda: got.append(ask_key(home, NODE_SOCKET))) for _ in range(50)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert got == [KEY] * 50


def test_where_no_service_runs_there_is_no_key(home: Path) -> None:
    assert ask_key(home, NODE_SOCKET) is None
    assert ask_key(home / "not there", NODE_SOCKET) is None
    assert not is_running(home, NODE_SOCKET)


def test_the_socket_is_the_owners_alone_whatever_the_umask(home: Path) -> None:
    before = os.umask(0)
    try:
        with KeyService(home, NODE_SOCKET, KEY):
            mode = (home / NODE_SOCKET).stat().st_mode
            assert stat.S_ISSOCK(mode)
            assert stat.S_IMODE(mode) == 0o600
    finally:
        os.umask(before)


def test_a_stopped_service_leaves_no_socket_and_no_thread(home: Path) -> None:
    threads = threading.active_count()
    with KeyService(home, NODE_SOCKET, KEY):
        assert is_running(home, NODE_SOCKET)
        held = client(home)
        assert ask_key(home, NODE_SOCKET) == KEY
    assert held.recv(1) == b""
    held.close()
    assert list(home.iterdir()) == []
    assert threading.active_count() == threads


def test_a_second_service_for_the_same_home_is_refused(home: Path, service: KeyService) -> None:
    with pytest.raises(AlreadyRunning, match="already running"), KeyService(home, NODE_SOCKET, bytes(32)):
        pass
    assert ask_key(home, NODE_SOCKET) == KEY
    with KeyService(home, CENTRAL_SOCKET, bytes(32)):
        assert ask_key(home, CENTRAL_SOCKET) == bytes(32)


def test_the_socket_of_a_killed_service_is_replaced(home: Path) -> None:
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(home / NODE_SOCKET))
    left.close()
    assert ask_key(home, NODE_SOCKET) is None
    with KeyService(home, NODE_SOCKET, KEY):
        assert ask_key(home, NODE_SOCKET) == KEY


def test_of_several_that_start_at_once_over_a_dead_socket_exactly_one_runs(home: Path) -> None:
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(home / NODE_SOCKET))
    left.close()
    code = (
        "import sys; from pathlib import Path; from provisioning.keyservice import *\n"
        "sys.stdin.readline()\n"
        "try:\n"
        "    with KeyService(Path(sys.argv[1]), NODE_SOCKET, bytes(32)):\n"
        "        print('runs', flush=True)\n"
        "        sys.stdin.readline()\n"
        "except AlreadyRunning:\n"
        "    print('refused', flush=True)\n"
    )
    command = [sys.executable, "-c", code, str(home)]
    children = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = []
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        assert child.stdout is not None
        said.append(child.stdout.readline().strip())
    for child in children:
        child.communicate("stop\n")
    assert sorted(said) == ["refused", "refused", "refused", "runs"]


def test_a_file_in_the_place_of_the_socket_is_not_removed(home: Path) -> None:
    (home / NODE_SOCKET).write_text("somebody's notes")
    with pytest.raises(OperatorError, match="something else stands"), KeyService(home, NODE_SOCKET, KEY):
        pass
    assert (home / NODE_SOCKET).read_text() == "somebody's notes"


def test_a_service_does_not_remove_the_socket_of_its_successor(home: Path) -> None:
    with KeyService(home, NODE_SOCKET, KEY):
        (home / NODE_SOCKET).unlink()
        successor = KeyService(home, NODE_SOCKET, bytes(32))
        successor.__enter__()
    assert ask_key(home, NODE_SOCKET) == bytes(32)
    successor.__exit__(None, None, None)


def test_a_path_longer_than_a_socket_address_works(tmp_path: Path) -> None:
    home = tmp_path.joinpath(*["a folder with a long name, as people make them"] * 4)
    home.mkdir(parents=True)
    assert len(str(home / NODE_SOCKET)) > 108
    with KeyService(home, NODE_SOCKET, KEY):
        assert ask_key(home, NODE_SOCKET) == KEY


def test_a_folder_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with (
        pytest.raises(OperatorError, match=r"node\.sock cannot be made"),
        KeyService(tmp_path / "none", NODE_SOCKET, KEY),
    ):
        pass


def test_a_key_of_another_size_is_our_bug(home: Path) -> None:
    with pytest.raises(BugError):
        KeyService(home, NODE_SOCKET, b"short")


# Clients that do not behave.


@pytest.mark.parametrize(
    "said",
    [
        b"\n",
        b"GET / HTTP/1.1\r\n\r\n",
        REQUEST.upper(),
        REQUEST + b"x",
        REQUEST * 2,
        b"\x00" * 1000,
        b"x" * 100_000,
    ],
)
def test_garbage_gets_no_key_and_hurts_nobody(home: Path, service: KeyService, said: bytes) -> None:
    try:
        answer = answer_to(home, said)
    except ConnectionError:  # closed with bytes unread
        answer = b""
    assert answer == b""
    assert ask_key(home, NODE_SOCKET) == KEY


def test_a_request_in_pieces_is_answered(home: Path, service: KeyService) -> None:
    with client(home) as connection:
        for place in range(len(REQUEST)):
            connection.sendall(REQUEST[place : place + 1])
        assert connection.recv(100) == KEY


def test_a_client_that_leaves_before_its_answer_hurts_nobody(home: Path, service: KeyService) -> None:
    for _ in range(3 * MAX_CONNECTIONS):
        with client(home) as connection:
            connection.sendall(REQUEST)
    assert ask_key(home, NODE_SOCKET) == KEY


def test_a_silent_client_is_shown_out_when_its_time_is_up(home: Path) -> None:
    with KeyService(home, NODE_SOCKET, KEY, patience_s=0.05), client(home) as connection:
        assert connection.recv(100) == b""


def test_a_client_that_drips_does_not_get_more_time(home: Path) -> None:
    """Its time runs from when it came; hearing a byte does not start it anew."""
    now_s = 0.0
    with KeyService(home, NODE_SOCKET, KEY, patience_s=10, clock=lambda: now_s), client(home) as connection:
        connection.sendall(REQUEST[:1])
        assert ask_key(home, NODE_SOCKET) == KEY
        now_s = 9.9
        connection.sendall(REQUEST[1:2])
        assert ask_key(home, NODE_SOCKET) == KEY
        now_s = 10.0
        assert ask_key(home, NODE_SOCKET) == KEY
        assert connection.recv(100) == b""


def test_silent_clients_on_every_place_only_delay_the_others(home: Path) -> None:
    with KeyService(home, NODE_SOCKET, KEY, patience_s=0.2):
        silent = [client(home) for _ in range(MAX_CONNECTIONS)]
        assert ask_key(home, NODE_SOCKET) == KEY
        for each in silent:
            each.close()


def test_there_are_never_more_clients_inside_than_places(home: Path) -> None:
    with KeyService(home, NODE_SOCKET, KEY, patience_s=60) as service:
        silent = [client(home) for _ in range(MAX_CONNECTIONS)]
        with client(home) as waiting:
            waiting.sendall(REQUEST)
            waiting.settimeout(0.1)
            with pytest.raises(TimeoutError):
                waiting.recv(100)
            assert len(service._clients) == MAX_CONNECTIONS
            silent.pop().close()
            waiting.settimeout(10)
            assert waiting.recv(100) == KEY
        for each in silent:
            each.close()


# Other users.


@as_root
def test_another_user_cannot_even_connect(home: Path, service: KeyService) -> None:
    for place in (*list(home.parents)[:3], home):
        if place.stat().st_uid == 0:
            place.chmod(0o755)

    def connect() -> int:
        try:
            client(home)
        except PermissionError:
            return 13
        return 0

    assert as_user(NOBODY, connect) == 13


@as_root
def test_another_user_gets_no_key_even_if_the_socket_is_open_to_all(home: Path, service: KeyService) -> None:
    open_to_all(home)

    def ask() -> int:
        connection = client(home)
        try:
            connection.sendall(REQUEST)
            return len(connection.recv(100))
        except (BrokenPipeError, ConnectionResetError):
            return 0

    assert as_user(NOBODY, ask) == 0
    assert as_user(0, ask) == KEY_SIZE


@as_root
def test_a_user_who_is_refused_is_told(home: Path, service: KeyService) -> None:
    open_to_all(home)

    def ask() -> int:
        try:
            ask_key(home, NODE_SOCKET)
        except NoAnswer as error:
            return 1 if "same user" in error.next_step else 2
        return 0

    assert as_user(NOBODY, ask) == 1


@as_root
def test_a_service_that_another_user_put_there_is_not_believed(home: Path) -> None:
    for place in list(home.parents)[:3]:
        if place.stat().st_uid == 0:
            place.chmod(0o755)
    home.chmod(0o777)
    ready, tell = os.pipe()
    over, end = os.pipe()

    def impersonate() -> int:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(home / NODE_SOCKET))
        (home / NODE_SOCKET).chmod(0o777)
        listener.listen()
        os.write(tell, b"x")
        os.close(end)
        os.read(over, 1)
        return 0

    impostor = threading.Thread(target=as_user, args=(NOBODY, impersonate))
    impostor.start()
    os.read(ready, 1)
    with pytest.raises(NoAnswer, match="belongs to another user"):
        ask_key(home, NODE_SOCKET)
    os.write(end, b"x")
    impostor.join()
    for each in (ready, tell, over, end):
        os.close(each)


@as_root
def test_root_believes_and_is_answered_by_the_owner_of_the_home(home: Path) -> None:
    for place in list(home.parents)[:3]:
        if place.stat().st_uid == 0:
            place.chmod(0o755)
    os.chown(home, NOBODY, NOBODY)
    ready, tell = os.pipe()
    over, end = os.pipe()

    def serve() -> int:
        with KeyService(home, NODE_SOCKET, KEY):
            os.write(tell, b"x")
            os.read(over, 1)
        return 0

    owner = threading.Thread(target=as_user, args=(NOBODY, serve))
    owner.start()
    os.read(ready, 1)
    assert ask_key(home, NODE_SOCKET) == KEY
    os.write(end, b"x")
    owner.join()
    for each in (ready, tell, over, end):
        os.close(each)


# Services that do not behave.


@pytest.mark.parametrize("said", [b"", b"short", KEY + b"x", b"x" * 1000])
def test_an_answer_that_is_no_key_is_refused_in_words(home: Path, said: bytes) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(home / NODE_SOCKET))
    listener.listen()

    def babble() -> None:
        connection, _ = listener.accept()
        connection.recv(100)
        connection.sendall(said)
        connection.close()

    babbling = threading.Thread(target=babble)
    babbling.start()
    with pytest.raises(NoAnswer, match="does not hand out its key"):
        ask_key(home, NODE_SOCKET)
    babbling.join()
    listener.close()


def test_a_service_that_hangs_is_given_up(home: Path) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(home / NODE_SOCKET))
    listener.listen()
    with pytest.raises(NoAnswer):
        ask_key(home, NODE_SOCKET, patience_s=0.05)
    assert is_running(home, NODE_SOCKET)
    listener.close()


def test_a_hardened_process_can_serve_and_ask(home: Path) -> None:
    """PR_SET_DUMPABLE makes /proc/self belong to root, and the address goes through /proc/self/fd."""

    def both() -> int:
        harden()
        with KeyService(home, NODE_SOCKET, KEY):
            return 0 if ask_key(home, NODE_SOCKET) == KEY else 1

    if os.geteuid() == 0:
        for place in list(home.parents)[:3]:
            place.chmod(0o755)
        os.chown(home, NOBODY, NOBODY)
    assert as_user(NOBODY if os.geteuid() == 0 else os.geteuid(), both) == 0
