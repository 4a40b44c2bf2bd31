"""Pictures from outside, read once and strictly, and turned into the pixels that devices take."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image

from devices.contracts import Picture
from devices.errors import Unprintable

MAX_PICTURE_BYTES: Final = 16 * 1024 * 1024
MAX_PIXELS: Final = 40_000_000
THRESHOLD: Final = 128


def open_picture(picture: Picture) -> Image.Image:
    """Decode a PNG into RGB, transparent parts white.

    Raises:
        Unprintable: it is not a PNG, is broken, or is larger than 40 million pixels.
    """
    if len(picture.png) > MAX_PICTURE_BYTES:
        raise Unprintable("The picture is too large.", "Tell central IT: this is a fault of the program.")
    try:
        with Image.open(io.BytesIO(picture.png), formats=["PNG"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Unprintable("The picture is too large.", "Tell central IT: this is a fault of the program.")
            whole = image.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise Unprintable("The picture cannot be read.", "Tell central IT: this is a fault of the program.") from None
    white = Image.new("RGBA", whole.size, "white")
    return Image.alpha_composite(white, whole).convert("RGB")


def to_png(image: Image.Image) -> Picture:
    """The PNG of an image."""
    out = io.BytesIO()
    image.save(out, "PNG", optimize=False)
    return Picture(out.getvalue())


def to_mono(image: Image.Image) -> Image.Image:
    """Black and white without dither: text and codes stay sharp. White is 1 in the result (mode `1`)."""
    return (
        image.convert("L").point(lambda level: 255 if level >= THRESHOLD else 0).convert("1", dither=Image.Dither.NONE)
    )
