"""A seal raised to B-LTA, judged by poppler's `pdfsig`, OpenSSL, qpdf and pyHanko's own validation."""

from __future__ import annotations

import hashlib
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from appliance.certificates.raising import NotRaised, prepare, raise_level
from appliance.certificates.render import render_certificate
from appliance.certificates.timestamps import check_token
from appliance.journal.errors import BugError
from sync.central.authority import RevokedCertificate
from tests.support.certificates import QR_TEXT, domicile, photograph, signature
from tests.support.sealing_centre import NOW, Centre, Judges, extracted, new_centre, run, signatures
from tests.support.timestamps import LATER, Tsa, new_tsa

VALID = "Signature Validation: Signature is Valid."
TRUSTED = "Certificate Validation: Certificate is Trusted."


@pytest.fixture(scope="module")
def centre() -> Centre:
    return new_centre()


@pytest.fixture(scope="module")
def tsa(centre: Centre) -> Tsa:
    return new_tsa(centre.authority)


@pytest.fixture(scope="module")
def judges(centre: Centre, tmp_path_factory: pytest.TempPathFactory) -> Judges:
    return Judges(tmp_path_factory.mktemp("judges"), centre.authority.certificate)


@pytest.fixture(scope="module")
def sealed(centre: Centre) -> bytes:
    """A whole certificate, as the counter seals it."""
    photo = photograph()
    return centre.sign(render_certificate(domicile(photo), photo=photo, signature_png=signature(), qr_text=QR_TEXT))


def raised_by(tsa: Tsa, sealed: bytes, crl: bytes | None = None) -> bytes:
    material = tsa.material()
    return raise_level(
        sealed,
        stamp=tsa.stamp,
        certificates=[*material.certificates, *material.believed.authorities],
        crls=material.believed.crls if crl is None else [crl],
        room=material.room,
    )


@pytest.fixture(scope="module")
def raised(tsa: Tsa, sealed: bytes) -> bytes:
    return raised_by(tsa, sealed)


def test_the_sealed_bytes_are_the_beginning_and_one_update_follows(sealed: bytes, raised: bytes) -> None:
    assert raised.startswith(sealed)
    assert raised.count(b"%%EOF") == sealed.count(b"%%EOF") + 1
    # What is added besides: a timestamp, two certificates of the chain and the service's, a revocation list.
    assert len(raised) - len(sealed) < 8 * 1024


def test_pdfsig_accepts_the_signature_at_both_levels(judges: Judges, sealed: bytes, raised: bytes) -> None:
    (alone,), (first, stamp) = (re.split(r"Signature #\d:", judges.pdfsig(pdf))[1:] for pdf in (sealed, raised))
    for said in (alone, first):
        for expected in (VALID, TRUSTED, "ETSI.CAdES.detached"):
            assert expected in said
    # Debian's does not know what a document timestamp is, but sees what it covers.
    assert "Total document signed" in stamp


def test_openssl_verifies_the_signature_of_the_raised_file(judges: Judges, raised: bytes) -> None:
    assert "CAdES Verification successful" in judges.openssl_cms(raised)


def test_openssl_verifies_the_timestamp_over_all_but_itself(judges: Judges, raised: bytes) -> None:
    token, content = extracted(raised)
    # The room of the timestamp, its hexadecimal digits and their brackets are all that it does not cover.
    gap = len(raised) - len(content)
    assert gap <= 2 * 1200 + 2
    assert b"/DSS" in content
    assert "Verification: OK" in judges.openssl_ts(token, content, LATER)
    assert "Verification: FAILED" in judges.openssl_ts(token, content + b"x", LATER)


def test_qpdf_finds_nothing_wrong_and_the_attachments_are_the_same(
    sealed: bytes, raised: bytes, tmp_path: Path
) -> None:
    (tmp_path / "sealed.pdf").write_bytes(sealed)
    (tmp_path / "raised.pdf").write_bytes(raised)
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", str(tmp_path / "raised.pdf"))
    names = [run("pdfdetach", "-list", str(tmp_path / f"{each}.pdf")) for each in ("sealed", "raised")]
    assert names[0] == names[1]


def test_a_pdf_a_stays_one(sealed: bytes, raised: bytes, tmp_path: Path) -> None:
    added = raised.removeprefix(sealed)
    for never in (b"/Version", b"/Type /Metadata", b"/ModDate", b"/Font", b"/AP ", b"/JS"):
        assert never not in added
    (tmp_path / "raised.pdf").write_bytes(raised)
    assert "PDF version:     1.7" in run("pdfinfo", str(tmp_path / "raised.pdf"))
    # An annotation that is printed and shows nothing: no appearance is wanted of it (ISO 19005-3, 6.3.3).
    fields = PdfFileReader(io.BytesIO(raised)).root["/AcroForm"]["/Fields"]
    stamp = fields[1].get_object()
    assert list(stamp["/Rect"]) == [0, 0, 0, 0]
    assert stamp["/F"] == 4 | 128


