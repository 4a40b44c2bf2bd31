"""What may be a passphrase, what a guess at it costs, and how operators' passwords are kept."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given
from hypothesis import strategies as st

from appliance.journal.errors import BugError, IntegrityError
from appliance.sealing import passphrase
from appliance.sealing.passphrase import (
    MAX_ITERATIONS,
    MAX_MEMORY_KIB,
    MAX_TEXT_BYTES,
    PASSWORD_COST,
    SLOT_FLOOR,
    Cost,
    CostError,
    PassphraseError,
    calibrate,
    check_nobody,
    check_password,
    derive_key,
    hash_password,
    prepared,
    prepared_new,
)

CHEAP = Cost(memory_kib=64 * 1024, iterations=1, lanes=2)
PEPPER = bytes(range(32))
PASSWORD = "ferry-lantern"
STORED = hash_password(PASSWORD, PEPPER, CHEAP, random=os.urandom)


class Machine:
    """A machine on which one pass takes a given time, and which can be disturbed once."""

    def __init__(self, pass_ms: float, disturbed_ms: float = 0) -> None:
        self.now_s = 1000.0
        self.pass_ms = pass_ms
        self.disturbed_ms = disturbed_ms
        self.costs: list[Cost] = []

    def clock(self) -> float:
        return self.now_s

    def derive(self, secret_text: bytes, salt: bytes, cost: Cost) -> bytes:
        self.costs.append(cost)
        self.now_s += (self.pass_ms * cost.iterations + self.disturbed_ms) / 1000
        self.disturbed_ms = 0
        return bytes(32)


def test_a_vector_of_the_argon2_reference_implementation() -> None:
    """phc-winner-argon2, src/test.c: Argon2id version 0x13, t=2, m=2^16, p=1."""
    expected = "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"
    assert derive_key(b"password", b"somesalt", Cost(65_536, 2, 1)).hex() == expected


@pytest.mark.parametrize("pass_ms", [3.0, 8.3, 20.0, 31.0, 62.4, 62.6, 90.0, 500.0])
def test_a_calibrated_derivation_takes_at_least_the_target(pass_ms: float) -> None:
    machine = Machine(pass_ms)
    cost = calibrate(250, clock=machine.clock, derive=machine.derive)
    assert cost.iterations * pass_ms >= 250 or cost.iterations == MAX_ITERATIONS
    assert cost.iterations >= SLOT_FLOOR.iterations
    assert (cost.memory_kib, cost.lanes) == (SLOT_FLOOR.memory_kib, SLOT_FLOOR.lanes)


def test_calibration_does_not_ask_for_much_more_than_the_target() -> None:
    machine = Machine(20.0)
    assert calibrate(250, clock=machine.clock, derive=machine.derive).iterations * 20.0 <= 250 * 1.2


def test_a_busy_moment_does_not_make_the_cost_lower() -> None:
    calm, disturbed = Machine(20.0), Machine(20.0, disturbed_ms=5_000)
    assert calibrate(clock=disturbed.clock, derive=disturbed.derive) == calibrate(clock=calm.clock, derive=calm.derive)


def test_a_clock_that_stands_still_ends_at_the_bound() -> None:
    machine = Machine(0.0)
    assert calibrate(clock=machine.clock, derive=machine.derive).iterations == MAX_ITERATIONS


@pytest.mark.parametrize(
    ("memory_kib", "iterations", "lanes"),
    [
        (64 * 1024 - 1, 3, 4),
        (MAX_MEMORY_KIB + 1, 3, 4),
        (65_536, 0, 4),
        (65_536, MAX_ITERATIONS + 1, 4),
        (65_536, 3, 0),
        (65_536, 3, 17),
        (-65_536, -3, -4),
    ],
)
def test_a_cost_outside_the_bounds_is_refused(memory_kib: int, iterations: int, lanes: int) -> None:
    with pytest.raises(CostError, match="outside what this machine accepts"):
        Cost(memory_kib, iterations, lanes)


def test_a_machine_without_the_memory_gets_a_sentence() -> None:
    starved = """
import resource
from appliance.journal.errors import DeviceError
from appliance.sealing.passphrase import Cost, derive_key
resource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20))
try:
    derive_key(b"password", bytes(16), Cost(512 * 1024, 1, 1))
except DeviceError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", starved], capture_output=True, check=True, text=True)
    assert "needs 512 MiB of free memory" in done.stdout


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("caf\u00e9", "cafe\u0301"),
        ("two words", "two\u00a0words"),
        ("two words", "two\u3000words"),
        ("\u0627\u0653", "\u0622"),
        ("\u09a1\u09bc", "\u09dc"),
    ],
    ids=["accent", "no-break space", "ideographic space", "alef madda", "composition exclusion"],
)
def test_two_keyboards_that_write_the_same_words_give_the_same_bytes(typed: str, same: str) -> None:
    assert prepared(typed) == prepared(same)


