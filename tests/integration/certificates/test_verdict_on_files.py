"""Verdicts on sealed files: every design is taken, and no changed byte is, wherever it lies."""

from __future__ import annotations

import io
from datetime import timedelta
from random import Random
from typing import Final
from unittest.mock import patch

import msgspec
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.certificates.checking.attached import DIFFER
from appliance.certificates.record import CertificateRecord, Fact, encode_record, record_hash
from appliance.certificates.render import render_certificate
from appliance.certificates.signer import SoftwareSigner
from appliance.certificates.verdict import Knowledge, Verdict, Word, judge
from appliance.certificates.xml import certificate_xml
from tests.support.certificates import domicile, photograph, residence, signature
from tests.support.forgery import central, code_of, page, record, seal_place, sealed, sign_page
from tests.support.sealing_centre import NOW
from tests.support.trusting import listed, lists
from tests.vectors.make_attacks import FOLDER

OURS: Final = central("ours")
GOOD: Final = (Word.VALID, Word.VALID_AS_OF)
LATER: Final = NOW + timedelta(days=2)
SEALED: Final = (FOLDER / "valid.pdf").read_bytes()
RAISED: Final = (FOLDER / "valid-raised.pdf").read_bytes()
SCAN: Final = (FOLDER / "valid-scan.pdf").read_bytes()
AUTHORITY: Final = (FOLDER / "authority.pem").read_bytes()


def committed() -> Knowledge:
    """By the lists that were committed with the files."""
    from appliance.certificates.listsfile import read_lists

    return Knowledge(lists=read_lists((FOLDER / "lists").read_bytes(), None))


KNOWLEDGE: Final = committed()


def judged(content: bytes) -> Verdict:
    return judge(content, now=LATER, knowledge=KNOWLEDGE)


def hindi(photo: bytes) -> CertificateRecord:
    return msgspec.structs.replace(residence(photo), number="PEW01-0000042", centre="PEW01")


def crowded(photo: bytes) -> CertificateRecord:
    """Long names, marks, lists of plots, an address over lines, on several pages."""
    said = domicile(photo)
    long = "Specimen Muhammad Abdul-Rahman Gul-e-Lala Khan O'Neill y García, son of Zarin Khan (late), of Kalam"
    facts = tuple(
        Fact(
            {"en": f"Entry {at}", "ur": "اندراج"}, f"Khasra 12/{at}, 13/{at}; 4.5 kanal @ Rs. 1,200\nline {at}", "کھسرہ"
        )
        for at in range(30)
    )
    return msgspec.structs.replace(said, holder=msgspec.structs.replace(said.holder, name=long), facts=facts)


@pytest.mark.parametrize("make", [domicile, hindi, crowded])
@pytest.mark.parametrize("photo", [None, photograph()], ids=["plain", "with a photograph"])
def test_every_page_that_we_set_is_found_to_say_what_its_record_says(make: object, photo: bytes | None) -> None:
    said = make(photo)  # type: ignore[operator]
    page = render_certificate(said, photo=photo, signature_png=signature(), qr_text=code_of(said, OURS.signer))
    signed = sign_page(page, OURS.signer)
    knowledge = Knowledge(lists=lists(OURS.authority_der, [listed(OURS.signer.certificate)]))
    for pdf in (signed, OURS.raised(signed)):
        found = judge(pdf, now=NOW, knowledge=knowledge)
        assert found.verdict is Word.VALID, found.reasons


def places(content: bytes, random: Random) -> list[int]:
    """Places of every kind: the first and last bytes, each signature and its edges, the tables, and anywhere."""
    found = [*range(12), *range(len(content) - 60, len(content))]
    for nth in range(content.count(b"/Contents <")):
        begin, end = seal_place(content, nth)
        found += [begin - 2, begin - 1, end, end + 1, end - 1, end - 2]
        found += random.sample(range(begin, end), 40)
    for mark in (b"/ByteRange", b"startxref", b"trailer", b"/Perms", b"/AcroForm", b"/EmbeddedFiles", b"%%EOF"):
        at = content.rfind(mark)
        found += [at + 1, min(at + len(mark) + 2, len(content) - 1)] if at >= 0 else []
    return found + [random.randrange(len(content)) for _ in range(60)]


