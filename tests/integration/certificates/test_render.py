"""Certificates as pages, judged by poppler, qpdf, PDFium and zxing."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
import pypdfium2 as pdfium
import pytest
import zxingcpp
from PIL import Image

from appliance.certificates.codes import QUIET, draw_code
from appliance.certificates.record import (
    Accent,
    Attester,
    CertificateRecord,
    Design,
    Fact,
    encode_record,
    is_date,
    record_hash,
)
from appliance.certificates.render import MAX_SCAN_BYTES, ScanTooLarge, preview_certificate, render_certificate
from appliance.certificates.typesetting import Unprintable
from appliance.certificates.wording import say_date
from appliance.certificates.xml import certificate_xml, read_xml
from appliance.journal.errors import BugError
from tests.support.certificates import QR_TEXT, domicile, photograph, residence, signature
from tests.support.every_certificate import SERVICES, certificate_of, scan_of
from tests.support.sealing_centre import Judges, new_centre, run

PHOTO = photograph()
SIGNATURE = signature()
INJECTIONS = (
    '#panic("x")',
    "$ integral $ *bold* _it_ `raw` <label> @ref",
    '#read("/etc/passwd")',
    "] #set page(width: 1pt) [",
    '\\ " {{name}} // comment /* x */',
    "= Heading",
    "<script>alert(1)</script> & &amp;",
    "https://example.org/x",
)


def with_facts(record: CertificateRecord, facts: list[Fact]) -> CertificateRecord:
    return msgspec.structs.replace(record, facts=tuple(facts))


def named(record: CertificateRecord, name: str, native: str = "") -> CertificateRecord:
    return msgspec.structs.replace(record, holder=msgspec.structs.replace(record.holder, name=name, name_native=native))


def render(
    record: CertificateRecord,
    photo: bytes | None = None,
    *,
    signature: bytes | None = None,
    scan: bytes | None = None,
    pages: Sequence[bytes] = (),
) -> bytes:
    return render_certificate(
        record, photo=photo, signature_png=signature, qr_text=QR_TEXT, scan=scan, document_pages=pages
    )


SCAN_PAGES = (photograph("#335577", (827, 1169)), photograph("#775533", (1169, 827)))
SCAN = SCAN_PAGES[0] + b"and the second page"


def attested_copy() -> CertificateRecord:
    return msgspec.structs.replace(domicile(), document=scan_of(SCAN, 2))


def words(pdf: bytes, folder: Path) -> str:
    """The words of a page, as poppler reads them."""
    (folder / "page.pdf").write_bytes(pdf)
    return " ".join(run("pdftotext", "-layout", str(folder / "page.pdf"), "-").split())


def pages(pdf: bytes) -> int:
    with pdfium.PdfDocument(pdf) as document:
        return len(document)


def picture(pdf: bytes, dots_per_inch: int) -> Image.Image:
    with pdfium.PdfDocument(pdf) as document:
        image: Image.Image = document[len(document) - 1].render(scale=dots_per_inch / 72).to_pil()
    return image.convert("L")


def test_what_the_record_says_stands_on_one_page(tmp_path: Path) -> None:
    pdf = render(domicile(PHOTO), PHOTO, signature=SIGNATURE)
    said = words(pdf, tmp_path)
    for expected in (
        *("Domicile Certificate", "PEW01-0000123", "22 November 2026", "Specimen Gul Khan", "17301-1234567-1"),
        *("3 April 1990", "House 12/3-B, Street 4,", "Specimen Rabia Bibi", "Additional Deputy Commissioner"),
        *("Sealed electronically by the centre", "Signature of the holder", "PEW01-26-000123-K", "SPECIMEN", "1/1"),
    ):
        assert expected in said
    assert pages(pdf) == 1


def test_it_is_pdf_a_3b_without_a_fault_that_qpdf_finds(tmp_path: Path) -> None:
    pdf = render(domicile(PHOTO), PHOTO)
    (tmp_path / "page.pdf").write_bytes(pdf)
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", str(tmp_path / "page.pdf"))
    about = run("pdfinfo", "-meta", str(tmp_path / "page.pdf"))
    assert "<pdfaid:part>3</pdfaid:part>" in about
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in about
    fonts = run("pdffonts", str(tmp_path / "page.pdf")).splitlines()[2:]
    assert fonts
    assert all(line.split()[-5:-2] == ["yes", "yes", "yes"] for line in fonts), "embedded, subset, with Unicode"


def detached(pdf: bytes, folder: Path) -> dict[str, bytes]:
    """The attached files, as poppler takes them out."""
    (folder / "page.pdf").write_bytes(pdf)
    (folder / "files").mkdir()
    run("pdfdetach", "-saveall", "-o", str(folder / "files"), str(folder / "page.pdf"))
    return {each.name: each.read_bytes() for each in (folder / "files").iterdir()}


def objects(pdf: bytes, folder: Path) -> list[dict[str, Any]]:
    """The dictionaries of a file, as qpdf reads them."""
    (folder / "page.pdf").write_bytes(pdf)
    said = json.loads(run("qpdf", "--json=2", "--json-key=qpdf", str(folder / "page.pdf")))["qpdf"][1]
    values = [each.get("value", each.get("stream", {}).get("dict")) for each in said.values()]
    return [each for each in values if isinstance(each, dict)]


def test_record_xml_and_code_are_attached_byte_for_byte(tmp_path: Path) -> None:
    record = domicile(PHOTO)
    files = detached(render(record, PHOTO), tmp_path)
    assert files == {
        "record.json": encode_record(record),
        "certificate.xml": certificate_xml(record, record_hash(encode_record(record))),
        "code.txt": QR_TEXT.encode(),
    }
    assert read_xml(files["certificate.xml"]).record_sha256 == hashlib.sha256(files["record.json"]).hexdigest()


def test_attachments_are_associated_with_the_document_as_pdf_a_3_asks(tmp_path: Path) -> None:
    """ISO 19005-3, 6.8: each has a relationship, a type, and a place in the document's AF; names in both forms."""
    found = objects(render(attested_copy(), scan=SCAN, pages=SCAN_PAGES), tmp_path)
    (catalog,) = [each for each in found if each.get("/Type") == "/Catalog"]
    specs = {each["/UF"]: each for each in found if each.get("/Type") == "/Filespec"}
    assert {name: each["/AFRelationship"] for name, each in specs.items()} == {
        "u:record.json": "/Source",
        "u:certificate.xml": "/Alternative",
        "u:code.txt": "/Data",
        "u:scan.jpg": "/Source",
    }
    assert all(each["/F"] == each["/UF"] for each in specs.values())
    assert len(catalog["/AF"]) == 4
    kinds = {each["/Subtype"] for each in found if each.get("/Type") == "/EmbeddedFile"}
    assert kinds == {"/application/json", "/application/xml", "/text/plain", "/image/jpeg"}
    (intent,) = [each for each in found if each.get("/S") == "/GTS_PDFA1"]
    assert "/DestOutputProfile" in intent
    assert not any("/JS" in each or "/Encrypt" in each for each in found)


