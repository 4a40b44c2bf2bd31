"""What comes down from central, at the console: a first sign-in, cases for people, services without a restart."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from appliance.access import operators
from appliance.access.onetime import make_secret, secret_sha256
from appliance.access.session import Role, Session
from appliance.casework import conflicts, decisions
from appliance.casework.caseview import case as read_case
from appliance.casework.centre import Centre
from appliance.catalogue import Catalogue
from appliance.journal import ids
from appliance.journal import kinds as k
from appliance.journal.checkpoint import Checkpoint, sign_checkpoint
from appliance.journal.entry import Entry, make_entry
from appliance.journal.ids import EntityId, Kind, orders_of, origin
from appliance.journal.notes import Signer
from appliance.journal.tree import EMPTY
from appliance.records.log import Log
from appliance.store.store import ORDERS_SIGNER, Draft
from tests.support.consoles import Hands, signed_in

SEED = bytes(range(32))


@dataclass
class Orders:
    """Central's orders to the console's node, signed by a key of this test's own."""

    centre: Centre
    given: list[Entry] = field(default_factory=list)

    def give(self, *bodies: k.Body) -> None:
        store = self.centre.store
        journal = orders_of(store.journal)
        signer = Signer(origin(journal), SEED)
        store.remember(**{ORDERS_SIGNER: signer.verifier.text})
        with store.read() as tx:
            held = Log(tx, journal).frontier()
        assert held.size == len(self.given)
        self.given += [
            make_entry(
                journal=journal,
                seq=len(self.given) + place,
                at=store.now(),
                by=ids.CENTRAL,
                kind=Kind(body.KIND),
                about=ids.NOBODY,
                body=k.encode_body(body),
                salt=bytes(16),
            )
            for place, body in enumerate(bodies)
        ]
        frontier = EMPTY
        for each in self.given:
            frontier = frontier.append(each.leaf)[0]
        note = sign_checkpoint(Checkpoint(signer.name, frontier.size, frontier.root()), signer)
        store.take_orders(self.given, note)


@pytest.fixture
def orders(centre: Centre) -> Orders:
    return Orders(centre)


async def test_whom_central_named_chooses_a_password_with_the_one_time_secret(hands: Hands, orders: Orders) -> None:
    store = orders.centre.store
    secret = make_secret(lambda count: bytes(range(count)))
    named = k.OperatorNamed(
        operator=store.new_id(),
        login="bilal",
        name="SPECIMEN Bilal",
        roles=("operator",),
        secret_sha256=secret_sha256(secret),
        until="2099-01-01T00:00:00.000Z",
    )
    orders.give(named)
    await hands.type("bilal", "enter")
    await hands.type(secret, "enter")
    assert hands.screen == "ChoosePassword"
    await hands.type("a new password", "enter")
    await hands.type("another password", "enter")
    assert "not the same" in hands.text()
    await hands.type("a new password", "enter")
    assert hands.screen == "Home"
    assert "Bilal (operator)" in hands.text()
    with pytest.raises(operators.SignInRefused):
        operators.sign_in(store, login="bilal", password=secret, role=Role.OPERATOR, counter="1")


async def test_what_central_left_to_people_is_listed_and_settled_by_a_word(hands: Hands, orders: Orders) -> None:
    store = orders.centre.store
    number = k.NumberDisputed(
        conflict=store.new_id(), number="PEW01-000002-K", other=store.new_id(), other_centre="KBL01"
    )
    orders.give(number)
    await hands.sign_in("sana", "supervisor")
    assert "From central (1)" in hands.text()
    await hands.press("g")
    assert "PEW01-000002-K stands on a paper of KBL01" in hands.text()
    await hands.press("enter")
    await hands.type("Ours was revoked.", "enter")
    assert "Settled" in hands.said()
    assert conflicts.open_conflicts(store) == []


def drafted(centre: Centre, session: Session) -> EntityId:
    """A case that stands where nothing can be answered."""
    about = centre.store.new_id()
    body = k.ApplicationSubmitted(
        tracking="PEW01-2026-000001-A", service="fard", applicant=centre.store.new_id(), fields={}
    )
    centre.store.commit(session, lambda _: [Draft(body, about)])
    return about


async def test_a_decision_that_cannot_be_carried_out_stands_whole_in_the_case(hands: Hands, orders: Orders) -> None:
    centre = orders.centre
    about = drafted(centre, signed_in(centre, "omar", Role.OPERATOR))
    given = k.DecisionGiven(
        decision=centre.store.new_id(),
        application=about,
        decides="answer",
        step="survey",
        outcome="positive",
        office="Survey office",
        decided_by="A. Surveyor",
        remark="The plot is his.",
    )
    orders.give(given)
    assert len(decisions.carry_out(centre).contested) == 1
    await hands.sign_in("rabia", "officer")
    assert "From central (1)" in hands.text()
    await hands.press("g")
    await hands.press("enter")
    assert hands.screen == "CaseFile"
    shown = hands.text()
    assert "A decision from central could not be carried out" in shown
    await hands.press("f10")
    await hands.type("central")
    await hands.press("enter")
    await hands.type("The office was told.", "enter")
    (found,) = read_case(centre.store, about).decisions
    assert (found.state, found.settlement) == ("settled", "The office was told.")


async def test_a_service_that_came_down_is_offered_without_a_restart(hands: Hands, centre: Centre) -> None:
    await hands.sign_in("omar")
    known = dict(centre.catalogue.services)
    fard = known.pop("fard")
    newer = replace(centre, catalogue=Catalogue({"fard_new": replace(fard, id="fard_new"), **known}))
    hands.app.desk = replace(hands.app.desk, renew=lambda _: newer)
    await hands.press("f5")
    assert "they hold from now on" in hands.said()
    assert "fard_new" in hands.app.desk.centre.catalogue.services


async def test_a_quarantine_stands_on_the_desk_with_its_reason_until_central_lifts_it(
    hands: Hands, orders: Orders
) -> None:
    orders.give(k.NodeQuarantined(cause="person", reason="Its box was stolen.", by="ayesha"))
    await hands.sign_in("rabia", "officer")
    shown = " ".join(hands.text().split())
    assert "Central takes nothing from this box: call central IT. Work here can go on." in shown
    assert "(ayesha): somebody there stopped it. “Its box was stolen.”" in shown
    orders.give(k.NodeReleased(reason="It was found.", by="ayesha"))
    await hands.press("f5")
    await hands.settle()
    assert "Central takes nothing" not in hands.text()
