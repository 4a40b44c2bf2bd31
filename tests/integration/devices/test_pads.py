"""Signature pads through real pyusb and libusb, against models emulated below libusb."""

from __future__ import annotations

import itertools
import json
import zlib
from typing import Any

import pytest
from PIL import Image

from devices import signatures
from devices.contracts import SampleClock, Signature
from tests.support.usb.programs import DOCUMENT
from tests.support.usb.run import Ran, run

PORT = "1-1"
CANCEL, CLEAR, ACCEPT = ["tap", 0.16, 0.92], ["tap", 0.5, 0.92], ["tap", 0.84, 0.92]
FIRST = [[1000 + 40 * i, 1300 + 7 * i, 100 + 10 * i] for i in range(20)]
SECOND = [[3000 - 30 * i, 1200 + 9 * i, 300 - 10 * i] for i in range(20)]
SIZES = {"00a1": (320, 240), "00a2": (396, 100), "00a3": (320, 200), "00a4": (320, 200), "00a5": (400, 240),
         "00a8": (320, 200)}  # fmt: skip


def sign(product: str, script: list[Any], program: str = "sign", **options: Any) -> Ran:
    more = options.pop("arguments", ())
    device = {"model": "pad", "product": int(product, 16), "script": script, **options}
    return run({PORT: device}, program, product, *more)


def signature_of(ran: Ran) -> Signature:
    assert ran.result["end"] == "accepted", ran.result
    return signatures.from_bytes(ran.result["signature"].encode())


def points(signature: Signature) -> list[list[list[int]]]:
    return [[[s.x, s.y, s.pressure] for s in stroke] for stroke in signatures.strokes(signature)]


def shown(ran: Ran, product: str, number: int = 0) -> Image.Image:
    found = ran.devices[PORT]["pictures"][number]
    pixels, size = zlib.decompress(bytes.fromhex(found["pixels"])), SIZES[product]
    if found["encoding"] == 0:
        return Image.frombytes("1", size, pixels).convert("RGB")
    if found["encoding"] == 4:
        return Image.frombytes("RGB", size, pixels, "raw", "BGR")
    swapped = bytes(b for i in range(0, len(pixels), 2) for b in (pixels[i + 1], pixels[i]))
    return Image.frombytes("RGB", size, swapped, "raw", "BGR;16")


@pytest.mark.parametrize(
    ("product", "form", "mode", "clock"),
    [
        ("00a2", 0x01, 0, SampleClock.HOST),
        ("00a1", 0x01, 0, SampleClock.HOST),
        ("00a3", 0x30, 1, SampleClock.DEVICE),
        ("00a4", 0x34, 3, SampleClock.DEVICE),
        ("00a5", 0x34, 3, SampleClock.DEVICE),
    ],
)
def test_every_report_form_gives_the_strokes_with_pressure_and_time(
    product: str, form: int, mode: int, clock: SampleClock
) -> None:
    height = {"00a2": 0.3}.get(product, 1)
    first = [[x, round(y * height), p] for x, y, p in FIRST]
    ran = sign(product, [["stroke", first], ["stroke", SECOND], ACCEPT], form=form, busy=2)
    signature = signature_of(ran)
    assert points(signature) == [first, SECOND]
    assert (signature.clock, ran.devices[PORT]["mode"], ran.result["before"]) == (clock, mode, "busy")
    assert signature.document_sha256 == DOCUMENT
    times = [s.t_ms for s in signature.samples]
    assert times == sorted(times)
    if clock is SampleClock.DEVICE:
        assert [b - a for a, b in itertools.pairwise(times)] == [5] * (len(times) - 1)
    assert ran.result["serial"] == "8AQZ001"
    assert not ran.devices[PORT]["inking"]
    assert ran.devices[PORT]["cleared"] == 1


def test_a_pad_that_takes_only_24_bits_shows_the_text_and_three_buttons() -> None:
    ran = sign("00a8", [["stroke", FIRST], ACCEPT])
    signature_of(ran)
    image = shown(ran, "00a8").convert("L")
    dark = [sum(level < 100 for level in image.crop(box).tobytes()) for box in
            ((0, 0, 320, 90), (10, 165, 96, 195), (117, 165, 202, 195), (223, 165, 310, 195))]  # fmt: skip
    assert all(count > 40 for count in dark)
    assert image.getpixel((160, 110)) == 255
    assert len(ran.devices[PORT]["pictures"]) == 1


def test_clear_starts_over_and_shows_the_picture_again() -> None:
    ran = sign("00a4", [["stroke", FIRST], CLEAR, ["shown"], ["stroke", SECOND], ACCEPT])
    assert points(signature_of(ran)) == [SECOND]
    assert len(ran.devices[PORT]["pictures"]) == 2


