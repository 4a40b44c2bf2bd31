"""Trust files, and what trust makes of signatures."""

from __future__ import annotations

import pytest

from appliance.journal import ids, trust
from appliance.journal.notes import Signer
from appliance.journal.trust import BadTrust, format_trust, parse_trust
from tests.unit.journal import build

KEY = build.journal_signer().verifier
CENTRAL = build.cosigner().verifier
OTHER = build.journal_signer("other").verifier
ORDERS = Signer(ids.origin(ids.orders_of(ids.journal_id(KEY.public))), build.number("orders")).verifier


def test_a_trust_file_is_read_as_it_was_written() -> None:
    assert parse_trust(format_trust([KEY, CENTRAL])) == (KEY, CENTRAL)
    commented = f"# The centre at Gulberg\n\n{KEY.text}\n#\n{CENTRAL.text}"
    assert parse_trust(commented.encode()) == (KEY, CENTRAL)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{KEY.text} \n", 1),
        (f" {KEY.text}\n", 1),
        (f"# one\n{KEY.text}\r\n", 2),
        (f"{KEY.text}\n\n{CENTRAL.text[:-2]}\n", 3),
        (f"{KEY.text}\n{KEY.text}\n", 2),
        (f"{KEY.text} # mine\n", 1),
        (f"\ufeff{KEY.text}\n", 1),
        (f"{KEY.text}\n # indented\n", 2),
        (f"{KEY.text}\n{CENTRAL.text}\nuntrusted\n", 3),
        (f"{KEY.text}{CENTRAL.text}\n", 1),
    ],
)
def test_a_line_that_is_no_key_is_named(text: str, line: int) -> None:
    with pytest.raises(BadTrust, match=f"Line {line} "):
        parse_trust(text.encode())


def test_a_file_that_is_too_large_is_not_parsed() -> None:
    with pytest.raises(BadTrust, match="larger"):
        parse_trust(b"#" * (trust.MAX_TRUST + 1))


@pytest.mark.parametrize("raw", [b"", b"\n", b"# only words\n", b"\xff\xfe"])
def test_a_file_without_a_key_is_refused(raw: bytes) -> None:
    with pytest.raises(BadTrust):
        parse_trust(raw)


def test_without_trust_nobody_is_known() -> None:
    for keys in (None, (), (OTHER,)):
        found = trust.standing(KEY, 9, [(CENTRAL, build.AT_S, 9)], keys)
        assert not found.known
        assert not found.pinned
        assert found.verdict == "Consistent, signer unknown."
        assert found.sentence.startswith("Trusted: no key.")


def test_a_pinned_journal_key_is_known() -> None:
    found = trust.standing(KEY, 9, [], [OTHER, KEY])
    assert found.known
    assert found.pinned
    assert found.verdict == "Consistent, signer known."
    assert found.sentence == f"Trusted: signed by {KEY.name}, the journal's own key."


def test_a_pinned_cosigner_makes_the_signer_known_and_says_that_the_journal_key_is_not_pinned() -> None:
    found = trust.standing(KEY, 9, [(CENTRAL, build.AT_S, 4)], [CENTRAL])
    assert found.known
    assert not found.pinned
    assert found.sentence == (
        f"Trusted: countersigned by {CENTRAL.name} (entries before 4). "
        f"The journal's own key, {KEY.name}, is not in a trust file."
    )


def test_both_pinned_are_both_named() -> None:
    found = trust.standing(KEY, 9, [(CENTRAL, build.AT_S, 9)], [CENTRAL, KEY])
    assert found.pinned
    assert KEY.name in found.sentence
    assert CENTRAL.name in found.sentence


def test_a_cosigner_vouches_for_what_follows_only_where_the_identifier_fixes_the_key() -> None:
    assert trust.standing(KEY, 9, [(CENTRAL, build.AT_S, 4)], [CENTRAL]).known
    assert not trust.standing(ORDERS, 9, [(CENTRAL, build.AT_S, 4)], [CENTRAL]).known
    assert trust.standing(ORDERS, 9, [(CENTRAL, build.AT_S, 9)], [CENTRAL]).known


def test_a_key_of_the_same_name_or_the_same_bytes_is_not_the_pinned_one() -> None:
    same_name = Signer(KEY.name, build.number("impostor")).verifier
    same_bytes = Signer("sanad/journal/" + "a" * 26, build.journal_signer().seed).verifier
    for pinned in (same_name, same_bytes):
        assert not trust.standing(KEY, 9, [], [pinned]).known
