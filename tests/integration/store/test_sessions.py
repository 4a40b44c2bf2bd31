"""Sessions that were forged, are over, or may not: the commit refuses each, and nothing changes."""

from __future__ import annotations

import copy
import gc
import pickle
from collections.abc import Callable
from datetime import timedelta

import pytest

from appliance.access import operators
from appliance.access import session as sessions
from appliance.access.operators import SESSION_FOR
from appliance.access.session import NotPermitted, Role, Session, SessionOver, mint, node_session
from appliance.journal import kinds as k
from appliance.journal.errors import BugError
from appliance.journal.ids import EntityId
from appliance.store.store import Draft
from tests.integration.store.conftest import Bench
from tests.support import casework as applications
from tests.support.casework import Person

SPECIMEN = Draft(k.PersonAdded(name="Gul Khan"), EntityId("a" * 26))


def refused(bench: Bench, session: Session, error: type[Exception], draft: Draft = SPECIMEN) -> None:
    before = bench.state()
    with pytest.raises(error):
        bench.store.commit(session, lambda _: [draft])
    assert bench.state() == before


def test_a_genuine_session_is_taken(bench: Bench) -> None:
    before = bench.state()
    bench.store.commit(bench.operator, lambda _: [SPECIMEN])
    assert bench.state() != before


def test_a_session_is_not_constructed() -> None:
    for mark in (None, object(), "mint", sessions):
        with pytest.raises(BugError):
            Session(mark, id="a" * 26, actor="b" * 26, role=Role.SUPERVISOR, counter="1", expires_at="9")


def test_a_session_is_neither_copied_nor_stored(bench: Bench) -> None:
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(BugError):
            attempt(bench.operator)


def test_a_session_does_not_change(bench: Bench) -> None:
    for name in ("role", "actor", "id", "anything"):
        with pytest.raises(BugError):
            setattr(bench.operator, name, "x")


def test_a_session_has_no_heirs() -> None:
    with pytest.raises(BugError):
        type("Heir", (Session,), {})


def blank(like: Session) -> Session:
    """An object of the right type with the right values, which nobody minted."""
    forged = object.__new__(Session)
    for name in ("id", "actor", "role", "counter", "expires_at"):
        object.__setattr__(forged, name, getattr(like, name))
    return forged


class LooksLikeOne:
    """What duck typing would take for a session."""

    id = "a" * 26
    actor = "node"
    role = Role.NODE
    counter = ""
    expires_at = ""

    def authorise(self, *_: object) -> None:
        """Everything is permitted."""


