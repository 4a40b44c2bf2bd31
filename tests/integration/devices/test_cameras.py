"""Cameras through the real libv4l2, against a device node that is answered below every library."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from tests.support.usb.run import Ran, run

PORT = "1-1"
SIZE = (640, 480)
TEXT = "https://sanad.example/t/17"


def scene() -> Image.Image:
    """A QR code on a wall, red on the left and blue on the right."""
    image = Image.new("RGB", SIZE, (200, 30, 30))
    image.paste((30, 30, 200), (SIZE[0] // 2, 0, *SIZE))
    code = Image.fromarray(zxingcpp.create_barcode(TEXT, zxingcpp.BarcodeFormat.QRCode).to_image(scale=6))
    image.paste(code.convert("RGB"), (220, 140))
    return image


def jpeg() -> bytes:
    out = io.BytesIO()
    scene().save(out, "JPEG", quality=90)
    return out.getvalue()


def yuyv() -> bytes:
    luma, blue, red = scene().convert("YCbCr").split()
    half = (SIZE[0] // 2, SIZE[1])
    blue, red = blue.resize(half, Image.Resampling.BOX), red.resize(half, Image.Resampling.BOX)
    out = bytearray(2 * SIZE[0] * SIZE[1])
    out[0::2], out[1::4], out[3::4] = luma.tobytes(), blue.tobytes(), red.tobytes()
    return bytes(out)


@pytest.fixture
def view(tmp_path: Path) -> Path:
    path = tmp_path / "view.jpg"
    path.write_bytes(jpeg())
    return path


def snap(view: Path, *steps: str, **options: Any) -> Ran:
    return run({PORT: {"model": "camera", "picture": str(view), **options}}, "snap", *steps)


def picture_of(taken: dict[str, str]) -> Image.Image:
    assert "png" in taken, taken
    return Image.open(io.BytesIO(bytes.fromhex(taken["png"]))).convert("RGB")


@pytest.mark.parametrize(("form", "pixels"), [("MJPG", jpeg), ("YUYV", yuyv)])
def test_a_picture_shows_what_the_camera_sees_in_its_colours_and_a_code_in_it_can_be_read(
    form: str, pixels: Callable[[], bytes], view: Path
) -> None:
    view.write_bytes(pixels())
    ran = snap(view, form=form, slow=5)
    assert (ran.result["before"], ran.result["model"]) == ("ready", "HD Camera: Specimen")
    image = picture_of(ran.result["first"])
    assert image.size == SIZE
    assert [code.text for code in zxingcpp.read_barcodes(image)] == [TEXT]
    left, right = (image.getpixel((x, 40)) for x in (60, 580))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert left[0] > 120 > left[2]
    assert right[2] > 120 > right[0]
    assert ran.devices[PORT]["frames"] > 10


def test_the_first_pictures_may_be_broken(view: Path) -> None:
    assert picture_of(snap(view, garbage=7).result["first"]).size == SIZE


def test_a_camera_that_gives_only_broken_pictures_is_given_up(view: Path) -> None:
    first = snap(view, garbage=100_000).result["first"]
    assert first["kind"] == "Garbled"
    assert "socket" in first["step"]


@pytest.mark.parametrize("fault", ["dead", "hangs"])
def test_a_camera_that_gives_no_picture_or_hangs_in_the_kernel_is_given_up_in_time_and_works_later(
    fault: str, view: Path
) -> None:
    ran = snap(view, "free", **{fault: True})
    assert ran.result["first"]["kind"] == "TimedOut"
    assert picture_of(ran.result["second"]).size == SIZE


def test_a_camera_pulled_out_while_it_films_says_so_and_works_again(view: Path) -> None:
    ran = snap(view, "unplug", "plug", unplug_after=3)
    assert ran.result["first"]["kind"] == "Unplugged"
    assert picture_of(ran.result["second"]).size == SIZE


def test_a_camera_that_another_program_films_with_is_refused_with_advice_and_used_once_it_is_free(view: Path) -> None:
    ran = snap(view, "free", busy=True)
    assert ran.result["first"] == {"kind": "Refused", "step": "Close the other program."}
    assert picture_of(ran.result["second"]).size == SIZE


def test_a_camera_that_is_not_there_is_unplugged(view: Path) -> None:
    ran = run({PORT: {"model": "camera", "picture": str(view)}}, "snap", "plug", absent=(PORT,))
    assert (ran.result["before"], ran.result["first"]["kind"]) == ("unplugged", "Unplugged")
    assert picture_of(ran.result["second"]).size == SIZE
