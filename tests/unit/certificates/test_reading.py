"""Pictures of all kinds, honest and hostile."""

from __future__ import annotations

import io
import random
import zlib
from typing import Any, Final, cast

import pytest
import zxingcpp
from PIL import Image

from appliance.certificates import reading
from appliance.certificates.reading import UnreadablePicture, read_picture
from tests.support.papers import chunk, picture, png, tiff

TEXT: Final = "SANAD1:" + "0123456789ABCDEF" * 12


def drawn(text: str = TEXT, scale: int = 3) -> Image.Image:
    """A code alone."""
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M").to_image(scale=scale)
    view = memoryview(cast("bytes", made))
    rows = cast("list[list[int]]", view.tolist())
    return Image.frombytes("L", (len(rows[0]), len(rows)), view.tobytes())


def packed(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


MODES: Final = {
    "JPEG": ("L", "RGB", "CMYK"),
    "PNG": ("L", "RGB", "RGBA", "P", "1", "LA", "I;16"),
    "WEBP": ("L", "RGB", "RGBA"),
    "TIFF": ("L", "RGB", "RGBA", "CMYK", "P", "1", "LA", "I;16"),
}


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind, modes in MODES.items() for mode in modes])
def test_every_format_and_mode_is_read(kind: str, mode: str) -> None:
    image = drawn()
    if mode == "I;16":
        wide = b"".join(bytes((0, level)) for level in image.tobytes())
        image = Image.frombytes("I;16", image.size, wide)
    else:
        image = image.convert(mode)
    assert read_picture(packed(image, kind)) == [TEXT]


def test_a_code_on_a_transparent_ground_is_read() -> None:
    code = drawn()
    dark = Image.new("RGBA", code.size, (0, 0, 0, 0))
    dark.putalpha(code.point([255 - level for level in range(256)]))
    assert read_picture(packed(dark, "PNG")) == [TEXT]


@pytest.mark.parametrize("turn", [0, 37, 90, 180, 251])
def test_a_turned_code_is_read(turn: int) -> None:
    assert read_picture(packed(drawn().rotate(turn, expand=True, fillcolor=255), "PNG")) == [TEXT]


def test_small_codes_are_read_that_are_not_read_at_their_own_size() -> None:
    image = drawn(scale=8)
    at_once, by_us = 0, 0
    for side in range(image.width // 8, image.width // 3, 4):
        content = packed(image.resize((side, side), Image.Resampling.BILINEAR), "JPEG", quality=50)
        at_once += bool(zxingcpp.read_barcodes(Image.open(io.BytesIO(content))))
        by_us += read_picture(content) == [TEXT]
    assert by_us > at_once


def test_codes_of_ours_come_first() -> None:
    other, ours = drawn("https://example.org/"), drawn()
    sheet = Image.new("L", (max(other.width, ours.width) + 40, other.height + ours.height + 60), 255)
    sheet.paste(other, (20, 20))
    sheet.paste(ours, (20, other.height + 40))
    assert read_picture(packed(sheet, "PNG")) == [TEXT, "https://example.org/"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_without_a_code_has_none(kind: str) -> None:
    assert read_picture(picture(kind)) == []
    assert read_picture(packed(Image.new("L", (1, 1)), kind)) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"SANAD1:ABC",
        b"%PDF-1.7\n",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x10\0\0\0WEBPVP8 ",
        b"II*\0\x08\0\0\0",
        packed(Image.new("L", (8, 8)), "GIF"),
        packed(Image.new("L", (8, 8)), "BMP"),
        packed(Image.new("L", (8, 8)), "ICO"),
        png(10, 10, b"no zlib"),
        png(10, 10, zlib.compress(b"\0" * 10)),
        png(0, 0, zlib.compress(b"")),
        png(10, 10, zlib.compress(bytes(110)), extra=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(90_000_000), 9))),
    ],
    ids=range(14),
)
def test_what_is_no_picture_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(UnreadablePicture):
        read_picture(content)


@pytest.mark.parametrize("side", [7_750, 30_000, 2_000_000_000])
def test_a_picture_that_says_it_is_enormous_is_refused_before_it_is_unpacked(side: int) -> None:
    with pytest.raises(UnreadablePicture):
        read_picture(png(side, side, zlib.compress(bytes(1000))))


def test_a_file_that_is_too_long_is_refused() -> None:
    with pytest.raises(UnreadablePicture, match="too large"):
        read_picture(bytes(reading.MAX_PICTURE_BYTES + 1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_damaged_picture_is_read_or_refused_and_nothing_else(kind: str) -> None:
    whole = packed(drawn(), kind) if kind != "TIFF" else tiff(2)
    chance = random.Random(4)
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 12)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        cut = len(content) if chance.random() < 0.5 else chance.randrange(len(content))
        try:
            read_picture(bytes(content[:cut]))
        except UnreadablePicture:
            continue


def test_a_large_photograph_is_read_at_its_own_size() -> None:
    page = Image.new("L", (4000, 3000), 255)
    page.paste(drawn(scale=8), (300, 900))
    assert read_picture(packed(page, "JPEG", quality=60)) == [TEXT]
