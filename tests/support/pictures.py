"""Makes the pictures in `docs/pictures/` of certificates and receipts: `python -m tests.support.pictures`."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from PIL import Image

from appliance.certificates.receipt import render_receipt
from appliance.certificates.render import preview_certificate
from tests.support.certificates import QR_TEXT, domicile, photograph, receipt, residence, signature
from tests.support.sealing_centre import new_centre

FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures"
_COLOURS: Final = 48


def main() -> None:
    """Write them, in place of those that are there."""
    FOLDER.mkdir(exist_ok=True)
    photo, key = photograph(), new_centre().key
    for name, record in (("certificate-en-ur", domicile(photo)), ("certificate-en-hi", residence(photo))):
        png = preview_certificate(
            record, photo=photo, signature_png=signature(), qr_text=QR_TEXT, marks=["SIMULATED"], dots_per_inch=96
        )
        with Image.open(io.BytesIO(png)) as page:
            page.convert("RGB").quantize(_COLOURS).save(FOLDER / f"{name}.png", optimize=True)
    drawn = [Image.open(io.BytesIO(render_receipt(receipt(each, key)))).convert("L") for each in ("en", "ur", "hi")]
    sheet = Image.new("L", (sum(each.width + 24 for each in drawn), max(each.height for each in drawn)), 190)
    left = 0
    for each in drawn:
        sheet.paste(each, (left, 0))
        left += each.width + 24
    small = sheet.resize((sheet.width // 2, sheet.height // 2), Image.Resampling.LANCZOS)
    small.quantize(16).save(FOLDER / "receipts.png", optimize=True)


if __name__ == "__main__":
    main()
