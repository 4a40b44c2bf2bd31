"""Which lists take the place of others: never back, and nothing forgotten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.certificates.lists import OlderLists, PublicLists, UnknownPublisher, newer
from tests.support import lists as specimens
from tests.support.lists import AT, later, public_lists

KNOWN = public_lists()


def test_later_lists_take_the_place_of_earlier_ones() -> None:
    assert newer(KNOWN, later(KNOWN))


def test_the_same_lists_change_nothing() -> None:
    assert not newer(KNOWN, public_lists())


def test_lists_of_a_smaller_number_are_refused() -> None:
    with pytest.raises(OlderLists, match="older"):
        newer(later(KNOWN), KNOWN)


def test_lists_of_an_earlier_date_are_refused_whatever_their_number() -> None:
    earlier = public_lists(KNOWN.number + 1, AT - timedelta(seconds=1))
    with pytest.raises(OlderLists, match="older"):
        newer(KNOWN, earlier)


def test_two_lists_of_one_number_that_differ_are_refused() -> None:
    other = replace(KNOWN, revocations=replace(KNOWN.revocations, ended=()))
    with pytest.raises(OlderLists):
        newer(KNOWN, other)


def test_another_centrals_lists_are_refused() -> None:
    with pytest.raises(UnknownPublisher):
        newer(KNOWN, later(public_lists(central="other")))


def _trust(**values: object) -> Callable[[PublicLists], PublicLists]:
    return lambda lists: replace(lists, trust=replace(lists.trust, **values))  # type: ignore[arg-type]


def _ended(*values: object) -> Callable[[PublicLists], PublicLists]:
    return lambda lists: replace(lists, revocations=replace(lists.revocations, ended=values))  # type: ignore[arg-type]


SUPERSEDED, REVOKED = KNOWN.revocations.ended


@pytest.mark.parametrize(
    ("change", "forgotten"),
    [
        (_trust(authorities=()), "an authority"),
        (_trust(cosigners=()), "a cosigner"),
        (_trust(signers=KNOWN.trust.signers[:-1]), "the key"),
        (_trust(signers=tuple(replace(each, revoked_at=None, reason="") for each in KNOWN.trust.signers)), "ستارہ"),
        (_trust(signers=tuple(replace(each, revoked_at=AT) for each in KNOWN.trust.signers)), "ستارہ"),
        (_trust(logs=KNOWN.trust.logs[:1]), "the journal"),
        (_trust(logs=tuple(replace(each, stopped_at=None) for each in KNOWN.trust.logs)), "the journal"),
        (_ended(), "PEW01-000001-L is superseded"),
        (_ended(SUPERSEDED), "PEW01-000002-K is revoked"),
        (_ended(SUPERSEDED, replace(REVOKED, state="superseded")), "PEW01-000002-K is revoked"),
    ],
)
def test_what_was_said_once_must_still_be_said(change: Callable[[PublicLists], PublicLists], forgotten: str) -> None:
    with pytest.raises(OlderLists, match=forgotten):
        newer(KNOWN, change(later(KNOWN)))


@pytest.mark.parametrize(
    "change",
    [
        _ended(replace(SUPERSEDED, state="revoked"), REVOKED),
        _ended(*KNOWN.revocations.ended, replace(REVOKED, number="PEW01-000009-X")),
        _trust(signers=(*KNOWN.trust.signers, specimens.centre_key("KBL02"))),
        _trust(signers=tuple(replace(each, revoked_at=AT - timedelta(days=9)) for each in KNOWN.trust.signers)),
        _trust(logs=tuple(replace(each, stopped_at=AT - timedelta(days=1)) for each in KNOWN.trust.logs)),
    ],
)
def test_more_may_be_said_than_before(change: Callable[[PublicLists], PublicLists]) -> None:
    assert newer(KNOWN, change(later(KNOWN)))
