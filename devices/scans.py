"""What is done to a scanned page before anybody keeps it: empty pages out, straight, cut to its content, small.

Nothing here is undone later, so each step does little when it is unsure: a page is turned by at most 5 degrees, and a
margin stays around what is on it.
"""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, ImageChops, ImageOps

from devices.contracts import ScanColour, ScannedPage

PAPER_LEVEL: Final = 200
"""Lighter than this is paper."""
BLANK_SHARE: Final = 0.0004
"""A page with less ink than this share of its area is empty: dust, and what shows through."""
BORDER_SHARE: Final = 0.03
"""The edge that is not looked at for ink: shadows of the lid."""
PROBE_PX: Final = 500
MAX_TURN_DEG: Final = 5.0
STEP_DEG: Final = 0.25
MARGIN_MM: Final = 4.0
SPECK_PX: Final = 5
GOAL_BYTES: Final = 300_000
QUALITIES: Final = (80, 70, 60, 50, 40, 30, 20)


def finish(image: Image.Image, colour: ScanColour, resolution_dpi: int) -> ScannedPage | None:
    """A page as it is kept; None if it is empty.

    The file is under 300 kB wherever a JPEG quality of 20 or better reaches that; nothing is made coarser than that.
    """
    if is_blank(image):
        return None
    image = image.convert("L" if colour is ScanColour.GREY else "RGB")
    turn = skew_deg(image)
    if turn:
        white = 255 if image.mode == "L" else (255, 255, 255)
        image = image.rotate(turn, Image.Resampling.BICUBIC, expand=True, fillcolor=white)
    image = crop(image, round(MARGIN_MM / 25.4 * resolution_dpi))
    data = b""
    for quality in QUALITIES:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality, optimize=True, dpi=(resolution_dpi, resolution_dpi))
        data = out.getvalue()
        if len(data) < GOAL_BYTES:
            break
    return ScannedPage(data, image.width, image.height, resolution_dpi)


def is_blank(image: Image.Image) -> bool:
    """Whether there is nothing on a page but dust and its edges."""
    grey = _ink(image)
    across, down = round(grey.width * BORDER_SHARE), round(grey.height * BORDER_SHARE)
    inner = grey.crop((across, down, grey.width - across, grey.height - down))
    return inner.histogram()[255] < BLANK_SHARE * inner.width * inner.height


def skew_deg(image: Image.Image) -> float:
    """By how many degrees to turn a page (counter-clockwise) so that its lines lie level; 0 where that is unclear.

    The rows of level text are dark or light, those of slanted text are grey: the angle with the sharpest rows wins.
    """
    probe = _ink(image)
    probe.thumbnail((PROBE_PX, PROBE_PX * 2), Image.Resampling.BOX)
    steps = round(MAX_TURN_DEG / STEP_DEG)
    scores = {step * STEP_DEG: _sharpness(probe, step * STEP_DEG) for step in range(-steps, steps + 1)}
    best = max(scores, key=lambda angle: (scores[angle], -abs(angle)))
    return best if scores[best] > 1.1 * scores[0.0] and abs(best) < MAX_TURN_DEG else 0.0


def crop(image: Image.Image, margin_px: int) -> Image.Image:
    """Cut away the empty edges, all but a margin; specks do not count."""
    small = _ink(image).reduce(SPECK_PX).point(lambda level: 255 if level > 255 // SPECK_PX else 0)
    box = small.getbbox()
    if box is None:
        return image
    return image.crop(
        (
            max(0, box[0] * SPECK_PX - margin_px),
            max(0, box[1] * SPECK_PX - margin_px),
            min(image.width, box[2] * SPECK_PX + margin_px),
            min(image.height, box[3] * SPECK_PX + margin_px),
        )
    )


def _ink(image: Image.Image) -> Image.Image:
    """255 where there is ink, 0 where there is paper."""
    return ImageOps.invert(image.convert("L").point(lambda level: 255 if level >= PAPER_LEVEL else 0))


def _sharpness(ink: Image.Image, angle: float) -> int:
    rows = (
        ink.rotate(angle, Image.Resampling.BILINEAR, fillcolor=0)
        .convert("F")
        .resize((1, ink.height), Image.Resampling.BOX)
    )
    scaled = rows.point(lambda level: level * 1.0).convert("L")
    step = ImageChops.difference(scaled, ImageChops.offset(scaled, 0, 1))
    return sum(count * level * level for level, count in enumerate(step.histogram()))
