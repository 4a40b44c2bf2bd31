"""The photograph of a certificate: cut, upright, and without what a camera wrote into it."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from appliance.certificates.portrait import MAX_PHOTO_BYTES, SIZE, PhotoRefused, portrait


def encoded(image: Image.Image, form: str, exif: Image.Exif | None = None) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **({} if exif is None else {"exif": exif}))
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("size", [(3000, 2000), (100, 400), (413, 531), (1, 1)])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_any_picture_becomes_one_size(size: tuple[int, int], form: str) -> None:
    made = opened(portrait(encoded(Image.new("RGB", size, "#336699"), form)))
    assert (made.format, made.mode, made.size) == ("JPEG", "RGB", SIZE)


def test_what_the_camera_wrote_is_gone_and_the_picture_stands_upright() -> None:
    image = Image.new("RGB", (600, 400), "white")
    image.paste("black", (0, 0, 600, 200))
    exif = image.getexif()
    exif[0x0112] = 6  # Turned by a quarter: the top is at the right.
    exif[0x010F] = "Camera of a citizen"
    content = encoded(image, "JPEG", exif)
    assert b"Camera of a citizen" in content
    made = portrait(content)
    assert b"Camera" not in made
    assert b"Exif" not in made
    grey = opened(made).convert("L")
    assert min(grey.crop((0, 0, 150, 531)).tobytes()) > 200
    assert max(grey.crop((250, 0, 413, 531)).tobytes()) < 50


def test_what_is_transparent_becomes_white() -> None:
    made = opened(portrait(encoded(Image.new("RGBA", (413, 531), (0, 0, 0, 0)), "PNG")))
    assert made.getpixel((200, 200)) == (255, 255, 255)


def test_the_same_picture_gives_the_same_photograph() -> None:
    content = encoded(Image.radial_gradient("L").convert("RGB"), "PNG")
    assert portrait(content) == portrait(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no picture",
        encoded(Image.new("RGB", (300, 300)), "JPEG")[:300],
        encoded(Image.new("RGB", (10, 10)), "GIF"),
        b"\x89PNG" + bytes(MAX_PHOTO_BYTES),
        encoded(Image.new("1", (10_000, 5_000)), "PNG"),
    ],
)
def test_what_is_no_photograph_is_refused(content: bytes) -> None:
    with pytest.raises(PhotoRefused):
        portrait(content)