@pytest.mark.parametrize("content", [SEALED, RAISED], ids=["sealed", "raised"])
def test_a_byte_changed_anywhere_is_never_valid(content: bytes) -> None:
    random = Random(5)
    assert judged(content).verdict is Word.VALID
    for place in places(content, random):
        changed = content[:place] + bytes([content[place] ^ random.choice((1, 2, 0x20, 0x80))]) + content[place + 1 :]
        assert judged(changed).verdict not in GOOD, place


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_bytes_put_in_taken_out_or_moved_are_never_valid_and_never_fail(data: st.DataObject) -> None:
    content = data.draw(st.sampled_from([SEALED, RAISED]))
    start = data.draw(st.integers(0, len(content) - 1))
    length = data.draw(st.integers(0, 200))
    put = data.draw(
        st.one_of(st.binary(max_size=50), st.sampled_from([b"endobj\n", b"%%EOF\n", b"/ByteRange [0 1 2 3]"]))
    )
    changed = content[:start] + put + content[start + length :]
    if changed != content:
        assert judged(changed).verdict not in GOOD


def test_a_raised_file_without_what_raised_it_is_the_sealed_one_again_and_only_that() -> None:
    assert judged(RAISED[: len(SEALED)]).verdict is Word.VALID
    assert judged(RAISED[: len(SEALED) + 1]).verdict is Word.INVALID


def test_a_pdf_that_only_shows_the_page_is_judged_by_its_code_alone() -> None:
    found = judged(SCAN)
    assert found.verdict is Word.VALID
    assert found.found is not None
    assert not found.found.whole
    assert "Compare" in found.next_step


@pytest.mark.parametrize("degrees", [2, 90, 180])
def test_a_picture_of_the_paper_may_be_turned(degrees: int) -> None:
    document = pypdfium2.PdfDocument(SEALED)
    picture = document[0].render(scale=200 / 72).to_pil().rotate(degrees, expand=True, fillcolor="white")
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=60)
    assert judged(out.getvalue()).verdict is Word.VALID


def test_the_picture_of_two_certificates_is_not_judged() -> None:
    from PIL import Image

    document = pypdfium2.PdfDocument(SEALED)
    other = pypdfium2.PdfDocument((FOLDER / "superseded.pdf").read_bytes())
    left, right = (each[0].render(scale=150 / 72).to_pil() for each in (document, other))
    both = Image.new("RGB", (left.width * 2, left.height))
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    out = io.BytesIO()
    both.save(out, "PNG")
    found = judged(out.getvalue())
    assert found.verdict is Word.UNREADABLE
    assert "several" in found.reasons[0]


def test_an_officer_s_file_shows_a_code_of_its_centre_and_of_nobody_else() -> None:
    said = record(sealed_by="officer")
    officer = OURS.centre("officer", name="Specimen officer")
    signers = [listed(OURS.signer.certificate), listed(officer.certificate, kind="officer")]
    knowledge = Knowledge(lists=lists(OURS.authority_der, signers))

    def with_code_by(signer: SoftwareSigner) -> Verdict:
        return judge(sign_page(page(said, code_of(said, signer)), officer), now=LATER, knowledge=knowledge)

    assert with_code_by(OURS.signer).verdict is Word.VALID
    for other in (central("stranger").signer, officer):
        found = with_code_by(other)
        assert found.verdict is Word.INVALID
        assert found.reasons[0] == "The code on its page is not signed by the centre that it names."


@pytest.mark.parametrize("days", [-10_000, 40_000])
def test_a_day_of_issue_on_which_the_key_was_not_certified_is_not_believed(days: int) -> None:
    said = record(issued_on=(NOW + timedelta(days=days)).date().isoformat())
    known = Knowledge(lists=lists(OURS.authority_der, [listed(OURS.signer.certificate)]))
    found = judge(sealed(said, OURS.signer), now=LATER, knowledge=known)
    assert found.verdict is Word.INVALID
    assert "was not certified" in found.reasons[0]


@pytest.mark.parametrize("part", ["code", "xml"])
def test_what_is_attached_is_of_one_record_even_if_who_sealed_it_mixed_them(part: str) -> None:
    said, other = record(), record("PEW01-0000321")
    if part == "code":
        pdf = page(said, code_of(other, OURS.signer))
    else:
        of_other = certificate_xml(other, record_hash(encode_record(other)))
        with patch("appliance.certificates.attachments.certificate_xml", lambda *_: of_other):
            pdf = page(said, code_of(said, OURS.signer))
    found = judged(sign_page(pdf, OURS.signer))
    assert found.verdict is Word.INVALID
    assert found.reasons[0] == DIFFER
