"""The code of a receipt: signed by the centre, read by anybody who knows its public key."""

from __future__ import annotations

import base64
from dataclasses import replace
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from appliance.certificates.receipt import MAX_TEXT, NotOurReceipt, ReceiptClaim, receipt_text, verify_receipt_text
from appliance.journal.errors import BugError
from tests.support.certificates import CLAIM
from tests.support.sealing_centre import new_centre

CENTRE = new_centre()


def test_a_receipt_s_code_comes_back_as_what_was_signed() -> None:
    for claim in (CLAIM, replace(CLAIM, void=True), replace(CLAIM, total_minor=0), replace(CLAIM, currency="INR")):
        assert verify_receipt_text(receipt_text(claim, CENTRE.key), CENTRE.public) == claim


def test_printed_again_it_is_the_same_code() -> None:
    assert receipt_text(CLAIM, CENTRE.key) == receipt_text(CLAIM, CENTRE.key)


def test_every_letter_is_in_qr_s_alphanumeric_set_and_the_text_is_short() -> None:
    text = receipt_text(CLAIM, CENTRE.key)
    assert set(text) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
    assert len(text) < 200 < MAX_TEXT


def test_a_plain_ecdsa_verification_agrees() -> None:
    """Enough for a reader that is not ours: the text before the last colon, and r and s in base32."""
    signed, _, encoded = receipt_text(CLAIM, CENTRE.key).rpartition(":")
    raw = base64.b32decode(encoded + "=" * (-len(encoded) % 8))
    numbers = b""
    for scalar in (raw[:32], raw[32:]):
        scalar = scalar.lstrip(b"\0")
        scalar = b"\0" + scalar if scalar[0] & 0x80 else scalar
        numbers += bytes((2, len(scalar))) + scalar
    CENTRE.public.verify(bytes((0x30, len(numbers))) + numbers, signed.encode(), ec.ECDSA(SHA256()))


def test_a_changed_letter_is_found_wherever_it_stands() -> None:
    text, random = receipt_text(CLAIM, CENTRE.key), Random(5)
    for place in range(len(text)):
        other = random.choice([letter for letter in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ:-" if letter != text[place]])
        changed = text[:place] + other + text[place + 1 :]
        if place == len(text) - 1 and base64.b32decode(f"{changed[-103:]}=") == base64.b32decode(f"{text[-103:]}="):
            continue
        with pytest.raises(NotOurReceipt):
            verify_receipt_text(changed, CENTRE.public)


@pytest.mark.parametrize(
    "text", ["", ":", "SANAD-R1", "https://example.org", "ا" * 50, "A" * 100_000, CLAIM.text, "=:="]
)
def test_what_is_no_receipt_s_code_is_refused(text: str) -> None:
    with pytest.raises(NotOurReceipt):
        verify_receipt_text(text, CENTRE.public)


def test_another_centre_s_receipt_is_refused() -> None:
    with pytest.raises(NotOurReceipt):
        verify_receipt_text(receipt_text(CLAIM, new_centre().key), CENTRE.public)


def test_a_valid_receipt_cannot_be_made_void_or_dearer() -> None:
    text = receipt_text(CLAIM, CENTRE.key)
    for old, new in ((":PAID:", ":VOID:"), (":22050:", ":92050:"), (":PKR:", ":INR:")):
        with pytest.raises(NotOurReceipt):
            verify_receipt_text(text.replace(old, new), CENTRE.public)


@pytest.mark.parametrize(
    "claim",
    [
        replace(CLAIM, number="R:1"),
        replace(CLAIM, number=""),
        replace(CLAIM, total_minor=-1),
        replace(CLAIM, currency="USD"),
        replace(CLAIM, day="today"),
        replace(CLAIM, tracking="نام"),
    ],
)
def test_what_would_not_be_read_back_is_not_signed(claim: ReceiptClaim) -> None:
    with pytest.raises(BugError):
        receipt_text(claim, CENTRE.key)
