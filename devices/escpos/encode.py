"""Receipts as ESC/POS bytes: python-escpos encodes, nothing is sent here.

A receipt becomes pieces. Each piece is one or more whole commands, so a status question may go between two pieces and
never inside a command, where the printer would take it for data.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final

from PIL import Image

from devices.contracts import (
    MAX_LINE_CHARACTERS,
    MAX_PICTURE_ROWS,
    MAX_RECEIPT_PARTS,
    Align,
    Cut,
    Line,
    OpenDrawer,
    Picture,
    QrCode,
    Raster,
    ReceiptPart,
)
from devices.errors import Unprintable
from devices.escpos.library import new_encoder
from devices.pictures import open_picture, to_mono

BAND_ROWS: Final = 48
"""Rows of a picture in one command: small enough that a status question is never far away."""
MAX_QR_BYTES: Final = 1_200
PRINTABLE_DIRECTIONS: Final = frozenset({"L", "EN", "ES", "ET", "CS", "ON", "WS"})
BUG_STEP: Final = "Tell central IT: this is a fault of the program."


class ReceiptEncoder:
    """Encodes for one printer model.

    Args:
        profile: a printer profile of python-escpos; `default` fits most.
        width_dots: the printable width: 576 for 80 mm paper, 384 for 58 mm.
    """

    def __init__(self, profile: str = "default", width_dots: int = 576) -> None:
        self.width_dots = width_dots
        self._profile = profile
        self._sayable: dict[str, bool] = {}

    def can_say(self, text: str) -> bool:
        """Whether a code page of the printer has every character, and the printer sets it rightly.

        Right-to-left and joining scripts are never said as text: a printer lays their letters out one by one from the
        left, whatever its code pages hold.
        """
        return len(text) <= MAX_LINE_CHARACTERS and all(self._can_say(character) for character in text)

    def pieces(self, parts: Sequence[ReceiptPart]) -> tuple[bytes, ...]:
        """Encode a receipt; the first piece resets the printer's modes.

        Raises:
            Unprintable: a part cannot be put on this printer; the sentence counts the part, and never quotes it.
        """
        if len(parts) > MAX_RECEIPT_PARTS:
            raise Unprintable(f"A receipt of more than {MAX_RECEIPT_PARTS} parts is refused.", BUG_STEP)
        printer = self._fresh()
        printer.hw("INIT")
        made = [_taken(printer)]
        for number, part in enumerate(parts, start=1):
            made.extend(self._part(printer, part, number))
        return tuple(piece for piece in made if piece)

    def _fresh(self) -> Any:
        return new_encoder(self._profile, self.width_dots)

    @functools.cached_property
    def _probe(self) -> Any:
        return self._fresh()

    def _can_say(self, character: str) -> bool:
        known = self._sayable.get(character)
        if known is None:
            known = (
                unicodedata.category(character)[0] not in "CM"
                and unicodedata.bidirectional(character) in PRINTABLE_DIRECTIONS
                and self._probe.magic.encoder.find_suitable_encoding(character) is not None
            )
            self._sayable[character] = known
        return known

    def _part(self, printer: Any, part: ReceiptPart, number: int) -> Iterator[bytes]:
        match part:
            case Line():
                if self.can_say(part.text):
                    printer.set(
                        align=part.align.value, bold=part.bold, normal_textsize=not part.large,
                        double_width=part.large or None, double_height=part.large or None,
                    )  # fmt: skip
                    printer.textln(part.text)
                    yield _taken(printer)
                elif part.picture is not None:
                    yield from self._bands(printer, part.picture, part.align, number)
                else:
                    raise Unprintable(
                        f"Part {number} of the receipt has a character that this printer does not have.",
                        "It must be printed as a picture. " + BUG_STEP,
                    )
            case Raster():
                yield from self._bands(printer, part.picture, part.align, number)
            case QrCode():
                if not 0 < len(part.text.encode()) <= MAX_QR_BYTES or not 1 <= part.size <= 16:
                    raise Unprintable(f"Part {number} of the receipt is no QR code that fits.", BUG_STEP)
                printer.set(align="center")
                if printer.profile.supports("qrCode"):
                    printer.qr(part.text, ec=1, size=part.size, native=True)
                else:
                    printer.qr(part.text, ec=1, size=part.size, image_arguments={"fragment_height": BAND_ROWS})
                yield _taken(printer)
            case Cut():
                printer.set(align="left")
                printer.cut()
                yield _taken(printer)
            case OpenDrawer():
                if part.pin not in (2, 5):
                    raise Unprintable("A cash drawer is kicked at pin 2 or 5.", "Correct the printer's settings.")
                printer.cashdraw(part.pin)
                yield _taken(printer)

    def _bands(self, printer: Any, picture: Picture, align: Align, number: int) -> Iterator[bytes]:
        image = to_mono(open_picture(picture))
        if image.width > self.width_dots or image.height > MAX_PICTURE_ROWS:
            raise Unprintable(f"The picture in part {number} of the receipt does not fit on the paper.", BUG_STEP)
        spare = self.width_dots - image.width
        left = {Align.LEFT: 0, Align.CENTER: spare // 2, Align.RIGHT: spare}[align]
        row = Image.new("1", (left + image.width, image.height), 1)
        row.paste(image, (left, 0))
        printer.set(align="left")
        for top in range(0, row.height, BAND_ROWS):
            printer.image(row.crop((0, top, row.width, min(top + BAND_ROWS, row.height))))
            yield _taken(printer)


def _taken(printer: Any) -> bytes:
    """What was encoded since the last time."""
    data: bytes = printer.output
    printer.clear()
    return data