def test_accept_without_ink_does_nothing_and_cancel_ends() -> None:
    ran = sign("00a4", [ACCEPT, CANCEL])
    assert (ran.result["end"], ran.result["signature"]) == ("cancelled", None)


def test_lost_reports_are_counted_and_the_clock_goes_round_while_the_pen_is_away() -> None:
    ran = sign("00a5", [["stroke", FIRST], ["drop", 3], ["pause", 30_000], ["stroke", SECOND], ACCEPT])
    signature = signature_of(ran)
    assert signature.lost == 3
    assert signature.samples[-1].t_ms == 30_000 + 5 * (len(signature.samples) - 1)


def test_a_few_reports_that_cannot_be_are_forgiven() -> None:
    garbage = ["99", "34", "01800000", "34" + "ff" * 10, "10" + "00" * 16, "30" + "90ff" * 4]
    ran = sign("00a5", [["stroke", FIRST], *[["raw", raw] for raw in garbage], ["stroke", SECOND], ACCEPT])
    assert points(signature_of(ran)) == [FIRST, SECOND]


def test_a_pad_that_sends_only_nonsense_voids_the_capture() -> None:
    ran = sign("00a5", [["stroke", FIRST], *[["raw", "34" + "ff" * 10]] * 40, ACCEPT])
    assert (ran.result["end"], ran.result["signature"]) == ("void", None)


@pytest.mark.parametrize("fate", ["unplug", "dead"])
def test_a_pad_lost_in_mid_stroke_voids_the_capture_says_so_and_works_again(fate: str) -> None:
    again = json.dumps([["stroke", SECOND], ACCEPT])
    ran = sign("00a5", [["stroke", FIRST], [fate]], "sign-twice", arguments=(again,))
    first = ran.result["first"]
    assert (first["end"], first["signature"]) == ("void", None)
    assert "void" in first["sentence"]
    assert "sign again" in first["step"]
    assert ran.result["gone"] == {"unplug": "unplugged", "dead": "unknown"}[fate]
    assert ran.result["second"]["end"] == "accepted"
    assert signatures.from_bytes(ran.result["second"]["signature"].encode()).pad.serial == "8AQZ001"


def test_a_capture_ends_in_time_and_can_be_cancelled_at_the_counter() -> None:
    ran = sign("00a4", [["stroke", FIRST], ["off"]], "sign-limits")
    assert ran.result == ["timed out", "cancelled"]


@pytest.mark.parametrize("options", [{"stall": [9]}, {"stall": [0x26]}, {"wrong_answer": True}])
def test_a_pad_that_refuses_or_answers_something_else_starts_no_capture(options: dict[str, Any]) -> None:
    ran = sign("00a4", [], "sign-fault", **options)
    assert ran.result["kind"] in ("Refused", "Garbled")
    assert ran.result["step"]


def test_a_pad_that_never_answers_is_given_up_in_time_and_unknown() -> None:
    ran = sign("00a4", [], "sign-fault", mute=[3, 9])
    assert (ran.result["kind"], ran.result["status"]) == ("TimedOut", "unknown")


def test_a_pad_that_is_not_there_is_unplugged_and_starts_no_capture() -> None:
    ran = run({PORT: {"model": "pad", "product": 0xA4}}, "sign-fault", "00a4", absent=(PORT,))
    assert (ran.result["kind"], ran.result["status"]) == ("Unplugged", "unplugged")


def test_a_pad_pulled_out_while_the_text_is_sent_to_it_starts_no_capture() -> None:
    ran = sign("00a4", [], "sign-fault", unplug_at=0x26)
    assert (ran.result["kind"], ran.result["status"]) == ("Unplugged", "unplugged")
    assert "cable" in ran.result["step"]


def test_a_pad_without_sample_modes_is_timed_by_the_host() -> None:
    ran = sign("00a3", [["stroke", FIRST], ACCEPT], form=1, stall=[0x32, 0x2A])
    assert signature_of(ran).clock is SampleClock.HOST


@pytest.mark.parametrize(("product", "encoding"), [("00a4", 0), ("00a3", 2)])
def test_a_picture_is_sent_only_when_it_changed_in_the_pixels_the_pad_takes(product: str, encoding: int) -> None:
    ran = run({PORT: {"model": "pad", "product": int(product, 16)}}, "show", product)
    assert [p["encoding"] for p in ran.devices[PORT]["pictures"]] == [encoding] * 2
    assert ran.devices[PORT]["cleared"] == 1
    image = shown(ran, product)
    (width, height), left = SIZES[product], (SIZES[product][0] - 60) // 2
    assert image.getpixel((left, height // 2)) == (0, 0, 0)
    assert image.getpixel((2, 2)) == (255, 255, 255)
    assert image.size == (width, height)
