"""From the page back to what its code says: printed, photographed or scanned badly, and read by zxing."""

from __future__ import annotations

import hashlib
import io
import random
from datetime import UTC, datetime
from typing import Final

import msgspec
import pypdfium2 as pdfium
import pytest
import zxingcpp
from PIL import Image, ImageChops, ImageFilter

from appliance.certificates.codes import QUIET, draw_code
from appliance.certificates.qr import make_code
from appliance.certificates.reading import read_picture
from appliance.certificates.record import CertificateRecord, encode_record, record_hash
from appliance.certificates.render import render_certificate
from tests.support.certificates import domicile, photograph, residence, signature
from tests.support.fixed_signer import FixedSigner

SIGNER: Final = FixedSigner()
TRIES: Final = 50
MAX_TURN_DEGREES: Final = 5
MAX_BLUR_DOTS: Final = 1.2
NOISE: Final = (5, 45)
"""Levels of grey, of 256, up and down."""
JPEG_QUALITY: Final = (35, 75)


def long_names(letters: int) -> CertificateRecord:
    """A holder whose names take much room, because they cannot be packed."""
    record = residence()
    name = "Specimen " + hashlib.shake_256(b"name").hexdigest(letters)[:letters]
    native = "".join(chr(0x905 + value % 50) for value in hashlib.shake_256(b"native").digest(letters // 4))
    return msgspec.structs.replace(record, holder=msgspec.structs.replace(record.holder, name=name, name_native=native))


RECORDS: Final = {"ordinary": domicile(), "version-15": long_names(70), "version-17": long_names(120)}


def set_page(record: CertificateRecord, *, full: bool = False) -> tuple[str, bytes]:
    """The code's text, and the certificate as a PDF."""
    text = make_code(record, record_hash(encode_record(record)), SIGNER, at=datetime(2026, 11, 22, tzinfo=UTC))
    photo = photograph() if full else None
    if photo is not None:
        holder = msgspec.structs.replace(record.holder, photo_sha256=hashlib.sha256(photo).hexdigest())
        record = msgspec.structs.replace(record, holder=holder)
    pdf = render_certificate(record, photo=photo, signature_png=signature() if full else None, qr_text=text)
    return text, pdf


def scan(pdf: bytes, dots_per_inch: int) -> Image.Image:
    with pdfium.PdfDocument(pdf) as document:
        page: Image.Image = document[len(document) - 1].render(scale=dots_per_inch / 72).to_pil()
        return page.convert("L")


def degrade(image: Image.Image, chance: random.Random) -> bytes:
    """Turn, blur, add noise, and pack as JPEG."""
    turn = chance.uniform(-MAX_TURN_DEGREES, MAX_TURN_DEGREES)
    image = image.rotate(turn, Image.Resampling.BICUBIC, fillcolor=255)
    image = image.filter(ImageFilter.GaussianBlur(chance.uniform(0, MAX_BLUR_DOTS)))
    strength = chance.uniform(*NOISE) / 128
    noise = Image.frombytes("L", image.size, chance.randbytes(image.width * image.height))
    image = ImageChops.add(image, noise.point([round(128 + (level - 128) * strength) for level in range(256)]), 1, -128)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=chance.randint(*JPEG_QUALITY))
    return out.getvalue()


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize(("dots_per_inch", "hold"), [(200, 50), (150, 45)])
def test_a_bad_scan_is_read(name: str, dots_per_inch: int, hold: int) -> None:
    text, pdf = set_page(RECORDS[name])
    page = scan(pdf, dots_per_inch)
    # The quarter in which the code lies; whole pages are read below.
    quarter = page.crop((page.width // 2, page.height * 6 // 10, page.width, page.height))
    read = sum(read_picture(degrade(quarter, random.Random(seed))) == [text] for seed in range(TRIES))
    assert read >= hold, f"{read} of {TRIES} at {dots_per_inch} dots an inch"


def test_the_versions_are_what_they_are_called() -> None:
    versions = {
        name: (draw_code(make_code(each, record_hash(encode_record(each)), SIGNER)).modules - 8 - 17) // 4
        for name, each in RECORDS.items()
    }
    assert versions["ordinary"] <= 15
    assert (versions["version-15"], versions["version-17"]) == (15, 17)


def test_a_whole_page_is_read_from_a_bad_scan() -> None:
    text, pdf = set_page(domicile(), full=True)
    for seed, dots_per_inch in enumerate((100, 150, 200, 300)):
        scanned = scan(pdf, dots_per_inch)
        assert read_picture(degrade(scanned, random.Random(seed))) == [text], f"{dots_per_inch} dots an inch"


@pytest.mark.parametrize("quarter_turns", range(4))
def test_a_photograph_of_the_paper_on_a_table_is_read(quarter_turns: int) -> None:
    """Seen from the side, in uneven light, turned as the telephone was held."""
    text, pdf = set_page(residence(), full=True)
    page = scan(pdf, 200)
    size = (page.width + 600, page.height + 500)
    table = Image.new("L", size, 60)
    table.paste(page, (300, 250))
    corners = (150, 120, -60, size[1] + 80, size[0] + 40, size[1] - 20, size[0] - 180, -90)
    table = table.transform(size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC, fillcolor=60)
    light = Image.linear_gradient("L").resize(size).point([90 + level * 165 // 255 for level in range(256)])
    lit = ImageChops.multiply(table, light).rotate(90 * quarter_turns, expand=True)
    assert read_picture(degrade(lit, random.Random(quarter_turns))) == [text]


def test_the_code_is_at_least_45_mm_wide_on_the_page_with_a_white_border() -> None:
    dots_per_inch = 600
    for name, record in RECORDS.items():
        text, pdf = set_page(record, full=True)
        page = scan(pdf, dots_per_inch)
        (found,) = zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode]))
        corner = found.position.top_left
        dots = found.position.top_right.x - corner.x
        modules = draw_code(text).modules
        module = dots / (modules - 2 * QUIET)
        assert modules * module / dots_per_inch * 25.4 >= 45, name
        left, top = (int(corner.x - (QUIET - 0.2) * module), int(corner.y - (QUIET - 0.2) * module))
        side = int((modules - 0.4) * module)
        around = page.crop((left, top, left + side, top + side))
        inner = int((QUIET - 0.4) * module)
        around.paste(255, (inner, inner, side - inner, side - inner))
        assert around.getextrema() == (255, 255), f"{name}: something stands in the border"
