"""QR codes (ISO/IEC 18004) as shapes: sharp at any size, with their quiet zone.

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


def draw_code(text: str) -> Code:
    """Draw a text as a QR code at level M.

    Raises:
        BugError: the text is empty, or too long for version 17.
    """
    try:
        drawn = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    except ValueError:
        raise BugError("This text does not fit into a QR code.") from None
    # Its picture is a buffer of two dimensions, which the library's types do not say.
    picture = memoryview(cast("bytes", drawn.to_image(scale=1, add_quiet_zones=False)))
    modules = cast("list[list[int]]", picture.tolist())
    if not text or len(modules) > 17 + 4 * MAX_VERSION:
        raise BugError(f"A QR code on paper holds less text than this: {len(text)} characters.")
    rows = ["".join("0" if level else "1" for level in row) for row in modules]
    side = len(rows) + 2 * QUIET
    path = "".join(_runs(rows))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{side}" height="{side}">'
        f'<rect width="{side}" height="{side}" fill="#fff"/><path d="{path}" fill="#000"/></svg>'
    )
    return Code(svg, side)


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
