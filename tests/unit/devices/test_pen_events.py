"""Events of the kernel's pens, from bytes to reports."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.evdev.events import (
    ABS_PRESSURE,
    ABS_X,
    ABS_Y,
    BTN_TOOL_RUBBER,
    BTN_TOUCH,
    EV_ABS,
    EV_KEY,
    EV_SYN,
    SYN_DROPPED,
    Event,
    Lost,
    Pen,
    Reader,
    Report,
    read_range,
)
from devices.evdev.node import GET_KEYS, GET_NAME, GRAB, SET_CLOCK, get_axis

SEEDED = settings(deadline=None, derandomize=True)
END = Event(7, EV_SYN, 0, 0)


def reports(*events: Event) -> list[Report | Lost]:
    pen = Pen()
    return [known for event in events if (known := pen.take(event)) is not None]


def at(x: int, y: int) -> list[Event]:
    return [Event(5, EV_ABS, ABS_X, x), Event(5, EV_ABS, ABS_Y, y)]


@pytest.mark.parametrize(("word", "form", "size"), [(8, "=QQHHi", 24), (4, "=LLHHi", 16)])
def test_events_of_64_and_32_bit_machines_are_read_however_they_are_cut(word: int, form: str, size: int) -> None:
    events = [Event(3_000_007 + i, EV_ABS, i, -i) for i in range(5)]
    data = b"".join(struct.pack(form, *divmod(e.time_us, 1_000_000), e.type, e.code, e.value) for e in events)
    assert len(data) == 5 * size == 5 * Reader(word).event_bytes
    for step in (1, 5, size, 2 * size + 3):
        reader = Reader(word)
        got = [event for i in range(0, len(data), step) for event in reader.take(data[i : i + step])]
        assert got == events


def test_the_requests_are_those_of_linux_input_h() -> None:
    """As `strace` and the kernel's headers write them."""
    assert (GET_NAME, GRAB, SET_CLOCK) == (0x81004506, 0x40044590, 0x400445A0)
    assert (get_axis(ABS_X), get_axis(ABS_PRESSURE), GET_KEYS) == (0x80184540, 0x80184558, 0x80604518)


def test_a_report_tells_what_did_not_change_too_and_nothing_is_told_before_the_place_is_known() -> None:
    touch = Event(5, EV_KEY, BTN_TOUCH, 1)
    assert reports(
        touch, Event(6, EV_SYN, 0, 0), *at(3, 4), END, Event(8, EV_ABS, ABS_X, 9), Event(9, EV_SYN, 0, 0)
    ) == [
        Report(7, 3, 4, 1, down=True),
        Report(9, 9, 4, 1, down=True),
    ]
    assert reports(*at(1, 2), END, END) == [Report(7, 1, 2, 0, down=False)]


def test_the_eraser_is_never_down() -> None:
    keys = [Event(5, EV_KEY, BTN_TOOL_RUBBER, 1), Event(5, EV_KEY, BTN_TOUCH, 1)]
    assert reports(*keys, *at(1, 2), END) == [Report(7, 1, 2, 0, down=False)]


def test_all_up_to_the_next_report_is_thrown_away_after_a_drop() -> None:
    dropped = Event(6, EV_SYN, SYN_DROPPED, 0)
    assert reports(*at(1, 2), dropped, *at(8, 8), END, *at(3, 4), END) == [
        Lost.RESYNC,
        Report(7, 3, 4, 0, down=False),
    ]


def test_the_ends_of_an_axis_are_read() -> None:
    found = read_range(struct.pack("=6i", 55, -10, 4000, 1, 2, 100))
    assert (found.low, found.high, found.per_mm) == (-10, 4000, 100)


@SEEDED
@given(st.lists(st.binary(max_size=200), max_size=20), st.sampled_from([4, 8]))
def test_any_bytes_can_be_read(parts: list[bytes], word: int) -> None:
    reader, pen = Reader(word), Pen()
    for part in parts:
        for event in reader.take(part):
            pen.take(event)
