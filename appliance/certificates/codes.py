"""QR codes (ISO/IEC 18004) with their quiet zone: as shapes, sharp at any size, or as a picture, which is set faster.

Drawn by zxing-cpp, in 1 ms where segno takes 30 (ADR 0008).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

import zxingcpp

from appliance.journal.errors import BugError

QUIET: Final = 4
"""Modules of white on each side."""
MAX_VERSION: Final = 17
"""Larger ones are not read reliably from paper at 45 mm."""
# Rows overlap by a hair, so that no renderer shows a light line between them.
_OVERLAP: Final = 0.04


@dataclass(frozen=True, slots=True)
class Code:
    """A drawn code."""

    svg: str
    modules: int
    """Of one side, the quiet zone included."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A code as a picture.

    Attributes:
        dots: a byte each, row after row: 0 is black, 255 white.
        side: how many dots one side has, the quiet zone included.
    """

    dots: bytes
    side: int


def picture_of_code(text: str, dots: int) -> Picture:
    """A text as a picture of a QR code at level M.

    Args:
        text: what the code says.
        dots: along one side of a module.

    Raises:
        BugError: the text is empty, or too long for version 17.
    """
    picture = _picture(_encoded(text), dots, quiet=True)
    return Picture(picture.tobytes(), len(picture))


def draw_code(text: str) -> Code:
    """Draw a text as a QR code at level M.

    Raises:
        BugError: the text is empty, or too long for version 17.
    """
    modules = cast("list[list[int]]", _picture(_encoded(text), 1, quiet=False).tolist())
    rows = ["".join("0" if level else "1" for level in row) for row in modules]
    side = len(rows) + 2 * QUIET
    path = "".join(_runs(rows))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{side}" height="{side}">'
        f'<rect width="{side}" height="{side}" fill="#fff"/><path d="{path}" fill="#000"/></svg>'
    )
    return Code(svg, side)


def _encoded(text: str) -> zxingcpp.Barcode:
    try:
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    except ValueError:
        raise BugError("This text does not fit into a QR code.") from None
    if not text or len(_picture(code, 1, quiet=False)) > 17 + 4 * MAX_VERSION:
        raise BugError(f"A QR code on paper holds less text than this: {len(text)} characters.")
    return code


def _picture(code: zxingcpp.Barcode, dots: int, *, quiet: bool) -> memoryview:
    # A buffer of two dimensions, which the library's types do not say.
    return memoryview(cast("bytes", code.to_image(scale=dots, add_quiet_zones=quiet)))


def _runs(rows: list[str]) -> list[str]:
    """Each run of dark modules as a rectangle."""
    drawn = []
    for y, row in enumerate(rows):
        x = row.find("1")
        while x >= 0:
            end = row.find("0", x)
            end = len(row) if end < 0 else end
            drawn.append(f"M{x + QUIET} {y + QUIET}h{end - x}v{1 + _OVERLAP}h-{end - x}z")
            x = row.find("1", end)
    return drawn
