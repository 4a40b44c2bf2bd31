"""Whom a centre's certificate names, and which answers of central's a node refuses."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sync.central import authority
from sync.central.authority import Authority, key_bytes, new_key
from sync.centre import BadCentreCertificate, centre_request, centre_subject, check_centre_certificate

NOW = datetime(2026, 11, 22, tzinfo=UTC)
CENTRE = ("PEW01", "Specimen centre, Peshawar")


@pytest.fixture(scope="module")
def ours() -> Authority:
    return Authority.create("Sanad central specimen", NOW)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def check(ours: Authority, certificate: bytes, key: ec.EllipticCurvePrivateKey) -> None:
    check_centre_certificate(certificate, der(ours.certificate), key_bytes(key), *CENTRE)


def test_a_certificate_for_this_centre_s_key_and_name_is_taken(ours: Authority) -> None:
    key = new_key()
    check(ours, der(ours.certify_centre(key.public_key(), centre_subject(*CENTRE), NOW)), key)


def test_a_certificate_by_another_authority_or_for_another_key_or_centre_is_refused(ours: Authority) -> None:
    key, subject = new_key(), centre_subject(*CENTRE)
    stranger = Authority.create("Sanad central specimen", NOW)
    good = der(ours.certify_centre(key.public_key(), subject, NOW))
    for bad in (
        der(stranger.certify_centre(key.public_key(), subject, NOW)),
        der(ours.certify_centre(new_key().public_key(), subject, NOW)),
        der(ours.certify_centre(key.public_key(), centre_subject("PEW02", CENTRE[1]), NOW)),
        der(ours.certify_centre(key.public_key(), centre_subject(CENTRE[0], "Another centre"), NOW)),
        good[:-1] + bytes([good[-1] ^ 1]),
        good[:-1],
        b"",
    ):
        with pytest.raises(BadCentreCertificate):
            check(ours, bad, key)


def test_a_certificate_that_is_not_for_documents_is_refused(ours: Authority) -> None:
    key, subject = new_key(), centre_subject(*CENTRE)
    for usage in (authority._usage(certificates=False), authority._usage(certificates=True, commits=True)):
        certificate = (
            authority._certificate(
                subject, ours.certificate.subject, key.public_key(), NOW, authority=ours._key.public_key()
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .sign(ours._key, SHA256())
        )
        with pytest.raises(BadCentreCertificate, match="sign documents"):
            check(ours, der(certificate), key)


@pytest.mark.parametrize("name", ["C" * 200, "مرکز سہولت شہریان " * 8, "A" * 63 + "é"])
def test_a_long_name_is_cut_for_the_certificate_to_what_x509_allows(name: str) -> None:
    subject = centre_subject("PEW01", name)
    common, organisation, code = (
        subject.get_attributes_for_oid(oid)[0].value
        for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATION_IDENTIFIER)
    )
    assert isinstance(common, str)
    assert isinstance(organisation, str)
    assert len(common.encode()) <= 64
    assert name.startswith(common)
    assert len(organisation) <= 64
    assert name.startswith(organisation)
    assert code == "PEW01"
    csr = x509.load_der_x509_csr(centre_request(key_bytes(new_key()), "PEW01", name))
    assert csr.subject == subject
