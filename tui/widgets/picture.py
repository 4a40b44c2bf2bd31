"""A page in a terminal: each cell is eight dots of braille, two wide and four high, dark where the paper is dark.

It is a look at a page, to tell papers from each other and to see stamps, tables and large print. It does not replace
the paper.
"""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, ImageOps
from rich.text import Text

# Unicode 15, block Braille Patterns: the bit of each dot, by row and column of the cell.
_BITS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK: Final = 0x2800
_DARK_SHARE: Final = 0.82
"""A dot is dark where it is darker than this share of its neighbourhood's brightness."""
_DARK_SHARE_SMALL: Final = 0.93
"""The same where the page is shrunk below its half, so that print has turned to a grey."""
_NEIGHBOURHOOD: Final = 12


def braille(png: bytes, columns: int, lines: int, *, zoom: float = 1.0, left: float = 0.0, top: float = 0.0) -> Text:
    """A picture as text.

    Args:
        png: of our own making (`inspect_paper` gives it), so it can be read here.
        columns, lines: how many cells there are.
        zoom: 1 shows the whole page.
        left, top: what part of the page lies left of and above what is shown, 0 to 1.
    """
    if columns < 1 or lines < 1 or not png:
        return Text()
    with Image.open(io.BytesIO(png)) as opened:
        page = ImageOps.autocontrast(opened.convert("L"))
    width, height = columns * 2, lines * 4
    scale = min(width / page.width, height / page.height) * zoom
    whole = page.resize(
        (max(1, round(page.width * scale)), max(1, round(page.height * scale))), Image.Resampling.LANCZOS
    )
    x = round(min(left, max(0.0, 1 - width / whole.width)) * whole.width)
    y = round(min(top, max(0.0, 1 - height / whole.height)) * whole.height)
    part = whole.crop((x, y, min(x + width, whole.width), min(y + height, whole.height)))
    around = part.resize(
        (max(1, part.width // _NEIGHBOURHOOD), max(1, part.height // _NEIGHBOURHOOD)), Image.Resampling.BOX
    )
    around = around.resize(part.size, Image.Resampling.BILINEAR)
    share = _DARK_SHARE if scale > 0.5 else _DARK_SHARE_SMALL
    return Text(_cells(part.tobytes(), around.tobytes(), part.width, part.height, share), no_wrap=True)


def _cells(dots: bytes, around: bytes, width: int, height: int, share: float) -> str:
    lines = []
    for row in range(0, height, 4):
        cells = []
        for column in range(0, width, 2):
            bits = 0
            for dy in range(min(4, height - row)):
                at = (row + dy) * width + column
                for dx in range(min(2, width - column)):
                    if dots[at + dx] < around[at + dx] * share:
                        bits |= _BITS[dy][dx]
            cells.append(chr(_BLANK + bits))
        lines.append("".join(cells))
    return "\n".join(lines)
