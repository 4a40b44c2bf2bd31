"""A key sealed by a PIN: opens by that PIN, for what it was sealed about, and for nothing else."""

from __future__ import annotations

import os

import pytest

from appliance.journal.errors import IntegrityError
from appliance.sealing.passphrase import CostError, PassphraseError
from appliance.sealing.pins import WrongPin, check_new_pin, open_key, seal_key

PIN = "481920"
ABOUT = b"a key of an officer"


def sealed(pin: str = PIN) -> bytes:
    return seal_key(b"the private key", pin, ABOUT, random=os.urandom)


def test_a_key_opens_by_its_pin() -> None:
    assert open_key(sealed(), PIN, ABOUT) == b"the private key"


def test_the_same_pin_typed_on_another_keyboard_opens_it() -> None:
    assert open_key(sealed("caf\u00e9 481"), "cafe\u0301\u00a0481", ABOUT) == b"the private key"


@pytest.mark.parametrize("pin", ["481921", "48192", "", "481920 ", "4819\x0020", "x" * 5000])
def test_another_pin_does_not(pin: str) -> None:
    with pytest.raises(WrongPin):
        open_key(sealed(), pin, ABOUT)


def test_a_key_opens_for_nothing_that_it_was_not_sealed_about() -> None:
    with pytest.raises(WrongPin):
        open_key(sealed(), PIN, b"a key of another officer")


def test_neither_key_nor_pin_stand_in_the_box() -> None:
    box = sealed()
    assert b"the private key" not in box
    assert PIN.encode() not in box
    assert sealed() != box


@pytest.mark.parametrize("pin", ["12345", "123456", "987654", "abcdef", "000000", "1111111", "121212", ""])
def test_a_pin_that_anybody_would_try_first_is_refused(pin: str) -> None:
    with pytest.raises(PassphraseError):
        check_new_pin(pin)


@pytest.mark.parametrize("pin", ["481920", "1357913", "kabul7", "گلاب گل"])
def test_other_pins_may_be_chosen(pin: str) -> None:
    assert check_new_pin(pin)


def test_a_damaged_box_is_told_from_a_wrong_pin() -> None:
    box = sealed()
    for damaged in (b"", b"{}", box[:-1], box.replace(b'"v":1', b'"v":2'), box + b" " * 5000, b'{"v":1}' + box):
        with pytest.raises(IntegrityError):
            open_key(damaged, PIN, ABOUT)
    with pytest.raises(CostError):
        open_key(box.replace(b'"memory_kib":65536', b'"memory_kib":8'), PIN, ABOUT)


def test_a_byte_changed_in_what_is_sealed_opens_nothing() -> None:
    box = sealed()
    at = box.index(b'"sealed":"') + len(b'"sealed":"')
    changed = b"A" if box[at : at + 1] != b"A" else b"B"
    with pytest.raises(WrongPin):
        open_key(box[:at] + changed + box[at + 1 :], PIN, ABOUT)
