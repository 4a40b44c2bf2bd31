"""Makes the pictures in `docs/pictures/` of certificates and receipts: `python -m tests.support.pictures`."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import msgspec
from PIL import Image

from appliance.certificates.receipt import render_receipt
from appliance.certificates.record import Attester, CertificateRecord
from appliance.certificates.render import preview_certificate
from provisioning.specimenpapers import specimen_page
from tests.support.certificates import QR_TEXT, domicile, photograph, receipt, residence, signature
from tests.support.every_certificate import certificate_of, scan_of
from tests.support.sealing_centre import new_centre

FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures"
SHEET: Final = ("birth", "driving_licence_new", "fard", "vehicle_registration_new", "domicile", "haryana_residence")
"""The services shown side by side."""
_COLOURS: Final = 160
_DOTS_PER_INCH: Final = 96
_GROUND: Final = (190, 190, 190)
_GAP: Final = 16


def main() -> None:
    """Write them, in place of those that are there."""
    FOLDER.mkdir(exist_ok=True)
    photo = photograph()
    for name, record in (("certificate-en-ur", domicile(photo)), ("certificate-en-hi", residence(photo))):
        _save(page(record, photo, marks=("SIMULATED",)), name)
    services = [page(certificate_of(each, photo), photo, dots_per_inch=60) for each in SHEET]
    _save(sheet([_beside(services[:3]), _beside(services[3:])], down=True), "certificate-services")
    _save(_beside(after_issue(photo)), "certificate-after-issue")
    key = new_centre().key
    drawn = [Image.open(io.BytesIO(render_receipt(receipt(each, key)))).convert("L") for each in ("en", "ur", "hi")]
    receipts = sheet(drawn)
    small = receipts.resize((receipts.width // 2, receipts.height // 2), Image.Resampling.LANCZOS)
    small.convert("L").quantize(16).save(FOLDER / "receipts.png", optimize=True)


def page(
    record: CertificateRecord, photo: bytes, *, marks: tuple[str, ...] = (), dots_per_inch: float = _DOTS_PER_INCH
) -> Image.Image:
    """The page of a certificate, with its photograph if it has one."""
    png = preview_certificate(
        record,
        photo=photo if record.holder.photo_sha256 else None,
        signature_png=signature(),
        qr_text=QR_TEXT,
        marks=marks,
        dots_per_inch=dots_per_inch,
    )
    return Image.open(io.BytesIO(png)).convert("RGB")


def after_issue(photo: bytes) -> list[Image.Image]:
    """One that supersedes another, signed by an officer; and an attested copy with the page that it copies."""
    officer = Attester("Specimen Rabia Bibi", {"en": "SSP Traffic", "ur": "ایس ایس پی ٹریفک"})
    corrected = msgspec.structs.replace(
        certificate_of("driving_licence_new", photo),
        replaces="PEW01-0000007",
        sealed_by="officer",
        signed_by=officer,
    )
    scan = specimen_page("University of Peshawar", ["Bachelor of Science", "Specimen Gul Khan", "UOP-2012-88121"], 7)
    copied = msgspec.structs.replace(certificate_of("attestation"), document=scan_of(scan, 1))
    png = preview_certificate(
        copied,
        photo=None,
        signature_png=None,
        qr_text=QR_TEXT,
        scan=scan,
        document_pages=[scan],
        dots_per_inch=60,
    )
    both = Image.open(io.BytesIO(png)).convert("RGB")
    half = both.height // 2
    first, second = both.crop((0, 0, both.width, half)), both.crop((0, half, both.width, 2 * half))
    return [page(corrected, photo, dots_per_inch=60), first, second]


def sheet(pictures: list[Image.Image], *, down: bool = False) -> Image.Image:
    """Pictures beside each other, or under each other."""
    along = sum((each.height if down else each.width) + _GAP for each in pictures) - _GAP
    across = max(each.width if down else each.height for each in pictures)
    whole = Image.new("RGB", (across, along) if down else (along, across), _GROUND)
    at = 0
    for each in pictures:
        whole.paste(each, (0, at) if down else (at, 0))
        at += (each.height if down else each.width) + _GAP
    return whole


def _beside(pictures: list[Image.Image]) -> Image.Image:
    return sheet(pictures)


def _save(picture: Image.Image, name: str) -> None:
    picture.quantize(_COLOURS).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
