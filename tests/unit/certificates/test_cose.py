"""COSE_Sign1 and CWT: the standards' own examples, and the `cwt` library as the judge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import cbor2
import cwt as judge
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.certificates import cbor, cose
from appliance.certificates import cwt as claims_of
from appliance.certificates.cose import BadCose, read_sign1, verifies
from appliance.certificates.cwt import BadClaims, read_claims
from tests.support.sealing_centre import new_centre
from tests.vectors import VECTORS

PUBLISHED: Final[dict[str, Any]] = json.loads((VECTORS / "cose.json").read_text())
SIGN1: Final[list[dict[str, str]]] = PUBLISHED["sign1"]


def public(vector: dict[str, str]) -> ec.EllipticCurvePublicKey:
    numbers = ec.EllipticCurvePublicNumbers(int(vector["x"], 16), int(vector["y"], 16), ec.SECP256R1())
    return numbers.public_key()


def rewritten(
    vector: dict[str, str], *, tags: tuple[int, ...] = (), parts: Mapping[str, object] = MappingProxyType({})
) -> bytes:
    """The message with other parts."""
    protected, unprotected, payload, signature = cbor2.loads(bytes.fromhex(vector["message"])).value
    named = {"protected": protected, "unprotected": unprotected, "payload": payload, "signature": signature}
    item: object = list({**named, **parts}.values())
    for tag in tags:
        item = cbor2.CBORTag(tag, item)
    return cbor2.dumps(item)


@pytest.mark.parametrize("vector", SIGN1, ids=["rfc9052", "rfc8392"])
def test_the_examples_of_the_standards_verify(vector: dict[str, str]) -> None:
    message = read_sign1(bytes.fromhex(vector["message"]))
    assert message.kid == bytes.fromhex(vector["kid"])
    assert message.payload == bytes.fromhex(vector["payload"])
    assert verifies(message, public(vector))


@pytest.mark.parametrize("vector", SIGN1, ids=["rfc9052", "rfc8392"])
def test_one_changed_bit_does_not_verify(vector: dict[str, str]) -> None:
    payload, signature = (bytearray(part) for part in cbor2.loads(bytes.fromhex(vector["message"])).value[2:])
    payload[3] ^= 1
    assert not verifies(read_sign1(rewritten(vector, parts={"payload": bytes(payload)})), public(vector))
    signature[40] ^= 1
    assert not verifies(read_sign1(rewritten(vector, parts={"signature": bytes(signature)})), public(vector))
    for wrong in (b"", bytes(64), b"\xff" * 64, bytes(signature[:-1]), bytes(signature) + b"\0"):
        assert not verifies(read_sign1(rewritten(vector, parts={"signature": wrong})), public(vector))


def test_the_claims_of_the_standards_example() -> None:
    expected = PUBLISHED["cwt"]
    vector = next(each for each in SIGN1 if each["name"] == expected["message"])
    claims = read_claims(read_sign1(bytes.fromhex(vector["message"])).payload)
    assert claims.issuer == expected["issuer"]
    assert claims.expires_at_s == expected["expires_at_s"]
    assert claims.not_before_s == expected["not_before_s"]
    assert claims.issued_at_s == expected["issued_at_s"]
    assert claims.others == {2: "erikw", 3: "coap://light.example.com", 7: bytes.fromhex(expected["identifier"])}


@pytest.mark.parametrize("tags", [(), (18,), (18, 61)])
def test_tags_may_stand_and_may_be_missing(tags: tuple[int, ...]) -> None:
    assert verifies(read_sign1(rewritten(SIGN1[0], tags=tags)), public(SIGN1[0]))


@pytest.mark.parametrize("tags", [(17,), (61, 18), (18, 18), (55799, 18)])
def test_another_tag_is_refused(tags: tuple[int, ...]) -> None:
    with pytest.raises(BadCose):
        read_sign1(rewritten(SIGN1[0], tags=tags))


@pytest.mark.parametrize(
    "parts",
    [
        {"protected": {1: -7}},
        {"protected": b"\x80"},
        {"protected": b"\xa2\x01\x26\x01\x26"},
        {"protected": b"\xa1\x01\x26\x00"},
        {"unprotected": []},
        {"unprotected": {1: -7}},
        {"unprotected": {4: "11"}},
        {"unprotected": {4: bytes(65)}},
        {"unprotected": {2: [1]}},
        {"payload": None},
        {"payload": "text"},
        {"signature": None},
    ],
    ids=str,
)
def test_parts_of_a_wrong_kind_are_refused(parts: dict[str, object]) -> None:
    with pytest.raises(BadCose):
        read_sign1(rewritten(SIGN1[0], parts=parts))


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x80", b"\xd2\x83\x40\xa0\x40", b"\xd2\x84\x40\xa0\x40\x40\x00"])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(BadCose):
        read_sign1(data)


def test_another_algorithm_is_never_verified() -> None:
    for protected in (b"\xa1\x01\x27", b"\xa1\x01\x38\x22", b"\xa1\x01\x00", b"\xa1\x01\xf5", b"", b"\xa0"):
        message = read_sign1(rewritten(SIGN1[0], parts={"protected": protected}))
        assert message.algorithm != cose.ES256
        assert not verifies(message, public(SIGN1[0]))


def test_an_empty_header_is_signed_in_one_form() -> None:
    """RFC 9052, section 4.4: an empty map counts as no bytes."""
    forms = [
        read_sign1(rewritten(SIGN1[0], parts={"protected": protected})) for protected in (b"", b"\xa0", b"\xbf\xff")
    ]
    assert len({each.digest for each in forms}) == 1


def test_a_key_of_another_curve_verifies_nothing() -> None:
    message = read_sign1(bytes.fromhex(SIGN1[0]["message"]))
    assert not verifies(message, ec.generate_private_key(ec.SECP384R1()).public_key())


def test_another_program_verifies_what_we_sign_and_we_what_it_signs() -> None:
    centre = new_centre()
    payload = claims_of.write_claims(claims_of.Claims(issuer="PEW01", issued_at_s=1, expires_at_s=4_000_000_000))
    ours = cose.sign1(payload, b"12345678", centre.signer.sign)
    pem = centre.public_pem
    assert judge.decode(ours, judge.COSEKey.from_pem(pem, kid="12345678")) == {1: "PEW01", 4: 4_000_000_000, 6: 1}

    private = judge.COSEKey.from_pem(centre.private_pem, kid="12345678")
    theirs = judge.encode({1: "PEW01", 4: 4_000_000_000, 6: 1}, private)
    message = read_sign1(theirs)
    assert message.kid == b"12345678"
    assert verifies(message, centre.public)
    assert read_claims(message.payload).issuer == "PEW01"


@pytest.mark.parametrize(
    "payload",
    [[], {1: 7}, {4: "1"}, {4: True}, {4: -1}, {6: 2**60}, {5: float("nan")}, {4: cbor2.CBORTag(1, 5)}, {1: b"PEW01"}],
    ids=str,
)
def test_claims_of_a_wrong_kind_are_refused(payload: object) -> None:
    with pytest.raises(BadClaims):
        read_claims(cbor2.dumps(payload))


def test_a_time_may_be_a_fraction() -> None:
    """RFC 8392, section 2: NumericDate is a whole number or a floating-point one."""
    assert read_claims(cbor2.dumps({4: 1.5})).expires_at_s == 1
    assert cbor.decode(claims_of.write_claims(claims_of.Claims(not_before_s=3))) == {5: 3}