FORGERIES: dict[str, Callable[[Session], object]] = {
    "made without __init__": lambda _: object.__new__(Session),
    "filled in by hand": blank,
    "looks like one": lambda _: LooksLikeOne(),
    "none at all": lambda _: None,
    "a name": lambda genuine: genuine.actor,
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_session_is_refused(bench: Bench, forge: Callable[[Session], object]) -> None:
    refused(bench, forge(bench.operator), BugError)  # type: ignore[arg-type]


def test_a_forgery_that_is_equal_to_a_genuine_one_is_not_taken_for_it(bench: Bench) -> None:
    forged = blank(bench.supervisor)
    assert forged != bench.supervisor
    del forged
    gc.collect()
    bench.store.commit(bench.operator, lambda _: [SPECIMEN])


def minted(bench: Bench, role: Role = Role.OPERATOR, actor: str | None = None, of: str | None = None) -> Session:
    """A session that access made, about which the store may know nothing."""
    actor = actor or bench.operator.actor
    expires_at = "2099-01-01T00:00:00.000Z"
    return mint(id=of or bench.store.new_id(), actor=actor, role=role, counter="1", expires_at=expires_at)


def test_a_session_that_the_store_does_not_know_is_refused(bench: Bench) -> None:
    refused(bench, minted(bench), SessionOver)


def test_a_session_under_another_ones_identifier_is_refused(bench: Bench) -> None:
    """Neither another person nor another role gets in by the identifier of an open session."""
    refused(bench, minted(bench, of=bench.officer.id), SessionOver)
    refused(bench, minted(bench, actor=bench.operator.actor, of=bench.supervisor.id), SessionOver)
    approval = Draft(k.ApplicationApproved(), bench.application())
    refused(bench, minted(bench, Role.OFFICER, of=bench.operator.id), SessionOver, approval)


def test_nobody_mints_the_nodes_role() -> None:
    with pytest.raises(BugError):
        mint(id="a" * 26, actor="node", role=Role.NODE, counter="", expires_at="")


def test_a_session_is_over_after_signing_out(bench: Bench) -> None:
    operators.sign_out(bench.store, bench.operator)
    refused(bench, bench.operator, SessionOver)
    with pytest.raises(SessionOver):
        operators.sign_out(bench.store, bench.operator)


def test_a_session_is_over_when_it_expires(bench: Bench) -> None:
    bench.clock.advance(SESSION_FOR - timedelta(milliseconds=1))
    bench.store.commit(bench.operator, lambda _: [SPECIMEN])
    bench.clock.advance(timedelta(milliseconds=1))
    refused(bench, bench.operator, SessionOver, Draft(k.PersonAdded(name="Gul Khan"), EntityId("b" * 26)))


def test_a_session_is_over_when_the_operator_is_deactivated(bench: Bench) -> None:
    operators.change_operator(
        bench.store,
        bench.supervisor,
        EntityId(bench.operator.actor),
        roles=(Role.OPERATOR,),
        active=False,
        reason="left",
    )
    refused(bench, bench.operator, SessionOver)


def test_who_gets_their_access_back_signs_in_again(bench: Bench) -> None:
    for active in (False, True):
        operators.change_operator(
            bench.store,
            bench.supervisor,
            EntityId(bench.operator.actor),
            roles=(Role.OPERATOR,),
            active=active,
            reason="x",
        )
    refused(bench, bench.operator, SessionOver)


def test_a_session_is_over_when_its_role_is_taken_away_and_others_stay(bench: Bench) -> None:
    operators.change_operator(
        bench.store,
        bench.supervisor,
        EntityId(bench.operator.actor),
        roles=(Role.OFFICER,),
        active=True,
        reason="moved",
    )
    refused(bench, bench.operator, SessionOver)
    other = bench.sessions["omar", Role.OFFICER]
    operators.sign_out(bench.store, other)


def test_a_supervisor_signs_somebody_out_everywhere(bench: Bench) -> None:
    omar = EntityId(bench.operator.actor)
    with pytest.raises(NotPermitted):
        operators.end_sessions(bench.store, bench.officer, omar)
    assert operators.end_sessions(bench.store, bench.supervisor, omar) == 2
    refused(bench, bench.operator, SessionOver)
    approval = Draft(k.ApplicationApproved(), EntityId("b" * 26))
    refused(bench, bench.sessions["omar", Role.OFFICER], SessionOver, approval)
    with pytest.raises(Exception, match="not signed in"):
        operators.end_sessions(bench.store, bench.supervisor, omar)


def test_a_session_is_over_when_it_was_erased(bench: Bench) -> None:
    applications.erase(bench.store, bench.supervisor, EntityId(bench.operator.id), "a test")
    refused(bench, bench.operator, SessionOver)


def test_an_open_session_opens_no_other_one(bench: Bench) -> None:
    """Otherwise a session that is over could open itself again."""
    opened = k.SessionOpened(role="supervisor", counter="1", expires_at="2099-01-01T00:00:00.000Z")
    for about in (bench.operator.id, bench.supervisor.id, bench.store.new_id()):
        refused(bench, bench.operator, SessionOver, Draft(opened, EntityId(about)))
    operators.sign_out(bench.store, bench.operator)
    refused(bench, bench.operator, SessionOver, Draft(opened, EntityId(bench.operator.id)))


def test_a_minted_session_of_somebody_without_the_role_does_not_open(bench: Bench) -> None:
    session = minted(bench, Role.SUPERVISOR)
    opened = k.SessionOpened(role="supervisor", counter="1", expires_at=session.expires_at)
    refused(bench, session, SessionOver, Draft(opened, EntityId(session.id)))


def test_a_role_writes_its_own_kinds_only(bench: Bench) -> None:
    case = bench.application()
    for session, body in (
        (bench.operator, k.ApplicationApproved()),
        (bench.operator, k.SubjectErased(reason="x")),
        (bench.officer, k.PersonAdded(name="x")),
        (bench.supervisor, k.ApplicationApproved()),
        (bench.supervisor, k.NumbersLeased(prefix="x", first=0, last=1)),
        (bench.supervisor, k.NodeStarted(software="x", orphans_removed=0)),
        (node_session(), k.ApplicationApproved()),
        (node_session(), k.SubjectErased(reason="x")),
        (node_session(), k.OperatorChanged(roles=("supervisor",), active=True, reason="x")),
    ):
        refused(bench, session, NotPermitted, Draft(body, case))


def test_the_node_adds_nobody_once_there_is_an_operator(bench: Bench) -> None:
    refused(
        bench,
        node_session(),
        NotPermitted,
        Draft(k.OperatorAdded(login="x", name="x", roles=("supervisor",)), "b" * 26),
    )
    refused(
        bench, node_session(), NotPermitted, Draft(k.OperatorPasswordSet(password_hash="x"), bench.supervisor.actor)
    )


def test_a_password_and_a_session_are_ones_own_but_for_a_supervisor(bench: Bench) -> None:
    password = k.OperatorPasswordSet(password_hash="x")
    refused(bench, bench.operator, NotPermitted, Draft(password, EntityId(bench.supervisor.actor)))
    closed = k.SessionClosed(reason="ended by supervisor")
    refused(bench, bench.officer, NotPermitted, Draft(closed, EntityId(bench.operator.id)))
    bench.store.commit(bench.supervisor, lambda _: [Draft(closed, EntityId(bench.operator.id))])


def test_an_operator_who_may_sign_in_is_not_erased(bench: Bench) -> None:
    omar = EntityId(bench.operator.actor)
    refused(bench, bench.supervisor, NotPermitted, Draft(k.SubjectErased(reason="x"), EntityId(bench.supervisor.actor)))
    refused(bench, bench.supervisor, NotPermitted, Draft(k.SubjectErased(reason="x"), omar))
    operators.change_operator(bench.store, bench.supervisor, omar, roles=(Role.OPERATOR,), active=False, reason="left")
    applications.erase(bench.store, bench.supervisor, omar, "left")
    assert [each.login for each in operators.operators(bench.store)] == ["rabia", "sana"]


def test_a_refused_act_tells_nothing_of_a_later_one(bench: Bench) -> None:
    """A refusal inside a longer act takes back what came before it."""
    before = bench.state()
    with pytest.raises(NotPermitted):
        bench.store.commit(bench.operator, lambda _: [SPECIMEN, Draft(k.ApplicationApproved(), EntityId("b" * 26))])
    assert bench.state() == before
    applications.add_person(bench.store, bench.operator, Person("Gul Khan"))


def test_what_a_session_shows_of_itself_is_short(bench: Bench) -> None:
    assert bench.operator.actor not in repr(bench.operator)
    assert "operator" in repr(bench.operator)
