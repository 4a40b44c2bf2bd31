"""Signatures as data: the bytes that are sealed, the hash that binds them to a document, and how they look.

The picture is for people. What counts is the binding: SHA-256 over the hash of the document that the pad showed and the
hash of the sealed strokes. Whoever has both can check it; the strokes stay sealed.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from devices.contracts import Identity, Kind, PadCapability, PenSample, Picture, SampleClock, Signature
from devices.errors import Garbled
from devices.pictures import to_png

FORMAT: Final = "sanad signature v1"
BINDING_DOMAIN: Final = b"sanad signature binding v1\0"
PIECES_A_STEP: Final = 4
"""Points drawn for each sample of the pen."""
CAP_POINTS: Final = 8
THINNEST: Final = 0.25
"""The width at no pressure, as a part of the widest."""
WIDEST_SHARE: Final = 1 / 110
"""The widest line, as a part of the pad's width."""
SUPERSAMPLE: Final = 4
SIMULATED: Final = "SIMULATED"
"""Stands in the picture of a signature that no citizen wrote: the picture goes on paper."""
MARK_SHARE: Final = 1 / 10
"""The height of its letters, as a part of the pad's width."""
MAX_SEALED_BYTES: Final = 8 * 1024 * 1024
BROKEN: Final = "The sealed signature is not in the form that Sanad writes."

Point = tuple[float, float]


def to_bytes(signature: Signature) -> bytes:
    """The signature as bytes to seal: JSON, the same bytes for the same signature."""
    pad, can = signature.pad, signature.capability
    return json.dumps(
        {
            "format": FORMAT,
            "pad": [pad.vendor, pad.product, pad.model, pad.serial, pad.port, pad.simulated],
            "capability": [
                can.max_x,
                can.max_y,
                can.max_pressure,
                can.width_px,
                can.height_px,
                can.rate_hz,
                can.resolution_lpi,
            ],
            "document": signature.document_sha256.hex(),
            "clock": signature.clock.value,
            "lost": signature.lost,
            "samples": [[s.t_ms, s.x, s.y, s.pressure, int(s.down)] for s in signature.samples],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def from_bytes(data: bytes) -> Signature:
    """Read what `to_bytes` wrote.

    Raises:
        Garbled: it is anything else; the same signature must give the same bytes again.
    """
    try:
        if len(data) > MAX_SEALED_BYTES:
            raise ValueError("too long")
        found = json.loads(data)
        vendor, product, model, serial, port, simulated = found["pad"]
        signature = Signature(
            Identity(Kind.SIGNATURE_PAD, vendor, product, model, serial, port, simulated),
            PadCapability(*found["capability"]),
            bytes.fromhex(found["document"]),
            SampleClock(found["clock"]),
            tuple(PenSample(t, x, y, pressure, bool(down)) for t, x, y, pressure, down in found["samples"]),
            found["lost"],
        )
        numbers = [found["capability"], *found["samples"]]
        same = to_bytes(signature) == data and all(type(n) is int for row in numbers for n in row)
        able = signature.capability
        if not same or min(able.max_x, able.max_y, able.max_pressure) < 1:
            raise ValueError("not as it is written")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Garbled(BROKEN, "Call central IT.") from None
    return signature


def binding(document_sha256: bytes, sealed_form: bytes) -> bytes:
    """What ties strokes to the document that the citizen saw: 32 bytes.

    Args:
        document_sha256: hash of the document shown, 32 bytes.
        sealed_form: the bytes of `to_bytes`.
    """
    return hashlib.sha256(BINDING_DOMAIN + document_sha256 + hashlib.sha256(sealed_form).digest()).digest()


def strokes(signature: Signature) -> list[list[PenSample]]:
    """The samples with the pen down, stroke by stroke."""
    out: list[list[PenSample]] = [[]]
    for sample in signature.samples:
        if sample.down:
            out[-1].append(sample)
        elif out[-1]:
            out.append([])
    return [stroke for stroke in out if stroke]


def outlines(signature: Signature, width: float) -> tuple[float, list[list[Point]]]:
    """Each stroke as the outline of a line that is wider where the pen pressed.

    Args:
        signature: what was written.
        width: how wide the whole pad is to be.

    Returns:
        The height that goes with the width, and one closed polygon for each stroke, to be filled by the non-zero rule.
    """
    scale = width / signature.capability.max_x
    widest = width * WIDEST_SHARE
    polygons = []
    for stroke in strokes(signature):
        line = [(s.x * scale, s.y * scale, _radius(s.pressure, signature, widest)) for s in stroke]
        polygons.append(_outline(_smooth(line)))
    return signature.capability.max_y * scale, polygons


def to_svg(signature: Signature, width: float = 400.0) -> str:
    """A vector drawing, black on nothing, with no text in it."""
    height, polygons = outlines(signature, width)
    paths = "".join('<path d="M' + "L".join(f"{x:.2f} {y:.2f}" for x, y in polygon) + 'Z"/>' for polygon in polygons)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.2f} {height:.2f}" '
        f'width="{width:.2f}" height="{height:.2f}"><g fill="#000" fill-rule="nonzero">{paths}</g></svg>'
    )


