"""What a certificate is worth, by the text of its code: each rule, each edge, and whatever bytes somebody brings."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.certificates.lists import Ended
from appliance.certificates.qr import PREFIX
from appliance.certificates.verdict import CLOCK_SLACK, FRESH_FOR, Knowledge, Verdict, Word, judge
from appliance.journal.errors import BugError
from tests.support.forgery import central, code_of, record
from tests.support.sealing_centre import NOW
from tests.support.trusting import listed, lists

OURS: Final = central("ours")
RECORD: Final = record()
CODE: Final = code_of(RECORD, OURS.signer).encode()
GOOD: Final = (Word.VALID, Word.VALID_AS_OF)


def knowing(*ended: Ended, at: datetime = NOW, revoked_at: datetime | None = None) -> Knowledge:
    """A reader with lists that name our centre."""
    signer = listed(OURS.signer.certificate, revoked_at=revoked_at)
    return Knowledge(lists=lists(OURS.authority_der, [signer], *ended, at=at))


def judged(content: bytes = CODE, knowledge: Knowledge | None = None, now: datetime = NOW) -> Verdict:
    return judge(content, now=now, knowledge=knowing() if knowledge is None else knowledge)


def ended(state: str, by: str = "") -> Ended:
    return Ended(RECORD.number, "revoked" if state == "revoked" else "superseded", NOW, "fraud", by)


def test_a_good_code_is_valid_and_says_whose_it_is_for_a_person_to_compare() -> None:
    found = judged()
    assert found.verdict is Word.VALID
    assert found.record is not None
    assert found.record["number"] == RECORD.number
    holder = found.record["holder"]
    assert isinstance(holder, dict)
    assert (holder["name"], holder["born"]) == (RECORD.holder.name, RECORD.holder.born)
    assert "Compare" in found.next_step


def test_lists_count_as_new_up_to_their_bound_and_weaken_the_verdict_after_it() -> None:
    assert judged(now=NOW + FRESH_FOR).verdict is Word.VALID
    late = judged(now=NOW + FRESH_FOR + timedelta(seconds=1))
    assert late.verdict is Word.VALID_AS_OF
    assert late.trust_as_of == NOW


def test_however_old_the_lists_are_they_still_give_a_verdict() -> None:
    assert judged(now=NOW + timedelta(days=8000)).verdict is Word.VALID_AS_OF


def test_a_clock_behind_the_lists_is_said_and_weakens_the_verdict() -> None:
    assert judged(now=NOW - CLOCK_SLACK).verdict is Word.VALID
    behind = judged(now=NOW - CLOCK_SLACK - timedelta(seconds=1))
    assert behind.verdict is Word.VALID_AS_OF
    assert any("clock is wrong" in each for each in behind.reasons)


def test_without_lists_nobody_knows_the_issuer() -> None:
    found = judged(knowledge=Knowledge())
    assert found.verdict is Word.UNKNOWN_ISSUER
    assert found.trust_as_of is None


def test_a_code_is_judged_by_a_signer_s_certificate_that_the_reader_gives_and_is_good_as_of_its_issue() -> None:
    knowledge = Knowledge(authorities=(OURS.signer.certificate,))
    found = judged(knowledge=knowledge)
    assert found.verdict is Word.VALID_AS_OF
    assert found.trust_as_of is not None
    assert found.trust_as_of.date().isoformat() == RECORD.issued_on


def test_superseded_says_by_which_number_and_revoked_says_why() -> None:
    superseded = judged(knowledge=knowing(ended("superseded", "PEW01-0000999")))
    assert superseded.verdict is Word.SUPERSEDED
    assert "PEW01-0000999" in superseded.reasons[0]
    revoked = judged(knowledge=knowing(ended("revoked")))
    assert revoked.verdict is Word.REVOKED
    assert "fraud" in revoked.reasons[0]


def test_what_the_node_knows_itself_comes_before_any_list() -> None:
    found = judged(knowledge=replace(knowing(ended("superseded", "PEW01-0000999")), ended=lambda _: ended("revoked")))
    assert found.verdict is Word.REVOKED
    assert judged(knowledge=replace(knowing(), ended=lambda _: ended("revoked"))).verdict is Word.REVOKED


def test_a_revoked_key_s_signature_stays_good_only_if_others_saw_it_before() -> None:
    revoked_at = NOW + timedelta(days=1)
    knowledge = knowing(revoked_at=revoked_at, at=NOW + timedelta(days=2))
    later = NOW + timedelta(days=2)
    assert judged(knowledge=knowledge, now=later).verdict is Word.REVOKED
    before = replace(knowledge, witnessed=lambda _number, _record: revoked_at - timedelta(seconds=1))
    found = judged(knowledge=before, now=later)
    assert found.verdict is Word.VALID
    assert any("stays good" in each for each in found.reasons)
    at_once = replace(knowledge, witnessed=lambda _number, _record: revoked_at)
    assert judged(knowledge=at_once, now=later).verdict is Word.REVOKED


def test_a_witness_is_asked_for_the_number_and_the_record_that_the_code_names() -> None:
    asked: list[tuple[str, str]] = []

    def witness(number: str, record_sha256: str) -> None:
        asked.append((number, record_sha256))

    found = judged(knowledge=replace(knowing(), witnessed=witness))
    assert asked == [(RECORD.number, found.found.record_sha256 if found.found else "")]


def test_a_certificate_holds_through_its_last_day_and_no_longer() -> None:
    last = NOW.date().isoformat()
    code = code_of(record(expires_on=last), OURS.signer).encode()
    midnight = NOW.replace(hour=0, minute=0) + timedelta(days=1)
    assert judged(code, now=midnight - timedelta(seconds=1)).verdict is Word.VALID
    over = judged(code, now=midnight)
    assert over.verdict is Word.INVALID
    assert over.reasons[0] == "It expired on 22 November 2026."
    assert over.record is not None


def test_what_was_superseded_is_not_called_expired() -> None:
    code = code_of(record(expires_on=NOW.date().isoformat()), OURS.signer).encode()
    found = judged(code, knowing(ended("superseded", "PEW01-0000999")), NOW + timedelta(days=3))
    assert found.verdict is Word.SUPERSEDED


def test_a_time_without_its_zone_is_a_fault_of_the_caller() -> None:
    with pytest.raises(BugError):
        judged(now=datetime(2026, 11, 22))  # noqa: DTZ001


def test_white_space_around_a_code_says_nothing() -> None:
    assert judged(b"  " + CODE + b"\r\n").verdict is Word.VALID


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=300)
def test_no_bytes_make_it_fail_or_pass(content: bytes) -> None:
    assert judged(content).verdict not in GOOD


@given(
    st.sampled_from([b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", PREFIX.encode()]),
    st.binary(max_size=300),
)
@settings(deadline=None, max_examples=200)
def test_no_bytes_that_begin_as_something_make_it_fail_or_pass(start: bytes, rest: bytes) -> None:
    assert judged(start + rest).verdict not in GOOD


@given(st.integers(0, len(CODE) - 1), st.sampled_from(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"))
@settings(deadline=None, max_examples=500)
def test_a_changed_character_never_makes_a_code_say_something_else(place: int, char: int) -> None:
    changed = CODE[:place] + bytes([char]) + CODE[place + 1 :]
    found = judged(changed)
    if found.verdict in GOOD:
        assert found.record == judged().record
