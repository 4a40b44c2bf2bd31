"""The holder's photograph, as it is printed, embedded and hashed: small, upright, and without what a camera adds."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from appliance.journal.errors import OperatorError

SIZE: Final = (413, 531)
"""35 by 45 mm at 300 dots an inch, in dots."""
MAX_PHOTO_BYTES: Final = 16 * 1024 * 1024
MAX_PIXELS: Final = 40_000_000
_QUALITY: Final = 85


class PhotoRefused(OperatorError):
    """A picture that no photograph can be made of."""


def portrait(content: bytes) -> bytes:
    """Make the photograph of a certificate from a picture: cut to 35 by 45, as JPEG, with no place or time in it.

    Args:
        content: JPEG or PNG; intake has looked at it before.

    Returns:
        The bytes that the record's hash is over.

    Raises:
        PhotoRefused: it cannot be read, or is too large.
    """
    if len(content) > MAX_PHOTO_BYTES:
        raise PhotoRefused("The photograph is too large.", "Take it again, or scan it at 300 dots an inch.")
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG", "PNG"]) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise PhotoRefused("The photograph is too large.", "Take it again, or scan it at 300 dots an inch.")
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        raise PhotoRefused("The photograph cannot be read.", "Take it again, as JPEG or PNG.") from None
    ground = Image.new("RGBA", upright.size, "white")
    fitted = ImageOps.fit(Image.alpha_composite(ground, upright).convert("RGB"), SIZE, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    fitted.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
