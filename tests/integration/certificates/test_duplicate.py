"""Another print of a certificate shows the same pages and the mark, and is no signed file."""

from __future__ import annotations

import subprocess
from datetime import date
from pathlib import Path

import pypdfium2 as pdfium
import pytest
import zxingcpp
from msgspec.structs import replace

from appliance.certificates.duplicate import render_duplicate
from appliance.certificates.record import Fact
from appliance.certificates.render import render_certificate
from appliance.journal.errors import BugError, IntegrityError
from tests.support.certificates import QR_TEXT, domicile, photograph, signature
from tests.support.sealing_centre import new_centre

DAY = date(2026, 11, 23)


def signed(facts: int = 0) -> bytes:
    photo = photograph()
    record = domicile(photo)
    more = tuple(Fact({"en": f"Fact {n}"}, "A long answer, told at length. " * 4) for n in range(facts))
    record = replace(record, facts=(*record.facts, *more))
    return new_centre().sign(render_certificate(record, photo=photo, signature_png=signature(), qr_text=QR_TEXT))


@pytest.fixture(scope="module")
def page() -> bytes:
    return signed()


def duplicate(pdf: bytes, copy: int = 2) -> bytes:
    return render_duplicate(pdf, number="PEW01-000123-K", copy=copy, on=DAY, centre="PEW-01")


def text_of(pdf: bytes, folder: Path) -> str:
    (folder / "page.pdf").write_bytes(pdf)
    return subprocess.run(
        ["pdftotext", "-layout", folder / "page.pdf", "-"], capture_output=True, check=True
    ).stdout.decode()


def test_every_page_says_that_it_is_a_duplicate_which_and_when(page: bytes, tmp_path: Path) -> None:
    said = text_of(duplicate(page, 3), tmp_path)
    assert "DUPLICATE · copy 3 of PEW01-000123-K · printed on 23 November 2026 at PEW-01" in said
    assert "Specimen Gul Khan" in said
    long = signed(20)
    pages = text_of(duplicate(long), tmp_path).split("\f")[:-1]
    assert len(pages) > 1
    assert all("DUPLICATE · copy 2" in each for each in pages)


def test_the_code_under_the_mark_is_read_as_before(page: bytes) -> None:
    document = pdfium.PdfDocument(duplicate(page))
    image = document[len(document) - 1].render(scale=200 / 72).to_pil()
    assert [each.text for each in zxingcpp.read_barcodes(image)] == [QR_TEXT]


def test_it_carries_no_signature_and_no_record(page: bytes, tmp_path: Path) -> None:
    (tmp_path / "page.pdf").write_bytes(duplicate(page))
    found = subprocess.run(["pdfdetach", "-list", tmp_path / "page.pdf"], capture_output=True, check=False).stdout
    assert found.startswith(b"0 embedded")
    found = subprocess.run(["pdfsig", tmp_path / "page.pdf"], capture_output=True, check=False).stdout
    assert b"does not contain any signatures" in found


def test_the_same_copy_is_set_alike_and_shows_the_issued_page_but_for_the_mark(page: bytes) -> None:
    assert duplicate(page) == duplicate(page)
    before, after = (
        pdfium.PdfDocument(each)[0].render(scale=1).to_pil().convert("L") for each in (page, duplicate(page))
    )
    assert before.size == after.size
    # Below the line at the head the mark darkens; over ink it may be a shade lighter.
    below = (0, 40, before.width, before.height)
    pairs = zip(before.crop(below).tobytes(), after.crop(below).tobytes(), strict=True)
    assert all(new <= old + 16 for old, new in pairs)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", b"a scan"])
def test_what_is_no_certificate_is_not_printed(content: bytes) -> None:
    with pytest.raises(IntegrityError):
        duplicate(content)


def test_the_first_copy_is_none() -> None:
    with pytest.raises(BugError):
        duplicate(b"", 1)
