"""A timestamp is taken only when everything about it is right; each test makes one thing wrong."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.certificates import der
from appliance.certificates.der import integer, oid, sequence, tlv
from appliance.certificates.timestamps import (
    MAX_REQUEST,
    MAX_RESPONSE,
    Believed,
    Request,
    StampRefused,
    check_token,
    make_request,
)
from appliance.certificates.timestamptokens import MAX_TOKEN, BadTimestamp, read_token
from appliance.journal.errors import BugError
from sync.central.authority import Authority, RevokedCertificate, new_key
from sync.central.timestamping import POLICY
from tests.support.sealing_centre import NOW
from tests.support.timestamps import LATER, Tsa, honest, new_tsa, tsa_certificate

DIGEST = bytes(range(32))


@pytest.fixture(scope="module")
def tsa() -> Tsa:
    return new_tsa()


@pytest.fixture
def request_() -> Request:
    return make_request(DIGEST, os.urandom(16), POLICY)


def refused(tsa: Tsa, answer: bytes, request: Request, believed: Believed | None = None) -> str:
    with pytest.raises(BadTimestamp) as found:
        tsa.judge(answer, request, believed)
    return found.value.sentence


def test_an_honest_answer_is_taken_with_its_time_and_its_chain(tsa: Tsa, request_: Request) -> None:
    stamp = tsa.judge(tsa.service.answer(request_.der), request_)
    assert (stamp.at, stamp.service) == (LATER, "Specimen timestamps")
    assert stamp.chain == (tsa.signer.certificate, *tsa.believed().authorities)
    assert check_token(stamp.token, DIGEST, tsa.believed()) == stamp
    assert len(request_.der) < MAX_REQUEST


def test_what_the_tests_write_is_taken_where_nothing_in_it_is_wrong(tsa: Tsa, request_: Request) -> None:
    assert tsa.judge(honest(request_).by(tsa.signer), request_).at == LATER


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"nonce": 5}, "answers another request"),
        ({"nonce": None}, "answers another request"),
        ({"digest": bytes(32)}, "over another document"),
        ({"digest": b"short"}, "over another document"),
        ({"policy": "1.2.3"}, "another policy"),
        ({"version": 2}, "not of its form"),
        ({"algorithm": oid("2.16.840.1.101.3.4.2.3")}, "not of its form"),
        ({"at": "20261122123000+0000"}, "not of its form"),
        ({"at": "20261122123000.50Z"}, "not of its form"),
        ({"at": "20261322123000Z"}, "cannot be read"),
        ({"at": f"{LATER + timedelta(minutes=6):%Y%m%d%H%M%SZ}"}, "a time that cannot be"),
        ({"at": f"{LATER - timedelta(minutes=6):%Y%m%d%H%M%SZ}"}, "a time that cannot be"),
        ({"statement_kind": oid("1.2.840.113549.1.9.16.1.9")}, "another statement"),
        ({"extensions": tlv(0xA1, b"")}, "cannot be read"),
        ({"with_certificate": False}, "does not carry the certificate"),
    ],
)
def test_one_thing_wrong_is_enough(tsa: Tsa, request_: Request, wrong: dict[str, object], sentence: str) -> None:
    answer = replace(honest(request_), **wrong)  # type: ignore[arg-type]
    assert sentence in refused(tsa, answer.by(tsa.signer), request_)


def test_a_time_with_a_fraction_is_read(tsa: Tsa, request_: Request) -> None:
    answer = replace(honest(request_), at="20261122123000.25Z")
    assert tsa.judge(answer.by(tsa.signer), request_).at == LATER + timedelta(milliseconds=250)


def test_a_refusal_says_why_and_holds_no_timestamp(tsa: Tsa, request_: Request) -> None:
    asked = make_request(DIGEST, os.urandom(16), "1.2.3")
    with pytest.raises(StampRefused, match="does not stamp under that policy"):
        tsa.judge(tsa.service.answer(asked.der), asked)
    with pytest.raises(StampRefused, match="gave no reason"):
        tsa.judge(sequence(sequence(integer(2))), request_)
    # Even one with a good timestamp behind it.
    with pytest.raises(StampRefused):
        tsa.judge(replace(honest(request_), status=integer(2)).by(tsa.signer), request_)


def test_a_granted_answer_without_a_timestamp_is_none(tsa: Tsa, request_: Request) -> None:
    assert "cannot be read" in refused(tsa, sequence(sequence(integer(0))), request_)


def test_garbage_a_huge_answer_and_what_stands_behind_an_answer_are_refused(tsa: Tsa, request_: Request) -> None:
    good = honest(request_).by(tsa.signer)
    for wrong in (b"", b"<html>", os.urandom(500), good[:-1], good + b"\0", b"0\x80" + good + b"\0\0"):
        assert "cannot be read" in refused(tsa, wrong, request_)
    assert "larger than any" in refused(tsa, good + bytes(MAX_RESPONSE), request_)
    padded = sequence(sequence(integer(0)), tlv(der.SEQUENCE, bytes(MAX_TOKEN)))
    assert "larger than any" in refused(tsa, padded, request_)


def test_a_bit_changed_anywhere_is_refused_or_changes_nothing_that_counts(tsa: Tsa, request_: Request) -> None:
    good = honest(request_).by(tsa.signer)
    expected = tsa.judge(good, request_)
    random = Random(5)
    for place in random.sample(range(len(good)), 300):
        changed = good[:place] + bytes([good[place] ^ 1 << random.randrange(8)]) + good[place + 1 :]
        try:
            stamp = tsa.judge(changed, request_)
        except (BadTimestamp, StampRefused):
            continue
        # What no signature covers, and nobody reads: the version numbers and the signer's name and number.
        assert (stamp.at, stamp.chain) == (expected.at, expected.chain)


def test_a_certificate_that_has_expired_at_that_time_is_refused(tsa: Tsa, request_: Request) -> None:
    old = tsa_certificate(tsa, until=LATER - timedelta(days=1))
    assert "expired" in refused(tsa, honest(request_).by(old.signer), request_)


@pytest.mark.parametrize(
    ("usage", "critical"),
    [
        (None, False),
        ((ExtendedKeyUsageOID.TIME_STAMPING,), False),
        ((ExtendedKeyUsageOID.EMAIL_PROTECTION,), True),
        ((ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.EMAIL_PROTECTION), True),
        ((ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,), True),
    ],
)
def test_a_certificate_must_say_critically_that_it_is_for_timestamps_alone(
    tsa: Tsa, request_: Request, usage: tuple[x509.ObjectIdentifier, ...] | None, critical: bool
) -> None:
    strange = tsa_certificate(tsa, usage=usage, critical=critical)
    assert "for timestamps" in refused(tsa, honest(request_).by(strange.signer), request_)


def test_a_certificate_that_demands_what_nobody_knows_or_is_an_authority_is_refused(
    tsa: Tsa, request_: Request
) -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    for more, sentence in ((unknown, "demands"), (x509.BasicConstraints(ca=True, path_length=None), "authority's")):
        strange = tsa_certificate(tsa, more=[more])
        assert sentence in refused(tsa, honest(request_).by(strange.signer), request_)


def test_a_timestamp_by_another_authority_is_refused_also_under_the_same_name(tsa: Tsa, request_: Request) -> None:
    other = new_tsa(Authority.create("Sanad central specimen", NOW))
    assert "not by an authority" in refused(tsa, honest(request_).by(other.signer), request_)


def test_a_signature_by_another_key_under_our_certificate_is_refused(tsa: Tsa, request_: Request) -> None:
    token = honest(request_).token(tsa.signer)
    signed = read_token(token).signer
    stranger = new_key()
    forged = b""
    while len(forged) != len(signed.signature):
        forged = stranger.sign(signed.content, ec.ECDSA(SHA256()))
    answer = sequence(sequence(integer(0)), token.replace(signed.signature, forged))
    assert "signature does not hold" in refused(tsa, answer, request_)


def test_a_revoked_certificate_is_refused(tsa: Tsa, request_: Request) -> None:
    entry = RevokedCertificate(tsa.certificate.serial_number, NOW, x509.ReasonFlags.key_compromise)
    assert "revoked" in refused(tsa, honest(request_).by(tsa.signer), request_, tsa.believed([entry]))


def test_a_revocation_list_by_another_key_is_not_passed_over(tsa: Tsa, request_: Request) -> None:
    stranger = Authority.create("Sanad central specimen", NOW)
    believed = Believed(tsa.believed().authorities, (stranger.crl([], number=1, at=LATER),))
    assert "not signed by its authority" in refused(tsa, honest(request_).by(tsa.signer), request_, believed)


def test_a_request_is_over_a_sha_256_with_a_whole_nonce() -> None:
    for digest, nonce in ((b"short", bytes(16)), (DIGEST, b"")):
        with pytest.raises(BugError):
            make_request(digest, nonce)


def test_a_timestamp_in_a_document_is_judged_without_a_request(tsa: Tsa, request_: Request) -> None:
    token = honest(request_).token(tsa.signer)
    assert check_token(token, DIGEST, tsa.believed()).at == LATER
    for digest, changed in ((bytes(32), token), (DIGEST, token + b"\0"), (DIGEST, token[:-1] + b"\0")):
        with pytest.raises(BadTimestamp):
            check_token(changed, digest, tsa.believed())


def test_the_times_of_the_specimens_are_those_of_a_later_hour() -> None:
    assert datetime(2026, 11, 22, 12, 30, tzinfo=UTC) == LATER