def test_pyhanko_says_that_nothing_but_what_archiving_needs_was_added(
    centre: Centre, sealed: bytes, raised: bytes
) -> None:
    root = asn1_x509.Certificate.load(centre.authority_der)
    reader = PdfFileReader(io.BytesIO(raised))
    kept = DocumentSecurityStore.read_dss(reader)
    # With nothing but what lies in the file and the authority, and revocation not passed over.
    known: dict[str, Any] = {
        "trust_roots": [root],
        "allow_fetching": False,
        "revocation_mode": "require",
        "moment": LATER,
    }
    seal = validate_pdf_signature(reader.embedded_regular_signatures[0], kept.as_validation_context(dict(known)))
    assert seal.bottom_line
    assert seal.modification_level is ModificationLevel.LTA_UPDATES
    assert seal.docmdp_ok
    stamp = validate_pdf_timestamp(reader.embedded_timestamp_signatures[0], kept.as_validation_context(dict(known)))
    assert stamp.valid
    assert stamp.intact
    assert stamp.trusted
    assert stamp.timestamp == LATER
    assert stamp.coverage is SignatureCoverageLevel.ENTIRE_FILE
    alone = PdfFileReader(io.BytesIO(sealed)).embedded_regular_signatures[0]
    bare = validate_pdf_signature(alone, ValidationContext(**known, crls=[]))
    assert not bare.bottom_line, "without the store, nothing says that the signer was not revoked"


def test_the_store_holds_all_certificates_and_lists_once(centre: Centre, tsa: Tsa, raised: bytes) -> None:
    kept = DocumentSecurityStore.read_dss(PdfFileReader(io.BytesIO(raised)))
    certificates = [each.dump() for each in kept.load_certs()]
    assert sorted(certificates) == sorted([centre.certificate, centre.authority_der, tsa.signer.certificate])
    (crl,) = (x509.load_der_x509_crl(each.get_object().data) for each in kept.crls)
    assert crl.is_signature_valid(centre.authority.certificate.public_key())  # type: ignore[arg-type]
    assert crl.last_update_utc <= LATER


def test_our_own_judge_takes_the_timestamp_out_of_the_file(tsa: Tsa, raised: bytes) -> None:
    token, content = extracted(raised)
    assert check_token(token, hashlib.sha256(content).digest(), tsa.believed()).at == LATER


def test_a_certificate_whose_key_was_revoked_is_raised_all_the_same_and_its_list_says_so(
    centre: Centre, tsa: Tsa, sealed: bytes
) -> None:
    number = x509.load_der_x509_certificate(centre.certificate).serial_number
    crl = centre.authority.crl([RevokedCertificate(number, NOW, x509.ReasonFlags.key_compromise)], number=2, at=LATER)
    revoked = raised_by(tsa, sealed, crl)
    assert revoked.startswith(sealed)
    reader = PdfFileReader(io.BytesIO(revoked))
    known: dict[str, Any] = {
        "trust_roots": [asn1_x509.Certificate.load(centre.authority_der)],
        "allow_fetching": False,
        "revocation_mode": "require",
        "moment": LATER + timedelta(minutes=1),
    }
    context = DocumentSecurityStore.read_dss(reader).as_validation_context(known)
    assert validate_pdf_signature(reader.embedded_regular_signatures[0], context).revoked


def test_a_file_that_is_no_seal_of_ours_is_not_raised(tsa: Tsa, sealed: bytes, raised: bytes) -> None:
    unsigned = sealed[: sealed.index(b"%%EOF") + 6]
    for wrong in (b"", b"%PDF-1.7", unsigned, sealed[:-100], raised, sealed + b"\n", sealed + b"more"):
        with pytest.raises(NotRaised):
            raised_by(tsa, wrong)


def test_a_timestamp_that_is_too_large_for_its_room_is_never_put_in(tsa: Tsa, sealed: bytes) -> None:
    prepared = prepare(sealed, certificates=[], crls=[], room=100)
    with pytest.raises(BugError):
        prepared.finish(bytes(101))
    with pytest.raises(BugError):
        prepare(sealed, certificates=[], crls=[], room=10**9)


def test_a_byte_changed_in_what_was_added_is_found_by_openssl(judges: Judges, sealed: bytes, raised: bytes) -> None:
    for place in (len(sealed) + 9, raised.index(b"/DSS"), len(raised) - 10):
        changed = raised[:place] + bytes([raised[place] ^ 1]) + raised[place + 1 :]
        token, content = signatures(changed)[-1]
        assert "Verification: FAILED" in judges.openssl_ts(token, content, LATER)
