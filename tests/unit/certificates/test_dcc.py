"""The EU's Digital COVID Certificate takes the same road (base45, zlib, COSE, CWT): its public test data is judge."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.certificates import base45, cose, qr
from appliance.certificates.cwt import read_claims
from appliance.certificates.qr import BadCode
from appliance.certificates.signer import kid
from tests.vectors import VECTORS

CODES: Final[list[dict[str, Any]]] = json.loads((VECTORS / "dcc.json").read_text())["codes"]
NAMES: Final = [each["name"] for each in CODES]
_HEALTH: Final = -260


def key_of(code: dict[str, Any]) -> ec.EllipticCurvePublicKey:
    key = x509.load_der_x509_certificate(base64.b64decode(code["certificate"])).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


@pytest.mark.parametrize("code", CODES, ids=NAMES)
def test_each_layer_is_read_and_the_signature_verifies(code: dict[str, Any]) -> None:
    unpacked = qr.unpack(code["text"], code["prefix"])
    assert unpacked.hex() == code.get("cose", unpacked.hex())
    packed = base45.decode(code["text"].removeprefix(code["prefix"]))
    assert packed.hex() == code.get("packed", packed.hex())
    message = cose.read_sign1(unpacked)
    assert message.kid == kid(base64.b64decode(code["certificate"]))
    assert cose.verifies(message, key_of(code))
    claims = read_claims(message.payload)
    assert claims.issuer == "AT"
    assert claims.expires_at_s is not None
    assert claims.issued_at_s is not None
    assert claims.expires_at_s > claims.issued_at_s
    assert list(claims.others) == [_HEALTH]


@pytest.mark.parametrize("code", CODES, ids=NAMES)
def test_under_the_certificate_of_another_it_does_not_verify(code: dict[str, Any]) -> None:
    message = cose.read_sign1(qr.unpack(code["text"], code["prefix"]))
    others = [key_of(each) for each in CODES if each is not code]
    assert others
    assert not any(cose.verifies(message, key) for key in others)


@pytest.mark.parametrize("code", CODES, ids=NAMES)
def test_changed_cut_or_lengthened_it_does_not_unpack_or_does_not_verify(code: dict[str, Any]) -> None:
    text, prefix = code["text"], code["prefix"]
    middle = len(text) // 2
    swapped = text[:middle] + text[middle + 1] + text[middle] + text[middle + 2 :]
    for changed in (text[:-1], text[:-3], text + "000", text + "0", text.lower(), text.removeprefix(prefix), swapped):
        try:
            message = cose.read_sign1(qr.unpack(changed, prefix))
        except ValueError:
            continue
        assert not cose.verifies(message, key_of(code))
    with pytest.raises(ValueError, match="prefix"):
        qr.unpack(text, "HC2:")


@pytest.mark.parametrize("code", CODES, ids=NAMES)
def test_none_of_them_passes_for_a_certificate_of_ours(code: dict[str, Any]) -> None:
    with pytest.raises(BadCode):
        qr.read_code(code["text"])
    with pytest.raises(BadCode):
        qr.read_code(code["text"].replace(code["prefix"], qr.PREFIX))
