"""Bar codes and QR codes in a picture."""

from __future__ import annotations

import zxingcpp

from devices.contracts import Code, Picture
from devices.pictures import open_picture


def read_picture(picture: Picture) -> tuple[Code, ...]:
    """Every code in a picture, from the top.

    Raises:
        Unprintable: the picture cannot be read as a PNG.
    """
    found = zxingcpp.read_barcodes(open_picture(picture).convert("L"))
    placed = sorted(found, key=lambda code: (code.position.top_left.y, code.position.top_left.x))
    return tuple(Code(code.text, code.format.name) for code in placed if code.text)
