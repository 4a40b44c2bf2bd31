"""Several ways to one store key; what an attacker with the disk cannot do; and rotation, cut at every step."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.journal.errors import BugError, IntegrityError, OperatorError
from appliance.sealing import age, slots
from appliance.sealing.passphrase import Cost, PassphraseError, derive_key
from appliance.sealing.slotfile import (
    MAX_FILE,
    MAX_SLOTS,
    PassphraseSlot,
    Slots,
    SlotsDamaged,
    encode_slots,
    parse_slots,
)
from appliance.sealing.slots import Unlocked, WrongPassphrase

COST = Cost(memory_kib=64 * 1024, iterations=1, lanes=2)
AT = "2026-03-01T08:30:00.000Z"
KEY = bytes(range(32))
NEXT = bytes(range(100, 132))
FIRST = "seven old ferries"
SECOND = "lantern under snow"
RECOVERY = age.new_identity()


def made() -> Unlocked:
    one = slots.create(KEY, FIRST, label="Supervisor", at=AT, random=os.urandom, cost=COST)
    two = slots.add_passphrase(one, SECOND, label="Night box", at=AT, random=os.urandom, cost=COST)
    return slots.add_recovery(two, age.recipient_of(RECOVERY), label="Central", at=AT, random=os.urandom)


HOME = made()
FIRST_ID, SECOND_ID, RECOVERY_ID = (slot.id for slot in HOME.slots.slots)
ROTATING = slots.begin_rotation(HOME, NEXT)


def reread(unlocked: Unlocked) -> Slots:
    return parse_slots(encode_slots(unlocked.slots))


def test_every_way_in_leads_to_the_same_key() -> None:
    for opened in (
        slots.unlock_with_passphrase(reread(HOME), FIRST),
        slots.unlock_with_passphrase(reread(HOME), SECOND),
        slots.unlock_with_identity(reread(HOME), RECOVERY),
    ):
        assert opened.keys == (KEY,)


def test_a_wrong_passphrase_is_refused_in_words_with_a_next_step() -> None:
    with pytest.raises(WrongPassphrase, match="does not open this home") as caught:
        slots.unlock_with_passphrase(HOME.slots, "seven old ferrets")
    assert "Caps Lock" in caught.value.next_step


def test_another_recovery_key_is_refused() -> None:
    with pytest.raises(WrongPassphrase):
        slots.unlock_with_identity(HOME.slots, age.new_identity())


def test_a_weak_store_passphrase_is_refused() -> None:
    for weak in ("eleven char", "", "tab\tin the middle"):
        with pytest.raises(PassphraseError):
            slots.create(KEY, weak, label="x", at=AT, random=os.urandom, cost=COST)


def test_other_programs_can_recover_the_key_from_the_written_form() -> None:
    """The format as documented, read with nothing of ours but Argon2id: JSON, ChaCha20-Poly1305, age."""
    raw = msgspec.json.decode(encode_slots(HOME.slots))["slots"][0]
    key = derive_key(FIRST.encode(), base64.b64decode(raw["salt"]), COST)
    public = msgspec.json.encode({**raw, "keys": [], "wrapped": ""})
    identity = ChaCha20Poly1305(key).decrypt(bytes(12), base64.b64decode(raw["wrapped"]), public).decode()
    assert age.open_sealed(base64.b64decode(raw["keys"][0]), identity) == KEY


def test_the_file_and_the_values_show_neither_key_nor_passphrase() -> None:
    shown = encode_slots(HOME.slots) + repr(HOME).encode() + repr(ROTATING).encode()
    for secret in (KEY, NEXT, FIRST.encode(), SECOND.encode(), RECOVERY.encode()):
        for form in (secret, base64.b64encode(secret).rstrip(b"=")[:-1], secret.hex().encode(), repr(secret).encode()):
            assert form not in shown
    assert b"AGE-SECRET-KEY" not in shown


# What an attacker with the disk tries.


def changed(unlocked: Unlocked, change: Callable[[list[dict[str, Any]]], None]) -> Slots:
    raw = msgspec.json.decode(encode_slots(unlocked.slots))
    change(raw["slots"])
    return parse_slots(encode_slots(msgspec.convert(raw, Slots)))


def test_a_planted_slot_is_noticed_by_every_way_in_and_gets_no_key() -> None:
    attacker = slots.create(bytes(32), "attackers own words", label="x", at=AT, random=os.urandom, cost=COST)
    planted = msgspec.structs.replace(HOME.slots, slots=(*HOME.slots.slots, attacker.slots.slots[0]))
    ways_in: list[Callable[[], object]] = [
        lambda: slots.unlock_with_passphrase(planted, FIRST),
        lambda: slots.unlock_with_identity(planted, RECOVERY),
        lambda: slots.unlock_with_passphrase(planted, "attackers own words"),
    ]
    for unlock in ways_in:
        with pytest.raises(SlotsDamaged, match="their seal does not fit"):
            unlock()


def test_a_swapped_recipient_is_noticed() -> None:
    def swap(raw: list[dict[str, Any]]) -> None:
        raw[2]["recipient"] = age.recipient_of(age.new_identity())

    with pytest.raises(SlotsDamaged):
        slots.unlock_with_passphrase(changed(HOME, swap), FIRST)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("label", "Someone else"),
        ("created", "2025-03-01T08:30:00.000Z"),
        ("iterations", 2),
        ("lanes", 1),
        ("memory_kib", 65_537),
        ("salt", base64.b64encode(bytes(16)).decode()),
        ("id", "aaaaaaaa"),
    ],
)
def test_no_public_field_of_a_passphrase_slot_can_be_changed(field: str, value: object) -> None:
    with pytest.raises((WrongPassphrase, SlotsDamaged)):
        slots.unlock_with_passphrase(changed(HOME, lambda raw: raw[0].update({field: value})), FIRST)


def test_slots_cannot_be_removed_or_reordered_from_outside() -> None:
    for order in ((0, 1), (0, 2), (0,), (2, 1, 0)):
        mixed = msgspec.structs.replace(HOME.slots, slots=tuple(HOME.slots.slots[place] for place in order))
        with pytest.raises(SlotsDamaged):
            slots.unlock_with_passphrase(mixed, FIRST)


def test_a_store_key_sealed_by_someone_else_is_noticed() -> None:
    def reseal(raw: list[dict[str, Any]]) -> None:
        for slot in raw:
            slot["keys"] = [base64.b64encode(age.seal(bytes(32), [slot["recipient"]])).decode()]

    with pytest.raises(SlotsDamaged):
        slots.unlock_with_passphrase(changed(HOME, reseal), FIRST)


def test_a_next_key_planted_to_be_rotated_to_is_noticed() -> None:
    def plant(raw: list[dict[str, Any]]) -> None:
        for slot in raw:
            slot["keys"].append(base64.b64encode(age.seal(bytes(32), [slot["recipient"]])).decode())

    with pytest.raises(SlotsDamaged):
        slots.unlock_with_passphrase(changed(HOME, plant), FIRST)


@pytest.mark.parametrize("sealed", [b"", b"not sealed", age.seal(KEY, [age.recipient_of(age.new_identity())])])
def test_a_broken_sealed_key_is_an_integrity_error(sealed: bytes) -> None:
    def damage(raw: list[dict[str, Any]]) -> None:
        raw[0]["keys"] = [base64.b64encode(sealed).decode()]

    with pytest.raises(IntegrityError, match="does not open"):
        slots.unlock_with_passphrase(changed(HOME, damage), FIRST)


def test_a_sealed_key_of_another_size_is_refused() -> None:
    def damage(raw: list[dict[str, Any]]) -> None:
        raw[0]["keys"] = [base64.b64encode(age.seal(KEY + b"x", [raw[0]["recipient"]])).decode()]

    with pytest.raises(SlotsDamaged, match="wrong size"):
        slots.unlock_with_passphrase(changed(HOME, damage), FIRST)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_changed_byte_of_the_file_is_accepted(data: st.DataObject) -> None:
    written = bytearray(encode_slots(HOME.slots))
    place = data.draw(st.integers(0, len(written) - 1))
    written[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != written[place]))
    with pytest.raises((IntegrityError, WrongPassphrase)):
        slots.unlock_with_passphrase(parse_slots(bytes(written)), FIRST)


# Changes by those who may.


def test_a_removed_slot_no_longer_opens() -> None:
    left = slots.remove(HOME, SECOND_ID)
    with pytest.raises(WrongPassphrase):
        slots.unlock_with_passphrase(reread(left), SECOND)
    assert slots.unlock_with_passphrase(reread(left), FIRST).keys == (KEY,)


def test_the_last_passphrase_stays() -> None:
    left = slots.remove(HOME, SECOND_ID)
    with pytest.raises(OperatorError, match="last passphrase"):
        slots.remove(left, FIRST_ID)
    assert slots.remove(left, RECOVERY_ID).slots.slots[0].id == FIRST_ID


def test_a_changed_passphrase_replaces_the_old_one_in_the_same_slot() -> None:
    moved = slots.change_passphrase(HOME, FIRST_ID, "another set of words", random=os.urandom, cost=COST)
    assert [slot.id for slot in moved.slots.slots] == [FIRST_ID, SECOND_ID, RECOVERY_ID]
    assert slots.unlock_with_passphrase(reread(moved), "another set of words").keys == (KEY,)
    with pytest.raises(WrongPassphrase):
        slots.unlock_with_passphrase(reread(moved), FIRST)


def test_a_recovery_slot_has_no_passphrase_to_change() -> None:
    with pytest.raises(OperatorError, match="has no passphrase"):
        slots.change_passphrase(HOME, RECOVERY_ID, "another set of words", random=os.urandom, cost=COST)


def test_an_unknown_slot_is_refused() -> None:
    with pytest.raises(OperatorError, match="no such key slot"):
        slots.remove(HOME, "aaaaaaaa")


def test_the_same_recovery_key_is_not_added_twice() -> None:
    with pytest.raises(OperatorError, match="already"):
        slots.add_recovery(HOME, age.recipient_of(RECOVERY).upper(), label="x", at=AT, random=os.urandom)


@pytest.mark.parametrize("label", ["", "x" * 65, "two\nlines", "bell\a", "\u202eleft"])
def test_a_label_prints_on_one_line(label: str) -> None:
    with pytest.raises(OperatorError, match="label"):
        slots.add_recovery(HOME, age.recipient_of(age.new_identity()), label=label, at=AT, random=os.urandom)


def test_a_home_has_a_bounded_number_of_slots_that_fit_the_file_even_while_rotating() -> None:
    full = HOME
    while len(full.slots.slots) < MAX_SLOTS:
        recipient = age.recipient_of(age.new_identity())
        full = slots.add_recovery(full, recipient, label="\N{OWL}" * 64, at=AT, random=os.urandom)
    assert len(encode_slots(slots.begin_rotation(full, NEXT).slots)) < MAX_FILE
    with pytest.raises(OperatorError, match="at most 16"):
        slots.add_recovery(full, age.recipient_of(age.new_identity()), label="x", at=AT, random=os.urandom)


def test_slot_names_never_repeat_even_if_randomness_does() -> None:
    draws = iter([b"aaaaa", bytes(16), b"aaaaa", b"aaaaa", b"bbbbb"])
    one = slots.create(KEY, FIRST, label="x", at=AT, random=lambda size: next(draws), cost=COST)
    two = slots.add_recovery(
        one, age.recipient_of(age.new_identity()), label="y", at=AT, random=lambda size: next(draws)
    )
    assert len({slot.id for slot in two.slots.slots}) == 2


def test_no_two_slots_share_a_salt_or_an_identity() -> None:
    first, second = (slot for slot in HOME.slots.slots if isinstance(slot, PassphraseSlot))
    assert first.salt != second.salt
    assert first.recipient != second.recipient


# Rotation.


def test_rotation_needs_no_passphrase_and_every_way_in_leads_to_the_new_key() -> None:
    done = slots.finish_rotation(ROTATING, NEXT)
    assert slots.unlock_with_passphrase(reread(done), FIRST).keys == (NEXT,)
    assert slots.unlock_with_passphrase(reread(done), SECOND).keys == (NEXT,)
    assert slots.unlock_with_identity(reread(done), RECOVERY).keys == (NEXT,)


def test_between_the_steps_every_way_in_yields_both_keys() -> None:
    assert slots.unlock_with_passphrase(reread(ROTATING), SECOND).keys == (KEY, NEXT)
    assert slots.unlock_with_identity(reread(ROTATING), RECOVERY).keys == (KEY, NEXT)


@pytest.mark.parametrize("opens", [KEY, NEXT])
def test_an_interrupted_rotation_settles_on_the_key_that_opens_the_database(opens: bytes) -> None:
    settled = slots.finish_rotation(slots.unlock_with_passphrase(reread(ROTATING), FIRST), opens)
    assert not settled.slots.rotating
    assert slots.unlock_with_passphrase(reread(settled), FIRST).keys == (opens,)


def test_nothing_else_changes_while_a_rotation_is_open() -> None:
    changes: list[Callable[[], object]] = [
        lambda: slots.begin_rotation(ROTATING, bytes(32)),
        lambda: slots.remove(ROTATING, SECOND_ID),
        lambda: slots.add_passphrase(ROTATING, FIRST, label="x", at=AT, random=os.urandom, cost=COST),
        lambda: slots.add_recovery(ROTATING, age.recipient_of(age.new_identity()), label="x", at=AT, random=os.urandom),
        lambda: slots.change_passphrase(ROTATING, FIRST_ID, SECOND, random=os.urandom, cost=COST),
    ]
    for change in changes:
        with pytest.raises(OperatorError, match="was interrupted"):
            change()


def test_a_removed_slot_does_not_get_the_next_key() -> None:
    left = slots.remove(HOME, SECOND_ID)
    gone = next(slot for slot in HOME.slots.slots if slot.id == SECOND_ID)
    rotated = slots.finish_rotation(slots.begin_rotation(left, NEXT), NEXT)
    assert gone.recipient not in encode_slots(rotated.slots).decode()


def test_wrong_use_of_rotation_is_our_bug() -> None:
    misuses: list[Callable[[], object]] = [
        lambda: slots.begin_rotation(HOME, KEY),
        lambda: slots.begin_rotation(HOME, b"short"),
        lambda: slots.finish_rotation(ROTATING, bytes(32)),
    ]
    for misuse in misuses:
        with pytest.raises(BugError):
            misuse()
