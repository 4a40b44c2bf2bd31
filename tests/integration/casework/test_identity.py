"""How somebody was identified is written down as what it was, and never made up."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from appliance.access.session import NotPermitted
from appliance.casework import identity, people
from appliance.casework.changes import ChangedMeanwhile
from appliance.casework.identity import Answer, Claim, Outcome
from appliance.casework.people import Person
from appliance.journal.errors import BugError, NetworkError, OperatorError
from appliance.journal.ids import EntityId
from tests.integration.store.conftest import Bench
from tests.support.pages import holds

AADHAAR = "999941057058"


@dataclass
class Authority:
    """Answers what a test says, and remembers what it was asked."""

    answer: Answer | NetworkError
    name: str = "NADRA"
    kinds: frozenset[str] = frozenset({"cnic"})
    asked: list[Claim] = field(default_factory=list)

    def verify(self, claim: Claim) -> Answer:
        self.asked.append(claim)
        if isinstance(self.answer, NetworkError):
            raise self.answer
        return self.answer


MATCHED = Answer(Outcome.MATCHED, "N-4711")


def citizen(bench: Bench) -> EntityId:
    return people.add_person(
        bench.store, bench.operator, Person("Gul Khan", "", "1990-01-02", "cnic", "17301-1234567-1")
    )


def verification(bench: Bench, about: EntityId) -> people.Verification:
    found = people.person(bench.store, about).verification
    assert found is not None
    return found


def test_what_the_authority_said_is_written_with_its_reference(bench: Bench) -> None:
    about, nadra = citizen(bench), Authority(MATCHED)
    assert identity.verify_online(bench.store, bench.operator, about, nadra) == MATCHED
    (asked,) = nadra.asked
    assert (asked.kind, asked.number, asked.name, asked.born) == ("cnic", "17301-1234567-1", "Gul Khan", "1990-01-02")
    found = verification(bench, about)
    assert (found.method, found.outcome, found.adapter, found.reference, found.stands) == (
        "online",
        "matched",
        "NADRA",
        "N-4711",
        True,
    )
    assert found.by == bench.operator.actor


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(Outcome.NOT_MATCHED, "N-1", "name differs"), "not_matched"),
        (Answer(Outcome.UNAVAILABLE), "unavailable"),
        (NetworkError("The link is down.", "Try later."), "unavailable"),
    ],
    ids=["no", "no answer", "no link"],
)
def test_what_is_not_a_yes_verifies_nobody_and_is_asked_once(
    bench: Bench, answer: Answer | NetworkError, outcome: str
) -> None:
    about, nadra = citizen(bench), Authority(answer)
    identity.verify_online(bench.store, bench.operator, about, nadra)
    assert (verification(bench, about).outcome, verification(bench, about).stands) == (outcome, False)
    assert len(nadra.asked) == 1


def test_a_paper_seen_is_the_word_of_whoever_saw_it(bench: Bench) -> None:
    about = citizen(bench)
    identity.verify_seen(bench.store, bench.officer, about, "CNIC, original", reference="expires 2031-05-01")
    found = verification(bench, about)
    assert (found.method, found.paper, found.reference, found.by, found.stands) == (
        "seen",
        "CNIC, original",
        "expires 2031-05-01",
        bench.officer.actor,
        True,
    )


def test_a_verification_stands_until_what_it_rests_on_is_corrected(bench: Bench) -> None:
    about = citizen(bench)
    identity.verify_seen(bench.store, bench.officer, about, "CNIC, original")
    people.correct_person(bench.store, bench.operator, about, {"phone": "03001234567"}, "new")
    assert verification(bench, about).stands
    people.correct_person(bench.store, bench.operator, about, {"born": "1991-01-02"}, "read wrongly")
    assert not verification(bench, about).stands


def test_the_whole_aadhaar_number_is_asked_for_compared_sent_and_dropped(bench: Bench) -> None:
    about = people.add_person(bench.store, bench.operator, Person("Asha", "", "", "aadhaar", AADHAAR))
    uidai = Authority(Answer(Outcome.MATCHED, "code 1"), "UIDAI", frozenset({"aadhaar"}))
    for wrong in ("", "999971658847", "99994105"):
        with pytest.raises(OperatorError):
            identity.verify_online(bench.store, bench.operator, about, uidai, number=wrong)
    assert not uidai.asked
    identity.verify_online(bench.store, bench.operator, about, uidai, number="9999 4105 7058")
    assert [each.number for each in uidai.asked] == [AADHAAR]
    assert AADHAAR not in repr(uidai.asked)
    assert not holds(bench.store.layout.database, bench.key, AADHAAR.encode())


def test_an_adapter_that_gives_the_number_back_is_refused(bench: Bench) -> None:
    about = people.add_person(bench.store, bench.operator, Person("Asha", "", "", "aadhaar", AADHAAR))
    uidai = Authority(Answer(Outcome.MATCHED, f"uid {AADHAAR}"), "UIDAI", frozenset({"aadhaar"}))
    with pytest.raises(BugError):
        identity.verify_online(bench.store, bench.operator, about, uidai, number=AADHAAR)


def test_nothing_is_written_where_the_person_changed_while_the_authority_was_asked(bench: Bench) -> None:
    about = citizen(bench)

    class Slow(Authority):
        def verify(self, claim: Claim) -> Answer:
            people.correct_person(bench.store, bench.officer, about, {"name": "Gul Jan"}, "meanwhile")
            return super().verify(claim)

    with pytest.raises(ChangedMeanwhile):
        identity.verify_online(bench.store, bench.operator, about, Slow(MATCHED))
    assert people.person(bench.store, about).verification is None


def test_who_may_not_ask_does_not_reach_the_authority(bench: Bench) -> None:
    about, nadra = citizen(bench), Authority(MATCHED)
    with pytest.raises(NotPermitted):
        identity.verify_online(bench.store, bench.supervisor, about, nadra)
    with pytest.raises(OperatorError):
        identity.verify_online(bench.store, bench.operator, bench.person("No number"), nadra)
    assert not nadra.asked


def test_what_the_authority_says_is_kept_as_far_as_it_is_words(bench: Bench) -> None:
    about = citizen(bench)
    said = Answer(Outcome.NOT_MATCHED, "N\n1\x00", "x" * 5000)
    identity.verify_online(bench.store, bench.operator, about, Authority(said))
    assert verification(bench, about).reference == "N 1"
    assert len(verification(bench, about).remark) == 200