def test_an_attested_copy_shows_each_page_of_the_scan_under_a_band_and_carries_the_scan(tmp_path: Path) -> None:
    pdf = render(attested_copy(), scan=SCAN, pages=SCAN_PAGES)
    assert pages(pdf) == 3
    said = words(pdf, tmp_path)
    for expected in ("Attested copy, page 1 of 2", "Attested copy, page 2 of 2", hashlib.sha256(SCAN).hexdigest()):
        assert expected in said
    assert said.count("PEW01-0000123") >= 3
    assert detached(pdf, tmp_path)["scan.jpg"] == SCAN
    png = preview_certificate(
        attested_copy(), photo=None, signature_png=None, qr_text="x", scan=SCAN, document_pages=SCAN_PAGES
    )
    with Image.open(io.BytesIO(png)) as image:
        assert image.height > 3 * 1280


def test_another_scan_than_the_record_s_is_refused_and_one_that_is_too_large_in_words() -> None:
    for scan, shown in ((None, SCAN_PAGES), (b"other", SCAN_PAGES), (SCAN, SCAN_PAGES[:1]), (SCAN, ())):
        with pytest.raises(BugError):
            render(attested_copy(), scan=scan, pages=shown)
    with pytest.raises(BugError):
        render(domicile(), scan=SCAN, pages=SCAN_PAGES)
    huge = bytes(MAX_SCAN_BYTES + 1)
    record = msgspec.structs.replace(domicile(), document=scan_of(huge, 1))
    with pytest.raises(ScanTooLarge, match="8 MB"):
        render(record, scan=huge, pages=SCAN_PAGES[:1])


