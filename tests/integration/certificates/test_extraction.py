"""What comes out of a certificate as text: held against its record, as two independent readers of PDF take it out.

Compared are words, normalised (NFKC, no joiners or direction marks, no case, no punctuation), and they must stand one
after the other. What a reader cannot take out is named here, and nothing else.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pypdfium2 as pdfium
import pypdfium2.raw as raw
import pytest

from appliance.certificates.record import CertificateRecord, Fact, Holder, is_date
from appliance.certificates.render import render_certificate
from appliance.certificates.wording import say_date
from tests.support.certificates import QR_TEXT, domicile, residence
from tests.support.every_certificate import SERVICES, certificate_of
from tests.support.sealing_centre import run

ADDRESS: Final = "مکان نمبر 12/3-B، گلی نمبر 4، گل بہار نمبر 2، پشاور، فون 0300-1234567"


def pashto() -> CertificateRecord:
    """English and Pashto, in Naskh."""
    return msgspec.structs.replace(
        domicile(),
        title={"en": "Domicile Certificate", "ps": "د استوګنې سند"},
        authority={"en": "Deputy Commissioner, Peshawar", "ps": "د پېښور ډپټي کمشنر"},
        holder=Holder(name="Specimen Gul Khan", name_native="ګل خان", born="1990-04-03"),
        facts=(
            Fact({"en": "Father's name", "ps": "د پلار نوم"}, "Specimen Zarin Khan", "زرین خان"),
            Fact({"en": "Address", "ps": "پته"}, "Peshawar", "پېښور ښار"),
        ),
        languages=("en", "ps"),
    )


def tamil() -> CertificateRecord:
    """English and Tamil."""
    return msgspec.structs.replace(
        domicile(),
        title={"en": "Residence Certificate", "ta": "இருப்பிடச் சான்றிதழ்"},
        authority={"en": "Revenue Department", "ta": "வருவாய்த் துறை"},
        holder=Holder(name="Specimen Kumaran", name_native="குமரன் செல்வி", born="1990-04-03"),
        facts=(
            Fact({"en": "Father's name", "ta": "தந்தையின் பெயர்"}, "Specimen Murugan", "முருகன்"),
            Fact({"en": "Town", "ta": "ஊர்"}, "Coimbatore", "கோயம்புத்தூர்"),
        ),
        languages=("en", "ta"),
    )


RECORDS: Final = {
    "Urdu": domicile(),
    "Hindi": residence(),
    "Pashto": pashto(),
    "Tamil": tamil(),
    **{service: certificate_of(service) for service in SERVICES},
}
# What readers that put letters in order by where they stand cannot take out in order. The words are there; a record
# has them exactly, and a date or an address stands in English beside it.
_ARABIC: Final = r"[\u0620-\u06d3]"
NAMED: Final = {
    "numbers between words from right to left": (re.compile(rf"{_ARABIC}.*\d|\d.*{_ARABIC}"), ("poppler", "PDFium")),
    "an alef above a letter": (re.compile("\u0670"), ("poppler", "PDFium")),
    "a Pashto word of one letter": (re.compile(r"(?<!\S)د(?!\S)"), ("PDFium",)),
}


def words(text: str) -> list[str]:
    """The words of a text; letters with their signs, and numbers."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(
        letter if unicodedata.category(letter)[0] in "LMN" else "" if unicodedata.category(letter) == "Cf" else " "
        for letter in plain
    )
    return kept.split()


def values(record: CertificateRecord) -> Iterator[str]:
    """Everything of a record that its page shows."""
    languages = record.languages
    native = next((each for each in languages if each != "en"), "en")
    for text in (record.title, record.authority, record.statement, record.attested_by.title, record.design.attested):
        yield from (line for each in languages if each in text for line in text[each].split("\n"))
    yield from (record.number, record.tracking, record.centre_name, record.attested_by.name)
    yield from (record.holder.name, record.holder.name_native, record.holder.identity_number_shown)
    days = [record.issued_on, *([record.expires_on] if record.expires_on else [])]
    yield from (say_date(each, "en") for each in days)
    for fact in record.facts:
        yield from (fact.label[each] for each in languages if each in fact.label)
        if not is_date(fact.value):
            yield from (fact.value_native, *([] if fact.shown == "column" else fact.value.split("\n")))
            continue
        yield say_date(fact.value, "en")
        if native != "en":
            yield say_date(fact.value, native)


def by_poppler(pdf: bytes, folder: Path) -> str:
    (folder / "page.pdf").write_bytes(pdf)
    return run("pdftotext", str(folder / "page.pdf"), "-")


def by_pdfium(pdf: bytes) -> str:
    with pdfium.PdfDocument(pdf) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)


def rendered(record: CertificateRecord) -> bytes:
    photo = None
    record = msgspec.structs.replace(record, holder=msgspec.structs.replace(record.holder, photo_sha256=None))
    return render_certificate(record, photo=photo, signature_png=None, qr_text=QR_TEXT)


def lost(record: CertificateRecord, text: str) -> set[str]:
    found = f" {' '.join(words(text))} "
    return {each for each in values(record) if each and f" {' '.join(words(each))} " not in found}


@pytest.mark.parametrize("name", RECORDS)
def test_every_value_comes_out_as_it_stands_in_the_record_but_what_is_named(name: str, tmp_path: Path) -> None:
    record = RECORDS[name]
    pdf = rendered(record)
    for reader, text in (("poppler", by_poppler(pdf, tmp_path)), ("PDFium", by_pdfium(pdf))):
        reasons = [sign for sign, readers in NAMED.values() if reader in readers]
        assert [each for each in lost(record, text) if not any(sign.search(each) for sign in reasons)] == [], reader


def test_of_a_certificate_in_english_and_urdu_all_values_but_a_few_come_out(tmp_path: Path) -> None:
    record = domicile()
    everything = {each for each in values(record) if each}
    assert len(everything) > 30
    pdf = rendered(record)
    for text in (by_poppler(pdf, tmp_path), by_pdfium(pdf)):
        assert lost(record, text) <= {ADDRESS, "3 اپریل 1990"}


def test_identifiers_and_dates_can_be_copied_whole(tmp_path: Path) -> None:
    pdf = rendered(domicile())
    by_place = by_poppler(pdf, tmp_path)
    for text in (by_place, by_pdfium(pdf)):
        for each in ("17301-1234567-1", "PEW01-0000123", "PEW01-26-000123-K", "22 November 2026", "House 12/3-B"):
            assert each in " ".join(text.split())
    assert "0300-1234567" in by_place, "between Urdu words"


def test_the_text_under_the_letters_is_transparent_and_what_is_in_english_is_not() -> None:
    with pdfium.PdfDocument(rendered(domicile())) as document:
        seen = {True: set[int](), False: set[int]()}
        page = document[0]
        text = page.get_textpage()
        for each in page.get_objects([raw.FPDF_PAGEOBJ_TEXT], max_depth=15):
            shade = [ctypes.c_uint() for _ in range(4)]
            raw.FPDFPageObj_GetFillColor(each.raw, *map(ctypes.byref, shade))
            size = raw.FPDFTextObj_GetText(each.raw, text.raw, None, 0)
            buffer = ctypes.create_string_buffer(size)
            raw.FPDFTextObj_GetText(each.raw, text.raw, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
            said = buffer.raw.decode("utf-16-le")
            if said.strip("\0 "):
                seen[any("ARABIC" in unicodedata.name(letter, "") for letter in said)].add(shade[3].value)
    assert seen[True] == {0}
    assert seen[False] == {0, 255}, "numbers between Urdu words are under it, too"
