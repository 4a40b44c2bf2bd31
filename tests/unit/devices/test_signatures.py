"""Signatures as data: what is sealed, what binds, how it looks; and how reports become strokes."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from devices import signatures
from devices.collecting import Box, Button, Collector, DeviceClock
from devices.contracts import PadCapability, PenSample, SampleClock, Signature, SigningScreen
from devices.errors import DeviceFault, Garbled, Unprintable
from devices.pictures import to_png
from devices.simulators.pads import SimulatedPad
from devices.stu import screen as screens
from devices.stu.reports import PenMode, image_blocks, read_capability, read_report

SEEDED = settings(deadline=None, derandomize=True)
DOCUMENT = hashlib.sha256(b"document").digest()


@pytest.fixture(scope="module")
def signature() -> Signature:
    taken = SimulatedPad().capture(SigningScreen(DOCUMENT, ("I agree.",))).signature
    assert taken is not None
    return taken


def test_the_sealed_form_is_read_back_the_same(signature: Signature) -> None:
    assert signatures.from_bytes(signatures.to_bytes(signature)) == signature


def test_the_picture_of_a_signature_that_no_citizen_wrote_is_marked_as_it_goes_on_paper(signature: Signature) -> None:
    real = dataclasses.replace(signature, pad=dataclasses.replace(signature.pad, simulated=False))
    marked, plain = (signatures.to_picture(each) for each in (signature, real))
    with Image.open(io.BytesIO(marked.png)) as one, Image.open(io.BytesIO(plain.png)) as other:
        added = ImageChops.difference(one.getchannel("A"), other.getchannel("A")).getbbox()
    assert added is not None
    assert added[2] - added[0] > 400
    assert added[1] < 5 < 40 < added[3] < 120


def test_the_binding_changes_with_the_document_and_with_any_sample(signature: Signature) -> None:
    sealed = signatures.to_bytes(signature)
    moved = dataclasses.replace(signature.samples[7], x=signature.samples[7].x + 1)
    other = dataclasses.replace(signature, samples=(*signature.samples[:7], moved, *signature.samples[8:]))
    bindings = {
        signatures.binding(DOCUMENT, sealed),
        signatures.binding(hashlib.sha256(b"other").digest(), sealed),
        signatures.binding(DOCUMENT, signatures.to_bytes(other)),
    }
    assert len(bindings) == 3
    inner = hashlib.sha256(sealed).digest()
    assert hashlib.sha256(b"sanad signature binding v1\0" + DOCUMENT + inner).digest() in bindings


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"lost":0', b'"lost":0,"x":1'), (b'"clock":"device"', b'"clock":"sun"'), (b"]]}", b"]]} "), (b"[[0,", b"[[0.0,"),
     (b'"samples":[', b'"samples":[[1],')],
)  # fmt: skip
def test_a_sealed_form_of_any_other_shape_is_refused(signature: Signature, old: bytes, new: bytes) -> None:
    sealed = signatures.to_bytes(signature)
    assert old in sealed
    with pytest.raises(Garbled):
        signatures.from_bytes(sealed.replace(old, new, 1))


@SEEDED
@given(st.binary(max_size=100))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with pytest.raises(Garbled):
        signatures.from_bytes(data)


def test_the_vector_and_the_picture_show_ink_where_the_pen_was_and_nowhere_else(signature: Signature) -> None:
    root = ET.fromstring(signatures.to_svg(signature))
    assert len(root.findall(".//{http://www.w3.org/2000/svg}path")) == 2
    with Image.open(io.BytesIO(signatures.to_picture(signature, 800).png)) as image:
        alpha = image.getchannel("A")
        assert image.size[0] == 800
    scale = 800 / signature.capability.max_x
    for stroke in signatures.strokes(signature):
        assert all(alpha.getpixel((round(s.x * scale), round(s.y * scale))) for s in stroke)
    assert alpha.crop((0, 0, 100, alpha.height)).getbbox() is None


def test_the_line_is_wider_where_the_pen_pressed() -> None:
    pad = SimulatedPad()
    plain = dataclasses.replace(pad.identity, simulated=False)

    def ink(pressure: int) -> int:
        samples = tuple(PenSample(5 * i, 2000 + 100 * i, 3000, pressure, down=True) for i in range(50))
        drawn = signatures.to_picture(Signature(plain, pad.capability(), DOCUMENT, SampleClock.DEVICE, samples), 400)
        with Image.open(io.BytesIO(drawn.png)) as image:
            return sum(image.getchannel("A").tobytes())

    assert ink(100) * 2 < ink(1000)


def test_one_dot_is_ink() -> None:
    pad = SimulatedPad()
    plain = dataclasses.replace(pad.identity, simulated=False)
    dot = (PenSample(0, 5000, 3000, 700, down=True),)
    drawn = signatures.to_picture(Signature(plain, pad.capability(), DOCUMENT, SampleClock.DEVICE, dot))
    with Image.open(io.BytesIO(drawn.png)) as image:
        assert image.getchannel("A").getbbox() is not None


# --- strokes and buttons ----------------------------------------------------------------------------------------------

BUTTONS = {Button.CLEAR: Box(0, 90, 50, 100), Button.ACCEPT: Box(50, 90, 100, 100)}


def play(points: list[tuple[int, int, bool]]) -> tuple[Collector, list[Button | None]]:
    collector = Collector(BUTTONS)
    return collector, [collector.take(PenSample(i, x, y, 9 * d, d)) for i, (x, y, d) in enumerate(points)]


def test_a_stroke_that_runs_into_a_button_is_ink_and_taps_nothing() -> None:
    collector, tapped = play([(10, 50, True), (10, 95, True), (10, 95, False)])
    assert tapped == [None] * 3
    assert len(collector.samples) == 3


def test_a_tap_that_slides_off_its_button_does_nothing() -> None:
    collector, tapped = play([(10, 95, True), (60, 95, True), (60, 95, False)])
    assert tapped == [None] * 3
    assert collector.samples == []


def test_accept_needs_ink_and_clear_takes_it_away() -> None:
    stroke = [(20, 20, True), (21, 21, True), (22, 22, True), (22, 22, False)]
    accept, clear = [(60, 95, True), (60, 95, False)], [(10, 95, True), (10, 95, False)]
    assert play(accept)[1][-1] is None
    assert play(stroke + accept)[1][-1] is Button.ACCEPT
    assert play(stroke + clear + accept)[1][-1] is None


@SEEDED
@given(st.lists(st.integers(0, 60_000), min_size=1, max_size=30), st.integers(0, 65_535))
def test_the_pads_clock_is_unwound_over_any_pause(steps: list[int], start: int) -> None:
    clock, now, expected = DeviceClock(), start, []
    for i, step in enumerate(steps):
        now += step * 7 if i else 0
        expected.append(now - start)
        got = clock.at(now % 65_536, now - start + 40)
        assert got == expected[-1]


# --- reports ----------------------------------------------------------------------------------------------------------


@SEEDED
@given(st.binary(max_size=40))
def test_no_report_breaks_the_reader(data: bytes) -> None:
    read_report(data, PenMode.TIME)
    try:
        read_capability(data)
    except DeviceFault:
        return


def test_the_option_of_form_30_is_what_the_mode_says() -> None:
    data = bytes.fromhex("30 91ff 0102 0304 1234".replace(" ", ""))
    timed, counted = read_report(data, PenMode.TIME), read_report(data, PenMode.SEQUENCE)
    assert timed is not None
    assert counted is not None
    assert (timed.near, timed.down, timed.pressure, timed.x, timed.y) == (True, True, 0x1FF, 0x0102, 0x0304)
    assert (timed.time_ms, timed.sequence, counted.time_ms, counted.sequence) == (0x1234, None, None, 0x1234)


def test_image_blocks_carry_every_byte_and_are_padded() -> None:
    pixels = bytes(range(256)) * 3
    blocks = image_blocks(pixels)
    assert {len(block) for block in blocks} == {255}
    assert b"".join(block[2 : 2 + int.from_bytes(block[:2], "little")] for block in blocks) == pixels


def test_a_script_that_the_pads_font_lacks_needs_a_picture_and_then_is_shown() -> None:
    capability = PadCapability(9600, 6000, 1023, 320, 200)
    urdu = SigningScreen(DOCUMENT, ("میں تصدیق کرتا ہوں",))
    assert not screens.can_say(urdu.lines[0])
    with pytest.raises(Unprintable):
        screens.draw(urdu, capability)
    black = to_png(Image.new("L", (320, 60), 0))
    drawn = screens.draw(dataclasses.replace(urdu, picture=black), capability)
    assert drawn.getpixel((160, 30)) == (0, 0, 0)


def test_a_text_too_long_for_the_pad_is_refused_and_never_cut() -> None:
    capability = PadCapability(9600, 6000, 1023, 320, 200)
    with pytest.raises(Unprintable):
        screens.draw(SigningScreen(DOCUMENT, ("word " * 200,)), capability)