def test_it_says_which_certificate_it_supersedes(tmp_path: Path) -> None:
    said = words(render(msgspec.structs.replace(domicile(), replaces="PEW01-0000007")), tmp_path)
    assert "In place of certificate PEW01-0000007, which is no longer valid" in said
    assert "In place of" not in words(render(domicile()), tmp_path)


def test_it_says_who_sealed_it(tmp_path: Path) -> None:
    signer = Attester("Specimen Nadia", {"en": "Assistant Commissioner"})
    said = words(render(msgspec.structs.replace(domicile(), sealed_by="officer", signed_by=signer)), tmp_path)
    assert "Signed electronically by the officer" in said
    assert "Specimen Nadia" in said
    assert "Assistant Commissioner" in said
    assert "Sealed electronically" not in said
    assert "Sealed electronically by the centre" in words(render(domicile()), tmp_path)


@pytest.mark.parametrize("service", SERVICES)
def test_a_certificate_of_each_service_has_one_page_with_all_that_it_shows(service: str, tmp_path: Path) -> None:
    record = certificate_of(service, PHOTO)
    pdf = render(record, PHOTO if record.holder.photo_sha256 else None, signature=SIGNATURE)
    assert pages(pdf) == 1
    said = words(pdf, tmp_path)
    for fact in record.facts:
        for line in fact.value.split("\n"):
            shown = say_date(line, "en") if is_date(line) else line
            assert all(word in said for word in shown.replace(",", " ").split()), fact
    (tmp_path / "signed").mkdir()
    drawn = {each.get("/Alt") for each in objects(pdf, tmp_path)}
    assert ("u:Signature of the holder" in drawn) is record.design.signed
    assert ("u:Photograph" in drawn) is (record.holder.photo_sha256 is not None)


def test_the_code_is_at_least_45_mm_wide_with_its_quiet_zone() -> None:
    """Measured on the page: from the first dark dot to the last, and four modules more on either side."""
    image = picture(render(domicile()), 300)
    (found,) = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    place = found.position
    wide = place.top_right.x - place.top_left.x
    modules = draw_code(QR_TEXT).modules
    assert wide / (modules - 2 * QUIET) * modules / 300 * 25.4 >= 45


@pytest.mark.parametrize("accent", get_args(Accent))
def test_every_accent_of_a_record_is_known_to_the_page(accent: Accent) -> None:
    assert render(msgspec.structs.replace(domicile(), design=Design(accent=accent)))


def test_the_photograph_is_embedded_byte_for_byte_as_the_record_s_hash_says(tmp_path: Path) -> None:
    (tmp_path / "page.pdf").write_bytes(render(domicile(PHOTO), PHOTO))
    run("pdfimages", "-all", str(tmp_path / "page.pdf"), str(tmp_path / "image"))
    (jpeg,) = tmp_path.glob("image*.jpg")
    assert hashlib.sha256(jpeg.read_bytes()).hexdigest() == domicile(PHOTO).holder.photo_sha256


