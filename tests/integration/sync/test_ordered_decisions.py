"""Decisions, operators, disputed numbers: down over HTTPS or by stick, and what became of them back up."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from appliance.access import operators
from appliance.access.operators import FirstSignIn, NewOperator, SignInRefused
from appliance.access.session import Role, Session, SessionOver
from appliance.casework import applications, conflicts, decisions, steps
from appliance.casework.applications import begin, submit
from appliance.casework.centre import Centre, CentreRules
from appliance.casework.drafts import DraftForm
from appliance.casework.people import Person, add_person
from appliance.catalogue import Calendar
from appliance.journal import kinds as k
from appliance.journal.entry import make_entry
from appliance.journal.errors import IntegrityError, OperatorError
from appliance.journal.ids import EntityId, orders_of
from appliance.records import tables
from appliance.records.folding import same_tables
from appliance.records.log import Log
from appliance.store.store import Draft
from sync import courier
from sync.agent import sync_once
from sync.central.central import Central
from sync.central.conflicts import conflict_of
from sync.central.deciding import Deciding, Words
from sync.central.orderedpeople import OrderedPeople
from sync.courierdisk import find
from tests.support.centrals import CENTRE, EnrolledNode, Scribe, enrol
from tests.support.desk import ANSWERS, CATALOGUE, SERVICE
from tests.support.nodes import PASSWORD

POLICE = Words("Police", "DSP Khan", "P-7", "Nothing known.")


@dataclass
class Office:
    """An enrolled node, with a supervisor, somebody who takes in and somebody who decides."""

    node: EnrolledNode
    central: Central
    centre: Centre
    sessions: dict[str, Session]

    @property
    def journal(self) -> str:
        return self.node.store.journal

    def sync(self) -> int:
        """Sync as the command does, also what that wrote; both sides hold the same tables then."""
        taken = 0
        for _ in range(2):
            done = sync_once(self.node.store, self.node.address, now_s=lambda: int(time.time()))
            assert done.complete
            taken += done.orders_taken
            decisions.carry_out(self.centre)
        assert sync_once(self.node.store, self.node.address, now_s=lambda: int(time.time())).complete
        self.settled()
        return taken

    def settled(self) -> None:
        self.central.index.settle(30)
        with self.node.store.read() as mine, self.central._index_db.read() as theirs:
            same_tables(mine, theirs, self.node.store.journal)

    def take_in(self) -> tuple[EntityId, str]:
        """An application that waits for the police; its identifier and tracking number."""
        store, operator = self.node.store, self.sessions["omar"]
        person = add_person(store, operator, Person("Gul Khan"))
        form = DraftForm(store.new_id(), SERVICE, dict(ANSWERS), {"applicant": (person,)})
        begin(self.centre, operator, form)
        for rule, kind in {"cnic": "cnic", "rent": "rent_deed"}.items():
            self._paper(form.id, rule, kind)
        done = submit(self.centre, operator, form)
        steps.send_outside(self.centre, self.sessions["rabia"], form.id, "police")
        return form.id, done.tracking

    def _paper(self, application: EntityId, rule: str, kind: str) -> None:
        store = self.node.store
        digest = store.put_blob(b"a scan")
        body = k.PaperAdded(
            paper=store.new_id(),
            label=rule,
            media_type="image/png",
            size=6,
            sha256="ab" * 32,
            rule=rule,
            paper_kind=kind,
        )
        store.commit(self.sessions["omar"], lambda _: [Draft(body, application, (digest,))])


def open_office(home: Path, central: Central) -> Office:
    node = enrol(home, central.invite(*CENTRE))
    store = node.store
    first = NewOperator("sana", "SPECIMEN Sana", (Role.SUPERVISOR,), PASSWORD)
    operators.add_first_supervisor(store, first, os.urandom)
    sessions = {"sana": signed_in(node, "sana", Role.SUPERVISOR)}
    for login, role in (("omar", Role.OPERATOR), ("rabia", Role.OFFICER)):
        new = NewOperator(login, f"SPECIMEN {login.title()}", (role,), PASSWORD)
        operators.add_operator(store, sessions["sana"], new, os.urandom)
        sessions[login] = signed_in(node, login, role)
    return Office(node, central, Centre(store, CATALOGUE, Calendar(), CentreRules(*CENTRE)), sessions)


def signed_in(node: EnrolledNode, login: str, role: Role, password: str = PASSWORD) -> Session:
    return operators.sign_in(node.store, login=login, password=password, role=role, counter="1")


@pytest.fixture
def office(central: Central, tmp_path: Path) -> Iterator[Office]:
    made = open_office(tmp_path / "node", central)
    yield made
    made.node.store.close()


# Decisions


def test_an_answer_given_at_central_is_carried_out_at_the_node_and_central_sees_it(office: Office) -> None:
    application, tracking = office.take_in()
    office.sync()
    Deciding(office.central.ordering).answer(tracking, "police", "positive", POLICE, "ayesha")
    assert office.sync() == 1
    with office.central._index_db.read() as tx:
        (found,) = decisions.decisions_in(tx, office.node.store.journal, application)
        status = tx.one(sa.select(tables.applications.c.status))
    assert (found.state, status) == ("carried out", ("in review",))
    assert office.central.fleet.view().cases == ()


def test_what_central_knows_to_be_wrong_is_refused_before_it_is_ordered(office: Office) -> None:
    _, tracking = office.take_in()
    office.sync()
    deciding = Deciding(office.central.ordering)
    refused: list[Callable[[], object]] = [
        lambda: deciding.answer("PEW01-2026-000009-X", "police", "positive", POLICE, "ayesha"),
        lambda: deciding.answer(tracking, "patwari", "positive", POLICE, "ayesha"),
        lambda: deciding.answer(tracking, "police", "perhaps", POLICE, "ayesha"),
        lambda: deciding.answer(tracking, "police", "negative", Words("Police"), "ayesha"),
        lambda: deciding.answer(tracking, "police", "positive", Words(""), "ayesha"),
        lambda: deciding.decide(tracking, "approve", POLICE, "ayesha"),
        lambda: deciding.decide(tracking, "shelve", POLICE, "ayesha"),
        lambda: deciding.take_back("a" * 26, "No reason.", "ayesha"),
    ]
    for each in refused:
        with pytest.raises(OperatorError):
            each()
    assert office.sync() == 0


def contested(office: Office) -> tuple[EntityId, str]:
    """A decision that came too late: the citizen had withdrawn, and central did not know."""
    application, tracking = office.take_in()
    office.sync()
    applications.withdraw(office.node.store, office.sessions["omar"], application, "moved away")
    done = Deciding(office.central.ordering).answer(tracking, "police", "positive", POLICE, "ayesha")
    office.sync()
    return application, done.decision


def test_a_decision_that_comes_too_late_is_shown_at_central_until_somebody_at_the_node_settled_it(
    office: Office,
) -> None:
    application, decision = contested(office)
    (case,) = office.central.fleet.view().cases
    assert (case.conflict, case.about) == (decision, application)
    assert "could not be carried out. This application is withdrawn" in case.sentence
    (trouble,) = office.central.fleet.view().nodes[0].troubles
    assert trouble.code == "unsettled"
    store = office.node.store
    decisions.settle(store, office.sessions["rabia"], application, EntityId(decision), "The police were told.")
    office.sync()
    assert office.central.fleet.view().cases == ()
    with office.central._archive_db.read() as tx:
        rows = tx.all(sa.text("SELECT settlement, settled_by FROM node_cases"), {})
    assert rows == [("The police were told.", "rabia")]


def test_central_gives_a_contested_decision_up_and_the_node_shows_it(office: Office) -> None:
    application, decision = contested(office)
    office.central.conflicts.settle(decision, "Sent in error.", "ayesha")
    assert office.central.fleet.view().cases == ()
    assert office.sync() == 1
    with office.node.store.read() as tx:
        (found,) = decisions.decisions_in(tx, office.node.store.journal, application)
    assert (found.state, found.settlement) == ("withdrawn", "Sent in error.")
    with pytest.raises(OperatorError, match="no open case"):
        office.central.conflicts.settle(decision, "Again.", "ayesha")


def test_a_case_goes_from_central_with_the_application_that_is_erased(office: Office) -> None:
    application, _ = contested(office)
    office.central.fleet.view()
    erased = Draft(k.SubjectErased(reason="The citizen asked."), application)
    office.node.store.commit(office.sessions["sana"], lambda _: [erased])
    office.sync()
    assert office.central.fleet.view().cases == ()
    with office.central._archive_db.read() as tx:
        assert tx.all(sa.text("SELECT * FROM node_cases"), {}) == []


def test_a_decision_travels_by_stick(office: Office, tmp_path: Path) -> None:
    _, tracking = office.take_in()
    stick = tmp_path / "stick"
    stick.mkdir()
    courier.export(office.node.store, stick)
    (found,) = find(stick)
    taken = office.central.courier.take(found)
    office.central.index.settle(30)
    Deciding(office.central.ordering).answer(tracking, "police", "positive", POLICE, "ayesha")
    receipt = office.central.courier.write_receipt(
        taken.journal, stick, number=taken.number, orders_held=taken.orders_held
    )
    (back,) = (each for each in find(stick) if each.place == receipt.place)
    assert courier.take_receipt(office.node.store, back).orders == 1
    assert len(decisions.carry_out(office.centre).done) == 1
    # The same stick once more changes nothing.
    before = office.node.store.head().size
    courier.take_receipt(office.node.store, back)
    assert office.node.store.head().size == before


def test_an_order_that_was_changed_on_its_way_is_refused_and_nothing_of_it_holds(office: Office) -> None:
    _, tracking = office.take_in()
    office.sync()
    Deciding(office.central.ordering).answer(tracking, "police", "positive", POLICE, "ayesha")
    journal = orders_of(office.node.store.journal)
    with office.central._archive_db.read() as tx:
        head = Log(tx, journal).head()
        assert head is not None
        given = list(Log(tx, journal).entries(0, head.size))
    with office.node.store.read() as tx:
        held = Log(tx, journal).head()
    last = given[-1]
    forged = make_entry(
        journal=journal,
        seq=last.header.seq,
        at=last.header.at,
        by=last.header.by,
        kind=last.header.kind,
        about=last.header.about,
        body=(last.body or b"").replace(b"positive", b"negative"),
        salt=last.salt or b"",
    )
    with pytest.raises(IntegrityError):
        office.node.store.take_orders([*given[:-1], forged], head.checkpoint)
    with office.node.store.read() as tx:
        assert Log(tx, journal).head() == held
    assert not decisions.is_due(office.node.store)


# Operators


def test_whom_central_names_signs_in_by_a_one_time_secret_and_chooses_a_password(office: Office) -> None:
    people = OrderedPeople(office.central.ordering)
    office.sync()
    secret = people.name(office.node.store.journal, "bilal", "SPECIMEN Bilal", ["officer"], "ayesha")
    with pytest.raises(SignInRefused):
        signed_in(office.node, "bilal", Role.OFFICER, secret)
    office.sync()
    store = office.node.store
    with pytest.raises(FirstSignIn):
        signed_in(office.node, "bilal", Role.OFFICER, secret.upper().replace("-", " "))
    with pytest.raises(SignInRefused):
        operators.choose_password(store, login="bilal", secret="wrong", password="a new password", random=os.urandom)
    operators.choose_password(store, login="bilal", secret=secret, password="a new password", random=os.urandom)
    assert signed_in(office.node, "bilal", Role.OFFICER, "a new password").role is Role.OFFICER
    with pytest.raises(SignInRefused):
        operators.choose_password(store, login="bilal", secret=secret, password="another one!", random=os.urandom)
    office.sync()
    assert [each.invited_until for each in people.at(store.journal) if each.login == "bilal"] == [""]
    with pytest.raises(OperatorError, match="has the login"):
        people.name(store.journal, "bilal", "SPECIMEN Bilal", ["officer"], "ayesha")


def test_no_order_holds_the_secret_or_a_password(office: Office) -> None:
    secret = OrderedPeople(office.central.ordering).name(
        office.node.store.journal, "bilal", "SPECIMEN Bilal", ["officer"], "ayesha"
    )
    with office.central._archive_db.read() as tx:
        log = Log(tx, orders_of(office.node.store.journal))
        bodies = b"".join(each.body or b"" for each in log.entries(0, 3))
    assert b"bilal" in bodies
    assert secret.encode() not in bodies
    assert secret.replace("-", "").encode() not in bodies


def test_blocking_takes_hold_in_a_session_that_is_open_and_the_node_cannot_undo_it(office: Office) -> None:
    people, store = OrderedPeople(office.central.ordering), office.node.store
    office.sync()
    people.block(store.journal, "omar", "Under inquiry.", "ayesha")
    person = Person("Gul Khan")
    add_person(store, office.sessions["omar"], person)
    office.sync()
    with pytest.raises(SessionOver):
        add_person(store, office.sessions["omar"], person)
    about = next(each.id for each in operators.operators(store) if each.login == "omar")
    operators.change_operator(
        store, office.sessions["sana"], about, roles=(Role.OPERATOR,), active=True, reason="We need him"
    )
    with pytest.raises(SignInRefused):
        signed_in(office.node, "omar", Role.OPERATOR)
    people.unblock(store.journal, "omar", "Cleared.", "ayesha")
    office.sync()
    assert signed_in(office.node, "omar", Role.OPERATOR).role is Role.OPERATOR


def test_roles_change_and_the_last_supervisor_stays(office: Office) -> None:
    people, store = OrderedPeople(office.central.ordering), office.node.store
    office.sync()
    with pytest.raises(OperatorError, match="supervisor"):
        people.block(store.journal, "sana", "Left.", "ayesha")
    with pytest.raises(OperatorError, match="supervisor"):
        people.give_roles(store.journal, "sana", ["operator"], "Moved.", "ayesha")
    with pytest.raises(OperatorError, match="knows no operator"):
        people.block(store.journal, "nobody", "Left.", "ayesha")
    people.give_roles(store.journal, "rabia", ["auditor"], "Moved.", "ayesha")
    office.sync()
    with pytest.raises(SignInRefused):
        signed_in(office.node, "rabia", Role.OFFICER)
    assert signed_in(office.node, "rabia", Role.AUDITOR).role is Role.AUDITOR


def test_a_login_that_was_given_at_the_node_meanwhile_is_a_case_on_both_sides(office: Office) -> None:
    people, store = OrderedPeople(office.central.ordering), office.node.store
    office.sync()
    new = NewOperator("bilal", "SPECIMEN Bilal the first", (Role.OPERATOR,), PASSWORD)
    people.name(store.journal, "bilal", "SPECIMEN Bilal", ["officer"], "ayesha")
    operators.add_operator(store, office.sessions["sana"], new, os.urandom)
    office.sync()
    assert signed_in(office.node, "bilal", Role.OPERATOR).role is Role.OPERATOR
    (case,) = office.central.fleet.view().cases
    assert case.what == "login"
    (here,) = conflicts.open_conflicts(store)
    assert here.conflict == case.conflict
    conflicts.settle_conflict(store, office.sessions["sana"], here.conflict, "Central names bilal2.")
    office.sync()
    assert office.central.fleet.view().cases == ()


# Numbers


def test_a_number_that_two_papers_bear_is_shown_to_people_at_the_nodes_and_settled_by_one_of_them(
    office: Office,
) -> None:
    office.sync()
    central, number = office.central, "PEW01-000002-K"
    scribe = Scribe()
    scribe.opens(CENTRE[0])
    central.enrol(msgspec.json.encode(scribe.request(central.invite(*CENTRE))))
    central.index.settle(30)
    empty = {column.name: "" for column in tables.certificates.c}
    with central._index_db.write() as tx:
        tx.run(sa.insert(tables.certificates), empty | {"journal": scribe.journal, "about": number, "number": number})
        tx.run(sa.insert(tables.certificates), empty | {"journal": office.journal, "about": number, "number": number})
    central.conflicts.look(office.node.store.journal)
    assert sync_once(office.node.store, office.node.address, now_s=lambda: 0).orders_taken == 1
    (here,) = conflicts.open_conflicts(office.node.store)
    assert (here.conflict, here.named) == (conflict_of(number), number)
    conflicts.settle_conflict(office.node.store, office.sessions["sana"], here.conflict, "Ours was revoked.")
    assert sync_once(office.node.store, office.node.address, now_s=lambda: 0).complete
    central.index.settle(30)
    assert central.fleet.view().conflicts == ()
    with central._archive_db.read() as tx:
        rows = tx.all(sa.text("SELECT settlement, settled_by FROM conflicts"), {})
        other = [each.header.kind for each in Log(tx, orders_of(scribe.journal)).entries(2, 4)]
    assert rows == [("Ours was revoked.", "sana at PEW01")]
    assert other == [k.NumberDisputed.KIND, k.ConflictClosed.KIND]


def test_what_central_settled_is_settled_at_both_nodes(office: Office, tmp_path: Path) -> None:
    office.sync()
    other = open_office(tmp_path / "other", office.central)
    other.sync()
    central, number = office.central, "PEW01-000002-K"
    empty = {column.name: "" for column in tables.certificates.c}
    with central._index_db.write() as tx:
        for journal in (office.journal, other.journal):
            tx.run(sa.insert(tables.certificates), empty | {"journal": journal, "about": number, "number": number})
    central.conflicts.look(office.node.store.journal)
    for each in (office, other):
        assert sync_once(each.node.store, each.node.address, now_s=lambda: 0).orders_taken == 1
    central.conflicts.settle(number, "The second was issued anew.", "ayesha")
    for each in (office, other):
        assert sync_once(each.node.store, each.node.address, now_s=lambda: 0).orders_taken == 1
        assert conflicts.open_conflicts(each.node.store) == []
    other.node.store.close()