@pytest.mark.parametrize(
    "kept", ["Case", "full\uff21width", "  edges  ", "نستعلیق", "क्\u200dष", "می\u200cخواہم", "naïve 🦉"]
)
def test_case_width_spaces_and_joiners_are_kept(kept: str) -> None:
    assert prepared(kept).decode() == unicodedata.normalize("NFC", kept)


@pytest.mark.parametrize(
    "bad",
    [
        "a\x00b",
        "a\nb",
        "a\tb",
        "a\x7fb",
        "a\u2028b",
        "a\u202eb",
        "\ufeffa",
        "a\ud800b",
        "a\ue000b",
        "a\U000e0041",
        "\u0378",
    ],
)
def test_what_cannot_be_typed_or_seen_is_refused(bad: str) -> None:
    with pytest.raises(PassphraseError, match="cannot be typed or seen"):
        prepared(bad)


@given(st.text(max_size=200))
def test_preparing_twice_changes_nothing_more(text: str) -> None:
    try:
        once = prepared(text)
    except PassphraseError:
        return
    assert prepared(once.decode()) == once


def test_length_is_counted_in_characters_and_bounded_in_bytes() -> None:
    assert prepared_new("پاکستان۱", 8).decode() == "پاکستان۱"
    with pytest.raises(PassphraseError, match="shorter than 8"):
        prepared_new("پاکستان", 8)
    assert len(prepared("x" * MAX_TEXT_BYTES)) == MAX_TEXT_BYTES
    for unfit in ("", "x" * (MAX_TEXT_BYTES + 1), "é" * 513):
        with pytest.raises(PassphraseError, match="1 to 1024 bytes"):
            prepared(unfit)


def test_letters_that_compose_into_one_count_as_one() -> None:
    with pytest.raises(PassphraseError, match="shorter"):
        prepared_new("e\u0301" * 7, 8)


def test_the_right_password_is_taken_and_others_are_not() -> None:
    assert check_password(PASSWORD, STORED, PEPPER)
    assert check_password("cafe\u0301-noir", hash_password("caf\u00e9-noir", PEPPER, CHEAP, random=os.urandom), PEPPER)
    for wrong in (PASSWORD + "s", PASSWORD.upper(), "", "\x00", "x" * 5000, PASSWORD + "\n"):
        assert not check_password(wrong, STORED, PEPPER)


def test_a_stolen_hash_is_useless_without_the_pepper() -> None:
    assert not check_password(PASSWORD, STORED, bytes(32))


def test_another_reader_of_phc_strings_agrees() -> None:
    Argon2id.verify_phc_encoded(PASSWORD.encode(), STORED, secret=PEPPER)


def test_the_same_password_is_never_stored_the_same_way_twice() -> None:
    assert hash_password(PASSWORD, PEPPER, CHEAP, random=os.urandom) != STORED


@pytest.mark.parametrize(
    ("old", "new"), [("argon2id", "argon2i"), ("v=19", "v=16"), ("p=2", "p=02"), ("$m", "$$m"), ("=1,", "=1, ")]
)
def test_a_damaged_hash_is_refused_in_words(old: str, new: str) -> None:
    with pytest.raises(IntegrityError, match="damaged"):
        check_password(PASSWORD, STORED.replace(old, new), PEPPER)


@pytest.mark.parametrize("demand", ["m=99999999", "m=1024"])
def test_a_hash_that_demands_too_much_or_too_little_is_refused(demand: str) -> None:
    with pytest.raises(CostError, match="outside"):
        check_password(PASSWORD, STORED.replace("m=65536", demand), PEPPER)


def test_a_hash_with_something_after_it_is_refused() -> None:
    for tail in ("\n", "=", "A", "$"):
        with pytest.raises(CostError):
            check_password(PASSWORD, STORED + tail, PEPPER)


@pytest.mark.parametrize("unfit", ["short", "x" * 7, "line\nbreak", ""])
def test_an_unfit_password_is_not_set(unfit: str) -> None:
    with pytest.raises(PassphraseError):
        hash_password(unfit, PEPPER, CHEAP, random=os.urandom)


def counting(monkeypatch: pytest.MonkeyPatch) -> list[Cost]:
    costs: list[Cost] = []
    real: Callable[..., bytes] = derive_key

    def counted(secret_text: bytes, salt: bytes, cost: Cost, *, pepper: bytes | None = None) -> bytes:
        costs.append(cost)
        return real(secret_text, salt, cost, pepper=pepper)

    monkeypatch.setattr(passphrase, "derive_key", counted)
    return costs


def test_right_wrong_unfit_and_unknown_logins_all_cost_one_derivation(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = counting(monkeypatch)
    check_password(PASSWORD, STORED, PEPPER)
    check_password("wrong-lantern", STORED, PEPPER)
    check_password("\x00", STORED, PEPPER)
    check_nobody(PEPPER, CHEAP)
    assert costs == [CHEAP] * 4


def test_a_missing_pepper_is_our_bug() -> None:
    for use in (lambda: check_password(PASSWORD, STORED, b""), lambda: check_nobody(b"short", PASSWORD_COST)):
        with pytest.raises(BugError):
            use()
