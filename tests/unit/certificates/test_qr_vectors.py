"""The vectors for other implementers say what this code does, and the `cwt` library agrees."""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import Any, Final

import cwt as judge
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.certificates import base45, cose, qr
from appliance.certificates.qr import BadCode, read_code, verify_code
from appliance.certificates.record import decode_record, record_hash
from appliance.certificates.signer import kid
from tests.vectors import VECTORS, generate_qr

FOLDER: Final = VECTORS / "qr"
CODES: Final[dict[str, Any]] = json.loads((FOLDER / "codes.json").read_text())
PEM: Final = (FOLDER / "certificate.pem").read_bytes()
CERTIFICATE: Final = x509.load_pem_x509_certificate(PEM).public_bytes(Encoding.DER)
CERTIFICATE_KID: Final = kid(CERTIFICATE)


def named(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", CODES[kind], ids=[each["name"] for each in CODES[kind]])


@named("good")
def test_a_good_code_is_read_layer_by_layer(vector: dict[str, Any]) -> None:
    packed = base45.decode(vector["text"].removeprefix("SANAD1:"))
    assert packed.hex() == vector["zlib"]
    message = qr.unpack(vector["text"])
    assert message.hex() == vector["cose"] == zlib.decompress(packed).hex()
    parsed = cose.read_sign1(message)
    assert parsed.protected.hex() == vector["protected"]
    assert parsed.payload.hex() == vector["claims"]
    assert parsed.signature.hex() == vector["signature"]
    assert parsed.digest == hashlib.sha256(bytes.fromhex(vector["sig_structure"])).digest()
    code = read_code(vector["text"])
    verify_code(code, CERTIFICATE)
    assert code.record_sha256 == vector["record_sha256"] == record_hash(vector["record"].encode())
    assert code.number == decode_record(vector["record"].encode()).number


@named("good")
def test_the_cwt_library_verifies_a_good_code(vector: dict[str, Any]) -> None:
    key = judge.COSEKey.from_pem(PEM, kid=CERTIFICATE_KID)
    claims = judge.decode(bytes.fromhex(vector["cose"]), key)
    assert isinstance(claims, dict)
    assert claims[-65537][1] == json.loads(vector["record"])["number"]


@named("tolerated")
def test_another_form_is_read_too(vector: dict[str, Any]) -> None:
    code = read_code(vector["text"])
    verify_code(code, CERTIFICATE)
    assert code.number == "GGN01-0000042"


@named("bad")
def test_a_bad_code_is_refused_at_its_step(vector: dict[str, Any]) -> None:
    if vector["at"] == "read":
        with pytest.raises(BadCode):
            read_code(vector["text"])
    else:
        code = read_code(vector["text"])
        with pytest.raises(BadCode):
            verify_code(code, CERTIFICATE)


def test_the_vectors_are_what_the_script_makes() -> None:
    made = json.loads(json.dumps(generate_qr.codes()))
    # What zlib makes of a message is not the same everywhere.
    fixed, frozen = (
        [{key: value for key, value in each.items() if key not in ("zlib", "text")} for each in vectors["good"]]
        for vectors in (made, CODES)
    )
    assert fixed == frozen
    for kind in ("tolerated", "bad"):
        assert [each["name"] for each in made[kind]] == [each["name"] for each in CODES[kind]]
    assert (FOLDER / "key.pem").read_bytes() == generate_qr.SIGNER.key_pem
