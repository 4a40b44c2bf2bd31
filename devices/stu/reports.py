"""The reports of Wacom STU pads, as bytes in and out; no USB here.

As read in the vendor's published headers and agreed by an open implementation (docs/devices.md says how far each is
proven). Input reports are big-endian; rectangles, block lengths and brightness are little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from devices.contracts import PadCapability
from devices.errors import Garbled

VENDOR: Final = 0x056A
BLOCK_BYTES: Final = 253
BLOCK_REPORT_BYTES: Final = 255
GARBLED_STEP: Final = "Pull its cable out, put it in again; if it stays, call central IT."


class Report(IntEnum):
    """Numbers of feature reports."""

    STATUS = 0x03
    RESET = 0x04
    INFORMATION = 0x08
    CAPABILITY = 0x09
    UID = 0x0A
    SERIAL = 0x0F
    CLEAR_SCREEN = 0x20
    INKING = 0x21
    IMAGE_START = 0x25
    IMAGE_BLOCK = 0x26
    IMAGE_END = 0x27
    WRITING_AREA = 0x2A
    PEN_MODE = 0x32


class State(IntEnum):
    """What a pad says it is doing (report 03)."""

    READY = 0x00
    IMAGE = 0x01
    CAPTURE = 0x02
    CALCULATING = 0x03
    BOOT_IMAGE = 0x04
    ROM_BUSY = 0x05
    RESET = 0xFF


class EncodingFlag(IntFlag):
    """Pictures that a pad takes (last known byte of the long capability)."""

    ZLIB = 1
    MONO = 2
    RGB565 = 4
    BGR24 = 8


class Encoding(IntEnum):
    """How a picture's pixels are sent (report 25)."""

    MONO = 0x00
    RGB565 = 0x02
    BGR24 = 0x04


class PenMode(IntEnum):
    """What the pad adds to each sample (report 32)."""

    NONE = 0
    TIME = 1
    SEQUENCE = 2
    TIME_AND_SEQUENCE = 3


@dataclass(frozen=True, slots=True)
class Product:
    """A pad model: the sample mode to ask for, and the pictures it takes where the capability is silent about them."""

    name: str
    mode: PenMode
    encodings: EncodingFlag


PRODUCTS: Final[dict[int, Product]] = {
    0x00A1: Product("STU-500", PenMode.NONE, EncodingFlag.MONO),
    0x00A2: Product("STU-300", PenMode.NONE, EncodingFlag.MONO),
    0x00A3: Product("STU-520A", PenMode.TIME, EncodingFlag.RGB565),
    0x00A4: Product("STU-430", PenMode.TIME_AND_SEQUENCE, EncodingFlag.MONO),
    0x00A5: Product("STU-530", PenMode.TIME_AND_SEQUENCE, EncodingFlag.MONO | EncodingFlag.RGB565 | EncodingFlag.BGR24),
    0x00A8: Product("STU-540", PenMode.TIME_AND_SEQUENCE, EncodingFlag.MONO | EncodingFlag.RGB565 | EncodingFlag.BGR24),
}
"""Pads served, by USB product number. The 430V (00a6) and the 541 (00a9, TLS only) are not."""


@dataclass(frozen=True, slots=True)
class PadReport:
    """One input report. `time_ms` and `sequence` are 16 bits and wrap; None where the report does not have them."""

    form: int
    near: bool
    down: bool
    pressure: int
    x: int
    y: int
    time_ms: int | None = None
    sequence: int | None = None


FORMS: Final = {0x01: 6, 0x30: 8, 0x34: 10}
"""Input report numbers and the bytes that follow the number."""


def read_report(data: bytes, mode: PenMode) -> PadReport | None:
    """Read an input report; None where it is none of the plain forms or has another length.

    Args:
        data: the report with its number.
        mode: the sample mode that was set; it says what the option of form 0x30 is.
    """
    if not data or FORMS.get(data[0]) != len(data) - 1:
        return None
    head, low, x, y = struct.unpack_from(">BBHH", data, 1)
    time_ms = sequence = None
    if data[0] == 0x30:
        (option,) = struct.unpack_from(">H", data, 7)
        time_ms = option if mode is PenMode.TIME else None
        sequence = option if mode is PenMode.SEQUENCE else None
    elif data[0] == 0x34:
        time_ms, sequence = struct.unpack_from(">HH", data, 7)
    return PadReport(data[0], bool(head & 0x80), bool(head & 0x70), (head & 0x0F) << 8 | low, x, y, time_ms, sequence)


def read_capability(payload: bytes) -> tuple[PadCapability, EncodingFlag]:
    """Read report 09, in its form of 10 or 16 bytes; the flags are empty where it does not have them.

    Raises:
        Garbled: another length, or a pad without a size.
    """
    if len(payload) < 10:
        raise Garbled("The signature pad does not say what it can do.", GARBLED_STEP)
    max_x, max_y, max_pressure, width, height = struct.unpack_from(">HHHHH", payload)
    rate, resolution, flags = struct.unpack_from(">BHB", payload, 10) if len(payload) >= 16 else (0, 0, 0)
    if not (max_x and max_y and max_pressure and 64 <= width <= 4096 and 64 <= height <= 4096):
        raise Garbled("The signature pad tells sizes that cannot be.", GARBLED_STEP)
    return PadCapability(max_x, max_y, max_pressure, width, height, rate, resolution), EncodingFlag(flags & 0x0F)


def read_model(payload: bytes) -> str:
    """The model's name from report 08."""
    return "".join(c for c in payload[:9].split(b"\0")[0].decode("ascii", "replace") if c.isprintable()).strip()


def image_blocks(pixels: bytes) -> list[bytes]:
    """Payloads of report 26 for a picture."""
    blocks = []
    for start in range(0, len(pixels), BLOCK_BYTES):
        part = pixels[start : start + BLOCK_BYTES]
        blocks.append((struct.pack("<H", len(part)) + part).ljust(BLOCK_REPORT_BYTES, b"\0"))
    return blocks


def rectangle(left: int, top: int, right: int, bottom: int) -> bytes:
    """A rectangle as report 2A wants it, in pixels."""
    return struct.pack("<HHHH", left, top, right, bottom)


def best_encoding(flags: EncodingFlag, product: Product, *, colour: bool) -> Encoding:
    """How to send a picture.

    Black and white is preferred: a screen of text is 48 kB instead of 1.1 MB over blocks of 253 bytes. With `colour`,
    or where the pad takes no black and white, it is 24 bits, else 16.
    """
    able = (flags or product.encodings) & ~EncodingFlag.ZLIB or product.encodings
    if EncodingFlag.MONO in able and not (colour and able & (EncodingFlag.RGB565 | EncodingFlag.BGR24)):
        return Encoding.MONO
    return Encoding.BGR24 if EncodingFlag.BGR24 in able else Encoding.RGB565