def test_another_photograph_than_the_record_s_is_refused() -> None:
    for record, photo in ((domicile(PHOTO), photograph("#000")), (domicile(PHOTO), None), (domicile(), PHOTO)):
        with pytest.raises(BugError, match="photograph"):
            render(record, photo)


def test_the_same_record_gives_the_same_bytes_and_another_photograph_others() -> None:
    other = photograph("#304050")
    first = render(domicile(PHOTO), PHOTO)
    assert render(domicile(other), other) != first
    assert render(domicile(PHOTO), PHOTO) == first


@pytest.mark.parametrize("text", INJECTIONS)
def test_markup_in_data_stays_text(text: str, tmp_path: Path) -> None:
    record = with_facts(named(domicile(), text, text), [Fact({"en": text, "ur": text}, text, text)])
    record = msgspec.structs.replace(
        record,
        title={"en": text},
        authority={"en": text},
        statement={"en": text},
        centre_name=text,
        attested_by=Attester(text, {"en": text}),
    )
    pdf = render(record)
    assert text.replace(" ", "") in words(pdf, tmp_path).replace(" ", "")
    assert pages(pdf) == 1
    assert b"/URI" not in pdf


def test_identifiers_and_dates_read_from_left_to_right_between_urdu_words() -> None:
    """PDFium says where each digit stands under the letters, whatever order the file has; what is seen is set alike."""
    value = "فون 0300-1234567 شناختی 17301-1234567-1 مکان 12/3 پشاور"
    pdf = render(with_facts(domicile(), [Fact({"en": "Address", "ur": "پتہ"}, "A", value)]))
    with pdfium.PdfDocument(pdf) as document:
        text = document[0].get_textpage()
        seen = [(text.get_text_range(at, 1), text.get_charbox(at, loose=True)) for at in range(text.count_chars())]
    lines: dict[int, list[tuple[float, str]]] = {}
    for letter, (left, bottom, _, _) in seen:
        lines.setdefault(round(bottom), []).append((left, letter))
    read = ["".join(letter for _, letter in sorted(line) if letter.isdigit()) for line in lines.values()]
    for number in ("03001234567", "1730112345671", "123"):
        assert any(number in line for line in read), (number, read)


def test_long_names_and_many_facts_go_on_to_further_pages_with_the_foot_on_the_last(tmp_path: Path) -> None:
    long = "Specimen " + "Muhammad Abdullah Zulfiqar Khan " * 5
    facts = [
        Fact(
            {"en": f"Fact number {at} with a long label", "ur": f"حقیقت نمبر {at}"},
            long,
            "محمد عبداللہ ذوالفقار خان " * 6,
        )
        for at in range(14)
    ]
    pdf = render(with_facts(named(domicile(PHOTO), long, "محمد عبداللہ ذوالفقار خان " * 7), facts), PHOTO)
    assert pages(pdf) > 1
    said = words(pdf, tmp_path)
    assert said.count("Sealed electronically by the centre") == 1
    assert f"{pages(pdf)}/{pages(pdf)}" in said
    assert "Fact number 13" in said


@pytest.mark.parametrize(
    ("languages", "native"),
    [
        (("en",), ""),
        (("en", "ps"), "ګل خان"),
        (("en", "ta"), "குல் கான்"),
        (("hi",), "गुल ख़ान"),
        (("en", "ur", "ps"), "گل خان"),
    ],
)
def test_every_choice_of_languages_makes_a_page(languages: tuple[str, ...], native: str, tmp_path: Path) -> None:
    record = msgspec.structs.replace(named(domicile(), "Specimen Gul", native), languages=languages)
    pdf = render(record)
    assert "PEW01-0000123" in words(pdf, tmp_path)
    assert pages(pdf) <= 2


def test_a_letter_that_no_font_has_is_refused_instead_of_printed_as_a_box() -> None:
    with pytest.raises(Unprintable) as refused:
        render(named(domicile(), "Khan 漢"))
    assert "漢" not in str(refused.value)


