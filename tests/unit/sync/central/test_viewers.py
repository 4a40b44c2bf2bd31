"""How often passwords may be tried."""

from __future__ import annotations

import pytest

from sync.central.viewers import ALL_TRIES, MAX_ADDRESSES, TRIES, TRIES_S, TooManyTries, Tries


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_an_address_waits_after_so_many_tries_and_others_do_not() -> None:
    clock = Clock()
    tries = Tries(clock)
    for _ in range(TRIES):
        tries.count("192.0.2.1")
    with pytest.raises(TooManyTries):
        tries.count("192.0.2.1")
    tries.count("192.0.2.2")
    clock.now_s = TRIES_S + 1
    tries.count("192.0.2.1")


def test_all_addresses_together_wait_too() -> None:
    tries = Tries(Clock())
    for place in range(ALL_TRIES):
        tries.count(f"192.0.2.{place}")
    with pytest.raises(TooManyTries):
        tries.count("198.51.100.1")


def test_whoever_knew_the_password_has_tried_nothing() -> None:
    tries = Tries(Clock())
    for _ in range(3 * TRIES):
        tries.count("192.0.2.1")
        tries.forget("192.0.2.1")


def test_no_number_of_addresses_fills_the_memory() -> None:
    clock = Clock()
    tries = Tries(clock)
    for place in range(3 * MAX_ADDRESSES):
        clock.now_s += TRIES_S
        tries.count(str(place))
    assert len(tries._by_address) == MAX_ADDRESSES
