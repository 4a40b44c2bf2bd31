"""Pens of the kernel through the real driver, against a device node emulated below the kernel's interface."""

from __future__ import annotations

import itertools
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from devices import signatures
from devices.contracts import SampleClock, Signature
from tests.support.usb.run import Ran, run

PORT = "1-1"
FIRST = [[1000 + 40 * i, 1300 + 7 * i, 100 + 10 * i] for i in range(60)]
SECOND = [[3000 - 30 * i, 1200 + 9 * i, 300 - 10 * i] for i in range(20)]


def samples_of(*strokes: list[list[int]]) -> int:
    """How many samples are kept: each stroke's, and one with the pen up."""
    return sum(len(stroke) + 1 for stroke in strokes)


def sign(script: list[Any], enough: int, program: str = "pen-sign", **options: Any) -> Ran:
    more = options.pop("arguments", ())
    return run(
        {PORT: {"model": "pen", "script": script, **options}}, program, *([str(enough)] if enough else []), *more
    )


def signature_of(ran: Ran) -> Signature:
    assert ran.result["end"] == "accepted", ran.result
    return signatures.from_bytes(ran.result["signature"].encode())


def points(signature: Signature) -> list[list[list[int]]]:
    return [[[s.x, s.y, s.pressure] for s in stroke] for stroke in signatures.strokes(signature)]


def test_a_pen_gives_the_strokes_with_pressure_and_the_times_of_the_kernel() -> None:
    ran = sign([["stroke", FIRST], ["sleep", 700], ["stroke", SECOND]], samples_of(FIRST, SECOND))
    signature = signature_of(ran)
    assert points(signature) == [FIRST, SECOND]
    times = [s.t_ms for stroke in signatures.strokes(signature) for s in stroke]
    steps = [b - a for a, b in itertools.pairwise(times)]
    assert steps == [5] * 59 + [715] + [5] * 19
    assert (signature.clock, signature.lost, signature.pad.serial) == (SampleClock.HOST, 0, "PEN1")
    assert (ran.result["before"], ran.result["model"], ran.result["port"]) == ("ready", "Wacom Intuos Pro M Pen", PORT)
    assert (ran.result["screen"], ran.result["lpi"], ran.result["can"]) == (False, 2540, [21600, 13500, 2047])
    assert ran.devices[PORT]["grabs"] == 1


def test_a_recording_written_by_umockdev_reads_as_it_was_made(tmp_path: Path) -> None:
    lines, at = [], 10.0
    for x, y, pressure in SECOND:
        row = [(1, 0x140, 1), (1, 0x14A, 1), (3, 0, x), (3, 1, y), (3, 0x18, pressure), (0, 0, 0)]
        lines += [f"E: {at:.6f} {kind:04x} {code:04x} {value:04d}" for kind, code, value in row]
        at += 0.004
    lines += [f"E: {at:.6f} 0001 014a 0000", f"E: {at:.6f} 0000 0000 0000"]
    recording = tmp_path / "pen.events"
    recording.write_text("\n".join(lines) + "\n")
    assert points(signature_of(sign([["evemu", str(recording)]], samples_of(SECOND)))) == [SECOND]


def test_a_tablet_whose_axes_do_not_begin_at_nought_and_that_knows_no_pressure_is_counted_from_nought() -> None:
    moved = [[x - 500, y + 200, p] for x, y, p in SECOND]
    ran = sign([["stroke", moved]], samples_of(SECOND), x=(-500, 9500, 0), y=(200, 6200, 0), pressure=None)
    assert points(signature_of(ran)) == [[[x, y, 1] for x, y, _ in SECOND]]
    assert ran.result["can"] == [10_000, 6000, 1]


def test_the_end_with_the_eraser_leaves_no_ink() -> None:
    ran = sign([["eraser", FIRST], ["stroke", SECOND]], samples_of(SECOND))
    assert points(signature_of(ran)) == [SECOND]


