"""What a connection carried is counted both ways, with headers, and each byte once."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from sync.meter import IPV4_HEADER, TCP_HEADER, Meter, carried_by

SENT, RECEIVED = 10_000, 5_000
HEADER = IPV4_HEADER + TCP_HEADER

Pair = tuple[socket.socket, socket.socket]


def connected() -> Pair:
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    return near, far


@pytest.fixture
def pair() -> Iterator[Pair]:
    near, far = connected()
    with near, far:
        yield near, far


def give(giver: socket.socket, taker: socket.socket, count: int) -> None:
    giver.sendall(bytes(count))
    while count:
        count -= len(taker.recv(count))


def test_both_ways_count_and_so_do_headers(pair: Pair) -> None:
    near, far = pair
    give(near, far, SENT)
    give(far, near, RECEIVED)
    # Three packets of the beginning, and at the least one for each way.
    assert SENT + RECEIVED + 4 * HEADER <= carried_by(near) <= SENT + RECEIVED + 20 * HEADER


def test_each_byte_is_told_once_and_a_new_connection_begins_at_nothing(pair: Pair) -> None:
    told: list[int] = []
    meter = Meter(told.append)
    meter.count()
    assert told == []
    meter.begin(pair[0])
    give(*pair, SENT)
    meter.count()
    give(*pair, SENT)
    meter.count()
    meter.count()
    assert 2 * SENT < sum(told) < 2 * SENT + 20 * HEADER
    near, far = connected()
    with near, far:
        meter.begin(near)
        give(near, far, SENT)
        meter.count()
    assert 3 * SENT < sum(told) < 3 * SENT + 40 * HEADER


def test_a_closed_connection_and_one_that_is_none_of_tcp_count_nothing(pair: Pair) -> None:
    pair[0].close()
    assert carried_by(pair[0]) == 0
    near, far = socket.socketpair()
    with near, far:
        assert carried_by(near) == 0
