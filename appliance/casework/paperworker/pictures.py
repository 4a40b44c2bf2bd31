"""JPEG, PNG and TIFF papers, by Pillow: every page is decoded to its last row, so that a file cut short is seen."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Final

# Pillow imports these when it first needs them; here nothing can be imported later.
from PIL import ExifTags as _ExifTags  # noqa: F401
from PIL import Image, ImageFile, ImageOps
from PIL import ImagePalette as _ImagePalette  # noqa: F401
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from appliance.casework.paperworker import limits
from appliance.casework.paperworker.message import Answer, Pixels, Verdict

_OPENERS: Final[Mapping[str, type[ImageFile.ImageFile]]] = {
    "image/jpeg": JpegImageFile,
    "image/png": PngImageFile,
    "image/tiff": TiffImageFile,
}
_ORIENTATION: Final = 0x0112
_ON_ITS_SIDE: Final = frozenset({5, 6, 7, 8})
_SIXTEEN_BITS: Final = frozenset({"I;16", "I;16B", "I;16L", "I;16N", "I"})
_WHITE: Final = (255, 255, 255)


def read(content: bytes, media_type: str) -> Answer:
    """What this picture is.

    Raises:
        Exception: of any type; the file is broken then.
    """
    warnings.simplefilter("ignore")
    # Our own bound is checked on the head of each page, before its pixels are given room.
    Image.MAX_IMAGE_PIXELS = None
    with _OPENERS[media_type](io.BytesIO(content)) as picture:
        if media_type == "image/png" and getattr(picture, "is_animated", False):
            return Answer(Verdict.MOVES)
        bad = _bad_size(picture)
        if bad is not None:
            return Answer(bad)
        width, height = picture.size
        if _orientation(picture) in _ON_ITS_SIDE:
            width, height = height, width
        # A JPEG can be decoded at a fraction of its size; all of the file is read all the same.
        picture.draft(None, (limits.THUMBNAIL_PX, limits.THUMBNAIL_PX))
        picture.load()
        thumbnail = small(picture)
        if media_type != "image/tiff":
            return Answer(Verdict.SHOWN, 1, width, height, thumbnail=thumbnail)
        verdict, pages = _other_pages(picture)
        return Answer(verdict, pages, width, height, thumbnail=thumbnail)


def draw(content: bytes, media_type: str, page: int) -> Answer:
    """One page of this picture, from 1, large enough to be read.

    Raises:
        Exception: of any type; the file is broken then, or has no such page.
    """
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None
    with _OPENERS[media_type](io.BytesIO(content)) as picture:
        picture.seek(page - 1)
        bad = _bad_size(picture)
        if bad is not None:
            return Answer(bad, page)
        picture.draft(None, (limits.DRAWN_PX, limits.DRAWN_PX))
        picture.load()
        return Answer(Verdict.SHOWN, page, thumbnail=small(picture, limits.DRAWN_PX))


def small(picture: Image.Image, side_px: int = limits.THUMBNAIL_PX) -> Pixels:
    """A picture made as small as that, upright, on white."""
    if picture.mode in _SIXTEEN_BITS:
        picture = picture.convert("I").point(lambda value: value / 256)
    if picture.mode in ("1", "I", "F"):
        picture = picture.convert("L")
    elif picture.mode == "P":
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    picture.thumbnail((side_px, side_px), reducing_gap=2.0)
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in ("LA", "PA", "RGBA", "La", "RGBa"):
        picture = picture.convert("RGBA")
        paper = Image.new("RGB", picture.size, _WHITE)
        paper.paste(picture, mask=picture.getchannel("A"))
        picture = paper
    picture = picture.convert("RGB")
    return Pixels(picture.width, picture.height, picture.tobytes())


def _other_pages(picture: ImageFile.ImageFile) -> tuple[Verdict, int]:
    """Decodes the pages after the first; answers how many there are in all, or which one is the trouble."""
    page = 1
    while True:
        try:
            picture.seek(page)
        except EOFError:
            return Verdict.SHOWN, page
        page += 1
        if page > limits.MAX_PAGES:
            return Verdict.TOO_MANY_PAGES, 0
        if _bad_size(picture) is not None:
            return Verdict.PAGE_TOO_LARGE, page
        try:
            picture.load()
        except (OSError, ValueError, SyntaxError):
            return Verdict.PAGE_BROKEN, page


def _bad_size(picture: Image.Image) -> Verdict | None:
    width, height = picture.size
    if width * height > limits.MAX_PIXELS or max(width, height) > limits.MAX_SIDE_PX:
        return Verdict.TOO_MANY_PIXELS
    return Verdict.TOO_SMALL if min(width, height) < limits.MIN_SIDE_PX else None


def _orientation(picture: Image.Image) -> int:
    return int(picture.getexif().get(_ORIENTATION, 1))