def test_a_specimen_says_so_across_the_page_and_a_real_one_does_not(tmp_path: Path) -> None:
    real = named(msgspec.structs.replace(domicile(), specimen=False, centre_name="Centre"), "Gul Khan")
    real = with_facts(real, [])
    real = msgspec.structs.replace(real, attested_by=Attester("Rabia", {"en": "ADC"}))
    assert "SPECIMEN" not in words(render(real), tmp_path)
    marked = render_certificate(
        msgspec.structs.replace(real, specimen=True), photo=None, signature_png=None, qr_text="x", marks=["SIMULATED"]
    )
    assert words(marked, tmp_path).count("SPECIMEN · SIMULATED") == 1


@pytest.mark.parametrize("record", [domicile(), residence()])
def test_the_code_is_read_from_the_page(record: CertificateRecord) -> None:
    found = zxingcpp.read_barcodes(
        picture(render(record), 150), formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    )
    assert [each.text for each in found] == [QR_TEXT]


def test_the_preview_shows_the_same_page_as_a_picture() -> None:
    png = preview_certificate(domicile(PHOTO), photo=PHOTO, signature_png=SIGNATURE, qr_text=QR_TEXT)
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        assert abs(image.width / image.height - 210 / 297) < 0.001
        found = zxingcpp.read_barcodes(image.convert("L").resize((2 * image.width, 2 * image.height)))
    assert [each.text for each in found] == [QR_TEXT]


def test_a_preview_of_two_pages_is_one_picture() -> None:
    facts = [Fact({"en": f"Fact {at}"}, "x", "") for at in range(40)]
    png = preview_certificate(with_facts(domicile(), facts), photo=None, signature_png=None, qr_text="x")
    with Image.open(io.BytesIO(png)) as image:
        assert image.height > 2 * 1280


def test_nothing_of_a_certificate_is_written_to_a_disk(tmp_path: Path) -> None:
    program = (
        "from tests.support.certificates import *\n"
        "from appliance.certificates.render import render_certificate\n"
        "from appliance.certificates.typesetting import typesetter\n"
        "p = photograph()\ntypesetter()\nopen('/dev/null').close()\n"
        "render_certificate(domicile(p), photo=p, signature_png=signature(), qr_text=QR_TEXT)\n"
    )
    trace = tmp_path / "trace"
    run(
        "strace",
        "-f",
        "-e",
        "trace=openat,open,creat",
        "-o",
        str(trace),
        str(Path(__file__).parents[3] / ".venv/bin/python"),
        "-c",
        program,
    )
    assert "/dev/null" in trace.read_text()
    written = [
        line
        for line in trace.read_text().partition("/dev/null")[2].splitlines()
        if ("O_WRONLY" in line or "O_RDWR" in line or "O_CREAT" in line)
        and not any(harmless in line for harmless in ("/dev/", ".pyc", "__pycache__", "/proc/"))
    ]
    assert written == []


def test_threads_take_turns_at_one_compiler() -> None:
    made: dict[int, bytes] = {}

    def work(at: int) -> None:
        made[at] = render(named(domicile(), f"Specimen {at}"))

    threads = [threading.Thread(target=work, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == {at: render(named(domicile(), f"Specimen {at}")) for at in range(4)}


def test_a_signed_certificate_is_valid_trusted_and_still_holds_its_record(tmp_path: Path) -> None:
    centre = new_centre()
    pdf = render(domicile(PHOTO), PHOTO, signature=SIGNATURE)
    signed = centre.sign(pdf)
    judges = Judges(tmp_path, centre.authority.certificate)
    said = judges.pdfsig(signed)
    assert "Signature is Valid." in said
    assert "Certificate is Trusted." in said
    assert "Total document signed" in said
    assert "CAdES Verification successful" in judges.openssl_cms(signed)
    run("pdfdetach", "-saveall", "-o", str(tmp_path), str(tmp_path / "judged.pdf"))
    assert (tmp_path / "record.json").read_bytes() == encode_record(domicile(PHOTO))