def to_picture(signature: Signature, width: int = 800) -> Picture:
    """A PNG, black on transparent, `width` pixels wide; marked where the pad was simulated."""
    height, polygons = outlines(signature, width * SUPERSAMPLE)
    mask = Image.new("L", (width * SUPERSAMPLE, max(1, math.ceil(height))), 0)
    pen = ImageDraw.Draw(mask)
    for polygon in polygons:
        _fill(pen, polygon)
    if signature.pad.simulated:
        font = ImageFont.load_default(mask.width * MARK_SHARE)
        pen.text((mask.width / 2, 0), SIMULATED, fill=255, font=font, anchor="mt")
    small = mask.resize((width, max(1, math.ceil(height / SUPERSAMPLE))), Image.Resampling.LANCZOS)
    out = Image.new("RGBA", small.size, (0, 0, 0, 0))
    out.putalpha(small)
    return to_png(out)


def _fill(pen: ImageDraw.ImageDraw, polygon: list[Point]) -> None:
    """Fill by the non-zero rule: as the quadrilaterals and caps that the outline was made of."""
    side = (len(polygon) - 2 * (CAP_POINTS + 1)) // 2
    left, right = polygon[:side], polygon[side + CAP_POINTS + 1 : 2 * side + CAP_POINTS + 1][::-1]
    for i in range(side - 1):
        pen.polygon([left[i], left[i + 1], right[i + 1], right[i]], fill=255)
    for a, b in zip(left, right, strict=True):
        x, y, r = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2, math.dist(a, b) / 2
        pen.ellipse((x - r, y - r, x + r, y + r), fill=255)


def _radius(pressure: int, signature: Signature, widest: float) -> float:
    share = min(1.0, max(0.0, pressure / signature.capability.max_pressure))
    return widest * (THINNEST + (1 - THINNEST) * share) / 2


def _smooth(line: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """A Catmull-Rom curve through the samples; the radius runs straight between them."""
    out = [line[0]]
    for i in range(len(line) - 1):
        before, a, b, after = line[max(0, i - 1)], line[i], line[i + 1], line[min(len(line) - 1, i + 2)]
        for step in range(1, PIECES_A_STEP + 1):
            t = step / PIECES_A_STEP
            x, y = (_catmull_rom(before[k], a[k], b[k], after[k], t) for k in (0, 1))
            out.append((x, y, a[2] + (b[2] - a[2]) * t))
    return out


def _catmull_rom(p0: float, p1: float, p2: float, p3: float, t: float) -> float:
    return 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)


def _outline(line: list[tuple[float, float, float]]) -> list[Point]:
    """Down one side, round the end, back on the other side, round the start."""
    left, right = [], []
    angle = 0.0
    angles = []
    for i, (x, y, r) in enumerate(line):
        before, after = line[max(0, i - 1)], line[min(len(line) - 1, i + 1)]
        dx, dy = after[0] - before[0], after[1] - before[1]
        angle = math.atan2(dy, dx) if dx or dy else angle
        angles.append(angle)
        left.append((x + r * math.sin(angle), y - r * math.cos(angle)))
        right.append((x - r * math.sin(angle), y + r * math.cos(angle)))
    start, end = line[0], line[-1]
    return [
        *left,
        *_cap(end, angles[-1] - math.pi / 2),
        *reversed(right),
        *_cap(start, angles[0] + math.pi / 2),
    ]


def _cap(at: tuple[float, float, float], begin: float) -> list[Point]:
    turn = [begin + math.pi * i / CAP_POINTS for i in range(CAP_POINTS + 1)]
    return [(at[0] + at[2] * math.cos(a), at[1] + at[2] * math.sin(a)) for a in turn]
