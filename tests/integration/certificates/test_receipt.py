"""Receipts as pictures, read back by zxing, and their words by poppler from the same layout."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from appliance.certificates import receipt as module
from appliance.certificates.receipt import (
    TEMPLATE,
    ReceiptLine,
    ReceiptRecord,
    render_receipt,
    verify_receipt_text,
)
from appliance.certificates.typesetting import Unprintable, typesetter
from appliance.journal.errors import BugError
from tests.integration.certificates.test_render import INJECTIONS
from tests.support.certificates import CLAIM, RECEIPT_LINES, receipt
from tests.support.sealing_centre import new_centre, run

CENTRE = new_centre()
LANGUAGES = ("en", "ur", "ps", "hi", "ta")


def picture(record: ReceiptRecord, width_dots: int = 576) -> Image.Image:
    image = Image.open(io.BytesIO(render_receipt(record, width_dots=width_dots)))
    image.load()
    return image


def words(record: ReceiptRecord, folder: Path) -> str:
    """The words of the receipt: the layout that is printed, set as a PDF for poppler to read."""
    pdf = typesetter().pdf(TEMPLATE, module._page(record, 576), {}, at=datetime(2026, 11, 22, tzinfo=UTC))
    (folder / "receipt.pdf").write_bytes(pdf)
    return " ".join(run("pdftotext", "-layout", str(folder / "receipt.pdf"), "-").split())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width_dots", [576, 512, 384])
def test_the_code_of_the_printed_receipt_is_read_and_verified(language: str, width_dots: int) -> None:
    image = picture(receipt(language, CENTRE.key), width_dots)
    assert (image.mode, image.width) == ("1", width_dots)
    (found,) = zxingcpp.read_barcodes(image.convert("L"))
    assert verify_receipt_text(found.text, CENTRE.public) == CLAIM


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_amount_and_number_stands_on_it(language: str, tmp_path: Path) -> None:
    said = words(receipt(language, CENTRE.key, mode="challan", reference="CH-998877"), tmp_path)
    for expected in ("Rs 200.00", "Rs 20.50", "Rs 220.50", CLAIM.number, CLAIM.tracking, "CH-998877", "14:30", "2026"):
        assert expected in said


def test_an_english_receipt_says_everything(tmp_path: Path) -> None:
    said = words(receipt("en", CENTRE.key), tmp_path)
    for expected in (
        *("SPECIMEN", "SPECIMEN centre, Peshawar", "Receipt", "22 November 2026, 14:30", "Domicile certificate"),
        *("Specimen Gul Khan", "Domicile fee, challan 32-A", "Form", "Total", "Cash", "SPECIMEN Omar"),
        *("Ready by", "4 December 2026", "Keep this receipt."),
    ):
        assert expected in said


def test_rupees_of_india_are_grouped_by_lakhs(tmp_path: Path) -> None:
    claim = replace(CLAIM, total_minor=12_345_600, currency="INR")
    record = receipt("hi", CENTRE.key, claim, lines=(ReceiptLine({"en": "Fee"}, 12_345_600),))
    assert "₹ 1,23,456.00" in words(record, tmp_path)


def test_lines_that_do_not_make_the_sum_are_never_printed() -> None:
    for lines in (RECEIPT_LINES[:1], (), (*RECEIPT_LINES, ReceiptLine({"en": "Late"}, 1))):
        with pytest.raises(BugError, match="sum"):
            render_receipt(receipt("en", CENTRE.key, lines=lines))


def test_an_exemption_is_a_line_of_its_own(tmp_path: Path) -> None:
    claim = replace(CLAIM, total_minor=0)
    lines = (ReceiptLine({"en": "Fee"}, 20_000), ReceiptLine({"en": "Exemption, zakat"}, -20_000))
    said = words(receipt("en", CENTRE.key, claim, lines=lines), tmp_path)
    assert "−Rs 200.00" in said
    assert "Rs 0.00" in said


def test_a_void_receipt_says_so_above_and_below_and_in_its_code(tmp_path: Path) -> None:
    record = receipt("ur", CENTRE.key, replace(CLAIM, void=True))
    assert words(record, tmp_path).count("VOID") == 2
    assert "VOID" not in words(receipt("ur", CENTRE.key), tmp_path)
    (found,) = zxingcpp.read_barcodes(picture(record).convert("L"))
    assert verify_receipt_text(found.text, CENTRE.public).void


def test_what_is_simulated_or_a_specimen_says_so_and_nothing_else_does(tmp_path: Path) -> None:
    marked = receipt("en", CENTRE.key, marks=("SIMULATED",))
    assert "SPECIMEN · SIMULATED" in words(marked, tmp_path)
    real = receipt("en", CENTRE.key, specimen=False, centre_name="Centre", payer="Gul", taken_by="Omar")
    assert "SPECIMEN" not in words(real, tmp_path)
    assert picture(real).height < picture(marked).height


@pytest.mark.parametrize("text", INJECTIONS)
def test_markup_in_data_stays_text(text: str, tmp_path: Path) -> None:
    record = receipt(
        "en", CENTRE.key, payer=text, taken_by=text, centre_name=text, reference=text, service={"en": text}
    )
    said = words(record, tmp_path).split()
    assert all(said.count(word) >= 4 for word in text.split())


def test_a_long_name_and_many_lines_make_a_longer_receipt_not_a_wider_one() -> None:
    lines = tuple(ReceiptLine({"en": "A fee with quite a long label, " * 3}, 100) for _ in range(40))
    claim = replace(CLAIM, total_minor=4000)
    long = receipt("en", CENTRE.key, claim, lines=lines, payer="Muhammad Abdullah Zulfiqar Khan " * 6)
    assert picture(long).width == 576
    assert picture(long).height > 2 * picture(receipt("en", CENTRE.key)).height


def test_the_same_receipt_is_drawn_the_same_dot_by_dot() -> None:
    assert render_receipt(receipt("ur", CENTRE.key)) == render_receipt(receipt("ur", CENTRE.key))


@pytest.mark.parametrize("changes", [{"taken_at": "now"}, {"due": "2026-13-01"}, {"currency": "USD"}])
def test_a_date_or_currency_that_is_none_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(BugError):
        render_receipt(receipt("en", CENTRE.key, CLAIM, **changes))


def test_a_printer_s_width_out_of_bounds_is_refused() -> None:
    for width_dots in (100, 5000):
        with pytest.raises(BugError):
            render_receipt(receipt("en", CENTRE.key), width_dots=width_dots)


def test_a_letter_that_no_font_has_is_refused_instead_of_drawn_as_a_box() -> None:
    with pytest.raises(Unprintable):
        render_receipt(receipt("en", CENTRE.key, payer="漢"))
