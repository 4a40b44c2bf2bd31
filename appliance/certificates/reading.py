"""The codes in a picture of a paper: a scan, a photograph of a telephone, a picture of the code alone.

A picture may be anybody's: what it says of its size is looked at before a pixel of it is unpacked, and whatever a
decoder stumbles over is an `UnreadablePicture`. That no code was found is no error: the list is empty.

A code on paper is read best where a module is some pixels wide, so what is not read as it is, is read again at two and
three times its size.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from typing import Final

import zxingcpp
from PIL import Image

from appliance.certificates.qr import PREFIX
from appliance.journal.errors import OperatorError

MAX_PICTURE_BYTES: Final = 32 * 1024 * 1024
MAX_PIXELS: Final = 60_000_000
"""Of the picture as it is; a telephone's may have 50 million."""
MAX_ENLARGED_PIXELS: Final = 40_000_000
"""Of one that is read again larger; a page at 200 dots an inch has 35 million at three times its size."""
FORMATS: Final = ("JPEG", "PNG", "WEBP", "TIFF")
SCALES: Final = (2, 3)
"""How many times as large a picture is read again."""
MAX_CODES: Final = 16

_QR: Final = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])

_DECODER_ERRORS: Final = (
    *(OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, SyntaxError, EOFError),
    *(NotImplementedError, MemoryError, RecursionError, struct.error, zlib.error, Image.DecompressionBombError),
)
"""What Pillow raises on a hostile file, with the modules that it leans on."""


class UnreadablePicture(OperatorError):
    """Bytes that are no picture, or one that is too large."""


def read_picture(content: bytes) -> list[str]:
    """The texts of the QR codes in a picture, those of ours first.

    Args:
        content: JPEG, PNG, WebP or TIFF (its first page), turned by any angle.

    Raises:
        UnreadablePicture: it is none of them, damaged, or too large.
    """
    return read_image(open_picture(content))


def open_picture(content: bytes) -> Image.Image:
    """Unpack a picture, in grey.

    Raises:
        UnreadablePicture: it is of another format, damaged, or too large.
    """
    if len(content) > MAX_PICTURE_BYTES:
        raise _too_large()
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures, and of odd ones; the bound below is ours.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise _too_large()
                return _grey(picture)
    except _DECODER_ERRORS:
        raise UnreadablePicture(
            "This picture cannot be read.", "Take it again, as JPEG or PNG, or scan the paper at 200 dots an inch."
        ) from None


def read_image(picture: Image.Image) -> list[str]:
    """The texts of the QR codes in a picture that is unpacked already, those of ours first.

    It is read at its own size, then larger, until a code of ours is found.
    """
    found: dict[str, None] = {}
    for image in _as_it_is_and_larger(picture if picture.mode == "L" else _grey(picture)):
        for each in zxingcpp.read_barcodes(image, formats=_QR)[:MAX_CODES]:
            found[each.text] = None
        if any(text.startswith(PREFIX) for text in found):
            break
    return sorted(found, key=lambda text: not text.startswith(PREFIX))


def _as_it_is_and_larger(picture: Image.Image) -> Iterator[Image.Image]:
    yield picture
    for scale in SCALES:
        size = (scale * picture.width, scale * picture.height)
        if size[0] * size[1] <= MAX_ENLARGED_PIXELS:
            yield picture.resize(size, Image.Resampling.BICUBIC)


def _grey(picture: Image.Image) -> Image.Image:
    """On white, where a picture is transparent; of 16 bits, the upper eight."""
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda level: level / 256).convert("L")
    if "A" in picture.getbands() or "transparency" in picture.info:
        ground = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(ground, picture.convert("RGBA")).convert("L")
    return picture.convert("L")


def _too_large() -> UnreadablePicture:
    return UnreadablePicture("This picture is too large.", "Take it again with fewer pixels, or cut it to the code.")