def test_reports_that_the_kernel_dropped_are_counted_and_no_line_is_drawn_across_the_gap() -> None:
    ran = sign([["down", FIRST], ["dropped", 9000, 5000, 700], ["stroke", SECOND]], len(FIRST) + 2 + samples_of(SECOND))
    signature = signature_of(ran)
    first, *rest = points(signature)
    assert first == FIRST
    assert rest == [[[9000, 5000, 700], *SECOND]]
    assert signature.lost == 1


def test_a_pen_that_lay_on_the_tablet_before_leaves_no_ink_until_it_was_lifted() -> None:
    ran = sign([["down", FIRST], ["lift"], ["stroke", SECOND]], samples_of(SECOND), touching=True)
    assert points(signature_of(ran)) == [SECOND]


@pytest.mark.parametrize(("hovering", "steady"), [(True, True), (False, False)])
def test_what_the_pen_said_before_is_forgotten_and_counts_as_no_loss(hovering: bool, steady: bool) -> None:
    signature = signature_of(sign([["stroke", SECOND]], samples_of(SECOND), hovering=hovering, steady=steady))
    assert (points(signature), signature.lost) == ([SECOND], 0)


def test_accepting_waits_for_the_end_of_the_stroke_under_way() -> None:
    ran = sign([["stroke", FIRST]], 5)
    assert points(signature_of(ran)) == [FIRST]


def test_a_few_reports_that_cannot_be_are_forgiven_and_events_may_come_in_parts() -> None:
    far = struct.pack("@LLHHi", 1, 0, 3, 0, 2_000_000_000) + struct.pack("@LLHHi", 1, 0, 0, 0, 0)
    unknown = struct.pack("@LLHHi", 1, 0, 0x15, 0x50, -7)
    raws = [["raw", part.hex()] for part in (far[:5], far[5:40], far[40:], unknown)]
    assert points(signature_of(sign([*raws, ["stroke", SECOND]], samples_of(SECOND)))) == [SECOND]


def test_a_tablet_that_sends_only_nonsense_voids_the_capture() -> None:
    far = struct.pack("@LLHHi", 1, 0, 3, 0, -2_000_000_000) + struct.pack("@LLHHi", 1, 0, 0, 0, 0)
    ran = sign([["down", SECOND], *[["raw", far.hex()]] * 40], 1000)
    assert (ran.result["end"], ran.result["signature"]) == ("void", None)


def test_a_tablet_pulled_out_in_mid_stroke_voids_the_capture_says_so_and_works_again() -> None:
    again = json.dumps([["stroke", SECOND]])
    more = (again, str(samples_of(SECOND)))
    ran = sign([["down", FIRST], ["unplug"]], 0, "pen-sign-twice", arguments=more)
    first = ran.result["first"]
    assert (first["end"], first["signature"]) == ("void", None)
    assert "void" in first["sentence"]
    assert "sign again" in first["step"]
    assert ran.result["gone"] == "unplugged"
    assert ran.result["second"]["end"] == "accepted"


def test_a_capture_ends_in_time_can_be_cancelled_and_is_not_accepted_without_ink() -> None:
    ran = sign([["stroke", [[1, 1, 1]]]], 0, "pen-limits")
    assert ran.result == ["timed out", "cancelled", "timed out", False]


def test_a_tablet_that_another_program_holds_is_refused_with_advice_and_used_once_it_is_free() -> None:
    ran = sign([], 0, "pen-fault", grabbed=True)
    assert ran.result["ends"] == [["Refused", "Close the other program."], ["timed out", ""]]


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_tablet_without_a_size_is_refused(axis: str) -> None:
    ran = sign([], 0, "pen-fault", **{axis: (0, 0, 0)})
    assert [kind for kind, _ in ran.result["ends"]] == ["Garbled", "Garbled"]
    assert ran.result["status"] == "unknown"
