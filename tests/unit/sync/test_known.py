"""What is published of what is known: everything, and everything that was ever said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.certificates.lists import Ended, PublicLists, newer
from appliance.certificates.listsfile import in_order
from sync.central.known import Known, say
from tests.support import lists as specimens
from tests.support.lists import AT, NUMBER, publisher

MINUTES = st.integers(0, 5)


@st.composite
def knowledge(draw: st.DrawFn) -> Known:
    """What central may know at some moment, also less than before."""

    def sometime() -> object:
        minutes = draw(st.none() | MINUTES)
        return None if minutes is None else AT + timedelta(minutes=minutes)

    signers = []
    for name in draw(st.sets(st.sampled_from("abc"))):
        at = sometime()
        signers.append(
            replace(specimens.officer_key(name), revoked_at=at, reason=draw(st.sampled_from(["lost", "left"])))  # type: ignore[arg-type]
            if at is not None
            else specimens.officer_key(name)
        )
    logs = [replace(specimens.log(name), stopped_at=sometime()) for name in draw(st.sets(st.sampled_from("ab")))]  # type: ignore[arg-type]
    ended = [
        Ended(
            f"PEW01-00000{place}-A", draw(st.sampled_from(["revoked", "superseded"])), AT + timedelta(minutes=at), "x"
        )
        for place, at in draw(st.dictionaries(st.integers(1, 3), MINUTES)).items()
    ]
    cosigners = (specimens.cosigner(draw(st.sampled_from("ab"))),)
    return Known((draw(st.binary(min_size=1, max_size=1)),), tuple(signers), tuple(logs), cosigners, tuple(ended))


def published(said: PublicLists | None, known: Known, number: int) -> PublicLists:
    return PublicLists(*in_order(*say(said, known, number, AT)), publisher().verifier)


@settings(deadline=None)
@given(st.lists(knowledge(), min_size=2, max_size=5))
def test_whatever_is_forgotten_a_keeper_takes_each_publication_after_the_other(known: list[Known]) -> None:
    lists = None
    for number, each in enumerate(known, NUMBER):
        made = published(lists, each, number)
        assert lists is None or newer(lists, made)
        lists = made


@settings(deadline=None)
@given(knowledge(), knowledge())
def test_what_was_said_before_is_said_again_with_what_is_known_now(before: Known, now: Known) -> None:
    first = published(None, before, NUMBER)
    second = published(first, now, NUMBER + 1)
    known = {each.certificate for each in (*before.signers, *now.signers)}
    assert {each.certificate for each in second.trust.signers} == known
    assert {each.number for each in second.revocations.ended} == {each.number for each in (*before.ended, *now.ended)}


@settings(deadline=None)
@given(knowledge())
def test_the_same_knowledge_says_the_same_again(known: Known) -> None:
    first = published(None, known, NUMBER)
    assert published(first, known, NUMBER) == first
