"""Codes from pictures, and bursts of a reader told from typing."""

from __future__ import annotations

import random
import threading

import qrcode
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from devices.codes import read_picture
from devices.contracts import ENTER, Code, CodeReader, Status, Typed
from devices.pictures import to_png
from devices.wedge import MAX_GAP_S, Wedge, WedgeReader

SEEDED = settings(deadline=None, derandomize=True)


def play(keys: str, gap_s: float) -> list[Typed | Code]:
    wedge, known = Wedge(), []
    for i, key in enumerate(keys):
        known += wedge.key(key, i * gap_s)
    return known + wedge.due(len(keys) * gap_s + 1)


def test_a_burst_that_ends_in_enter_is_a_code() -> None:
    assert play("35201-1234567-1" + ENTER, 0.004) == [Code("35201-1234567-1")]


def test_typing_is_given_on_key_by_key_and_so_is_its_enter() -> None:
    assert play("Lahore" + ENTER, 0.09) == [Typed(key) for key in "Lahore" + ENTER]


def test_keys_pressed_nearly_at_once_are_no_code() -> None:
    assert play("ab" + ENTER, 0.001) == [Typed("ab" + ENTER)]


def test_a_code_right_after_typing_is_told_from_it() -> None:
    wedge = Wedge()
    assert wedge.key("x", 0.0) == []
    known = [event for i, key in enumerate("CFC01-000017" + ENTER) for event in wedge.key(key, 0.5 + i * 0.005)]
    assert known == [Typed("x"), Code("CFC01-000017")]


@SEEDED
@given(st.lists(st.tuples(st.sampled_from("ab1-" + ENTER), st.floats(0, 0.2)), max_size=60))
def test_no_key_is_lost_doubled_or_put_out_of_order(keys: list[tuple[str, float]]) -> None:
    wedge, now, known = Wedge(), 0.0, []
    for key, gap in keys:
        now += gap
        known += wedge.key(key, now)
    known += wedge.due(now + 2 * MAX_GAP_S)
    given_on = "".join(event.keys if isinstance(event, Typed) else event.text + ENTER for event in known)
    assert given_on == "".join(key for key, _ in keys)


def test_a_reader_waits_for_a_code_and_can_be_cancelled() -> None:
    wedge_reader = WedgeReader()
    reader: CodeReader = wedge_reader
    assert (reader.status(), reader.read(limit_s=0.01)) == (Status.UNKNOWN, None)
    cancelled = threading.Event()
    cancelled.set()
    assert reader.read(cancelled=cancelled) is None
    wedge_reader.put(Code("A"))
    assert (reader.read(), reader.status()) == (Code("A"), Status.READY)


def test_codes_that_nobody_reads_do_not_pile_up() -> None:
    reader = WedgeReader()
    for number in range(100):
        reader.put(Code(str(number)))
    assert reader.read() == Code("84")
    reader.close()
    assert reader.read(limit_s=0.01) is None


def test_a_qr_code_on_a_turned_noisy_page_and_a_bar_code_are_read() -> None:
    seed = random.Random(17)
    page = Image.new("L", (1654, 2339), 255)
    qr = qrcode.make("https://sanad.example/t/17", box_size=6).get_image().convert("L")
    page.paste(qr, (300, 400))
    bars = zxingcpp.create_barcode("CFC01-000017", zxingcpp.BarcodeFormat.Code128)
    page.paste(Image.fromarray(bars.to_image(scale=4)), (300, 1500))
    page = page.rotate(7, fillcolor=255, resample=Image.Resampling.BILINEAR)
    noise = Image.frombytes("L", page.size, seed.randbytes(page.width * page.height)).point(lambda level: level // 3)
    page = ImageChops.add(page, noise, offset=-42)
    assert read_picture(to_png(page)) == (
        Code("https://sanad.example/t/17", "QRCode"),
        Code("CFC01-000017", "Code128"),
    )


def test_a_picture_without_codes_has_none() -> None:
    assert read_picture(to_png(Image.new("L", (400, 400), 255))) == ()
