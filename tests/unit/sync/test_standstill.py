"""A stream that stands still is given up only when a new connection proves that the link is there."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from sync import standstill
from sync.standstill import STILL_S, Flight, Standstill, raced

STUCK = Flight(5, (1000, 0), 0.3)


def test_nothing_confirmed_for_a_while_is_a_standstill() -> None:
    still = Standstill()
    assert not still.look(STUCK, 10.0)
    assert not still.look(STUCK, 10.0 + STILL_S / 2)
    assert still.look(STUCK, 10.0 + STILL_S)


@pytest.mark.parametrize("moved", [Flight(5, (1001, 0), 0.3), Flight(5, (1000, 1), 0.3), Flight(0, (1000, 0), 0.3)])
def test_a_confirmation_or_an_empty_flight_ends_it(moved: Flight) -> None:
    still = Standstill()
    still.look(STUCK, 0.0)
    assert not still.look(moved, STILL_S)
    assert not still.look(moved, STILL_S + 0.1)


def test_a_long_way_has_more_time() -> None:
    far = Flight(5, (1000, 0), STILL_S)
    still = Standstill()
    still.look(far, 0.0)
    assert not still.look(far, STILL_S)
    assert still.look(far, standstill.STILL_ROUNDS * STILL_S)


def test_where_the_kernel_tells_nothing_nothing_stands_still() -> None:
    still = Standstill()
    still.look(None, 0.0)
    assert not still.look(None, STILL_S)
    here, there = socket.socketpair()
    with here, there:
        assert standstill.flight_of(here) is None


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standstill, "LOOK_S", 0.001)
    monkeypatch.setattr(standstill, "STILL_S", 0.01)
    monkeypatch.setattr(standstill, "STILL_ROUNDS", 0.0)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    here, there = socket.socketpair()
    with here, there:
        yield here, there


@pytest.mark.usefixtures("quick")
def test_a_connection_that_comes_about_meanwhile_takes_its_place(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, peer = pair
    fresh = socket.socket()
    kept: list[socket.socket] = []
    monkeypatch.setattr(standstill, "flight_of", lambda _: STUCK)
    with fresh, raced(lambda: old, lambda: fresh, kept.append):
        peer.settimeout(30)
        assert peer.recv(1) == b""
    assert kept == [fresh]


@pytest.mark.usefixtures("quick")
def test_as_long_as_no_other_gets_through_the_old_one_is_left_alone(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, peer = pair
    tried = threading.Semaphore(0)

    def down() -> socket.socket:
        tried.release()
        raise TimeoutError

    monkeypatch.setattr(standstill, "flight_of", lambda _: STUCK)
    with raced(lambda: old, down, lambda _: None):
        assert all(tried.acquire(timeout=30) for _ in range(3))
    old.send(b"x")
    assert peer.recv(1) == b"x"


@pytest.mark.usefixtures("quick")
def test_one_that_moves_again_meanwhile_goes_on(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, peer = pair
    confirmed = 1000
    closed = threading.Semaphore(0)

    class Fresh(socket.socket):
        def close(self) -> None:
            super().close()
            closed.release()

    def connect() -> socket.socket:
        nonlocal confirmed
        confirmed += 1
        return Fresh()

    monkeypatch.setattr(standstill, "flight_of", lambda _: Flight(5, (confirmed, 0), 0.3))
    kept: list[socket.socket] = []
    with raced(lambda: old, connect, kept.append):
        assert all(closed.acquire(timeout=30) for _ in range(2))
    assert not kept
    old.send(b"x")
    assert peer.recv(1) == b"x"
