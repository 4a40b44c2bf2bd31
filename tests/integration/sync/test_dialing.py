"""Connecting on loopback: attempts race, names are remembered, a connection made ahead is used."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from sync import dialing
from sync.dialing import Dialer
from sync.standstill import flight_of
from tests.support.centrals import HOST, free_port


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server((HOST, 0), backlog=1) as made:
        yield made


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def full(listener: socket.socket) -> list[socket.socket]:
    """Connections until the listener's kernel lets further ones wait without an answer."""
    waiting = []
    with contextlib.suppress(TimeoutError):
        while True:
            waiting.append(socket.create_connection((HOST, port_of(listener)), timeout=0.2))
    return waiting


def test_whoever_answers_at_once_sees_one_connection(listener: socket.socket) -> None:
    with Dialer().dial(HOST, port_of(listener), ()) as made:
        accepted, peer = listener.accept()
        accepted.close()
        assert peer == made.getsockname()
    listener.settimeout(0.0)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_where_the_first_packets_are_lost_a_later_attempt_wins(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing, "ATTEMPT_EVERY_S", 0.05)
    waiting = full(listener)
    begun = threading.Semaphore(0)
    begin = dialing._Race._begin

    def counted(race: dialing._Race, *rest: object) -> None:
        begin(race, *rest)  # type: ignore[arg-type]
        begun.release()

    monkeypatch.setattr(dialing._Race, "_begin", counted)

    def make_room() -> None:
        begun.acquire()
        begun.acquire()
        for _ in waiting:
            listener.accept()[0].close()

    threading.Thread(target=make_room, daemon=True).start()
    with Dialer().dial(HOST, port_of(listener), ()) as made:
        assert made.getpeername() == listener.getsockname()
    for each in waiting:
        each.close()


def test_nobody_who_answers_is_given_up_after_a_while(listener: socket.socket) -> None:
    waiting = full(listener)
    with pytest.raises(TimeoutError):
        Dialer().dial(HOST, port_of(listener), (), patience_s=0.1)
    for each in waiting:
        each.close()


def test_nobody_who_listens_is_said_at_once() -> None:
    with pytest.raises(ConnectionRefusedError):
        Dialer().dial(HOST, free_port(), ())


def test_a_name_that_led_somewhere_is_followed_while_name_service_is_silent(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialer = Dialer()
    dialer.dial("localhost", port_of(listener), ()).close()
    asked = threading.Event()

    def silent(*_: object, **__: object) -> None:
        asked.set()
        raise socket.gaierror(socket.EAI_AGAIN, "no name service")

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    dialer.dial("localhost", port_of(listener), ()).close()
    # And asked again, for the next time.
    assert asked.wait(30)
    with pytest.raises(socket.gaierror):
        Dialer().dial("localhost", port_of(listener), ())


def test_a_connection_that_was_made_ahead_is_used_once_and_while_it_is_young(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialer = Dialer()
    place = HOST, port_of(listener)
    ahead = dialer.fresh(*place, ())
    dialer.keep(*place, ahead)
    assert dialer.dial(*place, ()) is ahead
    listener.accept()[0].close()
    second = dialer.fresh(*place, ())
    dialer.keep(*place, second)
    monkeypatch.setattr(dialing, "SPARE_LIFE_S", 0.0)
    with dialer.dial(*place, ()) as third:
        assert third is not second
    assert second.fileno() == -1
    ahead.close()


def test_the_kernel_tells_what_of_a_connection_is_confirmed(listener: socket.socket) -> None:
    with Dialer().dial(HOST, port_of(listener), ()) as made, listener.accept()[0] as accepted:
        before = flight_of(made)
        assert before is not None
        made.setblocking(True)
        made.sendall(b"x" * 5000)
        while (after := flight_of(made)) is not None and after.unconfirmed:
            pass
        assert after is not None
        assert after.confirmed == (before.confirmed[0] + 5000, 0)
        assert 0 < after.round_trip_s < 1
        assert accepted.recv(5000)
