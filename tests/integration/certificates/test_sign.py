"""The seal on a PDF, judged by poppler's `pdfsig`, OpenSSL and qpdf."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from appliance.certificates.sign import sign_pdf
from appliance.certificates.signer import SoftwareSigner, load_key
from appliance.journal.errors import BugError, IntegrityError
from sync.central.authority import key_bytes, new_key
from tests.support.sealing_centre import NOW, Centre, Judges, a_page, extracted, new_centre, run

VALID = "Signature Validation: Signature is Valid."
TRUSTED = "Certificate Validation: Certificate is Trusted."


@dataclass(frozen=True)
class Elsewhere:
    """A signer whose key this process does not hold, as a token is one."""

    certificate: bytes
    chain: tuple[bytes, ...]
    officer: bool
    key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)

    def sign(self, digest: bytes) -> bytes:
        return self.key.sign(digest, ec.ECDSA(Prehashed(SHA256())))


@pytest.fixture(scope="module")
def page() -> bytes:
    return a_page()


@pytest.fixture(scope="module")
def centre() -> Centre:
    return new_centre()


@pytest.fixture(scope="module")
def judges(centre: Centre, tmp_path_factory: pytest.TempPathFactory) -> Judges:
    return Judges(tmp_path_factory.mktemp("judges"), centre.authority.certificate)


@pytest.fixture(scope="module")
def signed(centre: Centre, page: bytes) -> bytes:
    return centre.sign(page)


def test_pdfsig_says_valid_trusted_and_the_whole_document(judges: Judges, signed: bytes) -> None:
    said = judges.pdfsig(signed)
    for expected in (
        *(VALID, TRUSTED, "Total document signed", "ETSI.CAdES.detached", "Hash Algorithm: SHA-256"),
        *("Common Name: Specimen centre, Peshawar", "OID.2.5.4.97=PEW01", "Signing Time: Nov 22 2026 09:30:00"),
    ):
        assert expected in said
    assert said.count("Signature #") == 1


def test_openssl_verifies_the_cms_with_the_certificate_that_was_signed(judges: Judges, signed: bytes) -> None:
    assert "CAdES Verification successful" in judges.openssl_cms(signed)


def test_openssl_reads_the_four_signed_attributes_and_no_signing_time(judges: Judges, signed: bytes) -> None:
    cms, _ = extracted(signed)
    (judges.folder / "shown.der").write_bytes(cms)
    shown = run("openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", str(judges.folder / "shown.der"))
    for name in ("contentType", "messageDigest", "signingCertificateV2", "1.2.840.113549.1.9.52"):
        assert name in shown
    assert "signingTime" not in shown
    assert "eContent: <ABSENT>" in shown


def test_the_rendered_file_is_the_beginning_of_the_signed_one_and_its_metadata_is_untouched(
    page: bytes, signed: bytes
) -> None:
    added = signed.removeprefix(page)
    assert len(added) < len(signed)
    assert b"/Version" not in added
    assert b"/Type /Metadata" not in added
    assert b"/ModDate" not in added


def test_no_change_is_permitted_afterwards(signed: bytes) -> None:
    added = signed[signed.rindex(b"/TransformParams") :]
    assert b"/P 1" in added
    assert b"/DocMDP" in signed


def test_qpdf_finds_nothing_wrong(signed: bytes, tmp_path: Path) -> None:
    (tmp_path / "signed.pdf").write_bytes(signed)
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", str(tmp_path / "signed.pdf"))


def signed_places(signed: bytes, count: int) -> Iterator[int]:
    """Some bytes of what is signed, the edges of the ranges among them."""
    start, end = signed.index(b"/Contents <") + len(b"/Contents "), signed.index(b">", signed.index(b"/Contents <")) + 1
    random = Random(3)
    yield from (9, start - 1, end, len(signed) - 2)
    yield from (random.choice([*range(9, start), *range(end, len(signed))]) for _ in range(count))


def test_a_byte_changed_anywhere_in_what_is_signed_is_found(judges: Judges, signed: bytes) -> None:
    for place in signed_places(signed, 40):
        changed = signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :]
        assert VALID not in judges.pdfsig(changed), place


def test_a_certificate_of_a_stranger_s_authority_is_not_trusted(judges: Judges, page: bytes) -> None:
    said = judges.pdfsig(new_centre().sign(page))
    assert VALID in said
    assert TRUSTED not in said


def test_a_key_that_is_not_the_certificate_s_signs_nothing(centre: Centre, page: bytes) -> None:
    # As a token does whose certificate is another key's: nothing shows before it signed.
    elsewhere = Elsewhere(centre.certificate, (), officer=True)
    with pytest.raises(IntegrityError):
        sign_pdf(page, signer=elsewhere, reason="", location="", at=NOW)


def test_a_signature_by_a_key_that_lies_elsewhere_is_as_good(centre: Centre, page: bytes, judges: Judges) -> None:
    signer = Elsewhere(centre.certificate, (centre.authority_der,), officer=True, key=load_key(centre.key))
    signed = sign_pdf(page, signer=signer, reason="Issued", location="Peshawar", at=NOW)
    assert VALID in judges.pdfsig(signed)
    assert "CAdES Verification successful" in judges.openssl_cms(signed)


@pytest.mark.parametrize("size", [1, 20_000, 70_000])
def test_there_is_room_for_certificates_of_any_size(page: bytes, size: int) -> None:
    name, key = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "SPECIMEN")]), new_key()
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    large = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), bytes(size))
    certificate = builder.add_extension(large, critical=False).sign(key, SHA256()).public_bytes(Encoding.DER)
    signer = SoftwareSigner(key_bytes(key), certificate, (certificate, certificate))
    signed = sign_pdf(page, signer=signer, reason="", location="", at=NOW)
    assert extracted(signed)[0].count(certificate) == 3


def test_what_is_no_pdf_or_was_signed_before_is_not_signed(centre: Centre, page: bytes, signed: bytes) -> None:
    for pdf in (b"", b"%PDF-1.7", page[:-200], signed):
        with pytest.raises(BugError):
            centre.sign(pdf)


def test_a_time_without_a_zone_is_refused(centre: Centre, page: bytes) -> None:
    when = datetime(2026, 11, 22)  # noqa: DTZ001
    with pytest.raises(BugError):
        sign_pdf(page, signer=centre.signer, reason="", location="", at=when)


def test_a_signature_carries_the_chain_that_it_was_given(centre: Centre, signed: bytes, page: bytes) -> None:
    ca = centre.authority.certificate.public_bytes(Encoding.DER)
    cms, _ = extracted(signed)
    assert ca in cms
    signer = SoftwareSigner(centre.key, centre.certificate, ())
    alone = sign_pdf(page, signer=signer, reason="", location="", at=NOW)
    assert ca not in extracted(alone)[0]
    assert x509.load_der_x509_certificate(centre.certificate).public_bytes(Encoding.DER) in extracted(alone)[0]
