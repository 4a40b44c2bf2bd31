"""What signs documents: key and certificate belong together, and nothing else is taken for a signature."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from appliance.certificates.signer import SoftwareSigner, kid, load_certificate, load_key, signed_by
from appliance.journal.errors import IntegrityError
from sync.central.authority import key_bytes, new_key
from tests.support.sealing_centre import new_centre

DIGEST = hashlib.sha256(b"a page").digest()


def test_a_signature_is_by_the_key_of_the_certificate() -> None:
    centre = new_centre()
    centre.public.verify(signed_by(centre.signer, DIGEST), DIGEST, ec.ECDSA(Prehashed(SHA256())))


def test_a_key_of_another_certificate_or_of_another_kind_is_no_signer() -> None:
    centre = new_centre()
    other_curve = key_bytes(ec.generate_private_key(ec.SECP384R1()))
    for key in (key_bytes(new_key()), other_curve, b"no key", b""):
        with pytest.raises(IntegrityError):
            SoftwareSigner(key, centre.certificate, ())
    with pytest.raises(IntegrityError):
        SoftwareSigner(centre.key, b"no certificate", ())


def test_a_signature_that_the_certificate_does_not_verify_is_not_given_on() -> None:
    class Changed(SoftwareSigner):
        def sign(self, digest: bytes) -> bytes:
            return load_key(key_bytes(new_key())).sign(digest, ec.ECDSA(Prehashed(SHA256())))

    centre = new_centre()
    with pytest.raises(IntegrityError, match="not that of its key"):
        signed_by(Changed(centre.key, centre.certificate, ()), DIGEST)


def test_a_signer_shows_no_key_where_it_is_printed() -> None:
    signer = new_centre().signer
    assert "key" not in repr(signer)
    assert replace(signer, officer=True).officer


def test_a_certificate_is_named_by_the_beginning_of_its_hash() -> None:
    certificate = new_centre().certificate
    assert kid(certificate) == hashlib.sha256(certificate).digest()[:8]
    assert load_certificate(certificate) is load_certificate(certificate)
