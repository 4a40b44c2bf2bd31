"""A centre at work for tests of case work: a node, its catalogue with one more service, and what a day brings."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key
from sqlalchemy import select

from appliance.access import operators
from appliance.access.operators import NewOperator
from appliance.access.session import Role, Session
from appliance.casework import applications, attestation, reviewing, steps
from appliance.casework.applications import Submitted
from appliance.casework.attestation import Seen
from appliance.casework.centre import Centre, CentreRules
from appliance.casework.drafts import DraftForm
from appliance.casework.lifecycle import Status
from appliance.casework.money import NewPayment, take_payment
from appliance.casework.people import Person, add_person
from appliance.catalogue import Calendar, Catalogue, bundled, load_catalogue
from appliance.journal import kinds as k
from appliance.journal.ids import EntityId
from appliance.records import tables as t
from appliance.store.keys import CENTRE_KEY
from appliance.store.store import Draft, Store
from sync.central.authority import Authority
from sync.centre import centre_subject
from tests.integration.store.conftest import Bench
from tests.support.nodes import PASSWORD
from tests.support.sealing_centre import CODE, NAME, NOW

SERVICES: Final = Path(__file__).with_name("services")
SERVICE: Final = "residence"
ANSWERS: Final = {"name": "Gul Khan", "born": "1990-01-02", "district": "Peshawar", "urgent": "no"}
PAPERS: Final = {"cnic": "cnic", "rent": "rent_deed"}
OMAR: Final = "omar"
RABIA: Final = "rabia"
NUMBER: Final = "PEW01-000001-X"
"""Of the certificate that `issue` says was issued, and PDF its file."""
PDF: Final = b"%PDF- a certificate"
HOLIDAY: Final = date(2026, 11, 25)
CATALOGUE: Final = load_catalogue([bundled(), SERVICES])

_APPLICATION: Final = select(t.applications).where(t.where_key(t.applications))
_COLUMNS: Final = list(t.applications.columns.keys())


def centre_of(store: Store, catalogue: Catalogue = CATALOGUE) -> Centre:
    """The centre of a store, closed on Sundays and on one holiday."""
    calendar = Calendar(holidays=frozenset({HOLIDAY}))
    return Centre(store, catalogue, calendar, CentreRules("PEW-01", "Specimen centre, Peshawar"))


def certify(desk: Desk) -> Authority:
    """Have an authority certify the centre's key; central's orders are open then."""
    authority = Authority.create("Sanad central specimen", NOW)
    private = load_der_private_key(desk.store.secret(CENTRE_KEY), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    certificate = authority.certify_centre(private.public_key(), centre_subject(CODE, NAME), NOW)
    for file, each in (
        (desk.store.layout.centre_certificate, certificate),
        (desk.store.layout.authority, authority.certificate),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(each.public_bytes(Encoding.PEM))
    desk.bench.central.open_orders()
    return authority


def lease(desk: Desk, prefix: str, first: int, last: int) -> None:
    """Let central lease numbers."""
    desk.bench.central.order(k.NumbersLeased(prefix=prefix, first=first, last=last))
    desk.bench.take_orders()


@dataclass
class Desk:
    """Omar takes in, Rabia decides; both may be signed in as both."""

    bench: Bench
    centre: Centre
    challans: int = field(default=0)
    scan: bytes = b"a scan"
    """What papers are added as."""

    @classmethod
    def at(cls, bench: Bench) -> Desk:
        """The desk of a node at work."""
        return cls(bench, centre_of(bench.store))

    @property
    def store(self) -> Store:
        return self.bench.store

    @property
    def operator(self) -> Session:
        return self.session(OMAR, Role.OPERATOR)

    @property
    def officer(self) -> Session:
        return self.session(RABIA, Role.OFFICER)

    @property
    def supervisor(self) -> Session:
        return self.session("sana", Role.SUPERVISOR)

    def hire(self, login: str) -> Session:
        """One more officer, signed in."""
        self.hire_for_both(login)
        return self.bench.sessions[login, Role.OFFICER]

    def hire_for_both(self, login: str) -> None:
        """Somebody who may be both, signed in as both; a password is asked for once."""
        new = NewOperator(login, login.title(), (Role.OPERATOR, Role.OFFICER), PASSWORD)
        operators.add_operator(self.store, self.supervisor, new, os.urandom)
        first = self.bench.session(login, Role.OFFICER)
        self.bench.sessions[login, Role.OPERATOR] = first
        self.bench.sessions[login, Role.OPERATOR] = self.bench.opened(login, Role.OPERATOR)

    def session(self, login: str, role: Role) -> Session:
        """A session that is open now; a new one on each day."""
        kept = self.bench.sessions[login, role]
        if self.store.now() >= kept.expires_at:
            kept = self.bench.sessions[login, role] = self.bench.opened(login, role)
        return kept

    def go_to(self, day: date) -> None:
        """Let time pass until 14:00 at the centre on that day."""
        self.bench.clock.now = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)

    def pass_days(self, days: int) -> None:
        self.bench.clock.advance(timedelta(days=days))

    def person(self, name: str = "Gul Khan") -> EntityId:
        return add_person(self.store, self.operator, Person(name))

    def form(
        self, applicant: EntityId | None = None, answers: Mapping[str, str] | None = None, **more: str
    ) -> DraftForm:
        """A form that is complete, but for its papers."""
        person = self.person() if applicant is None else applicant
        return DraftForm(self.store.new_id(), SERVICE, {**ANSWERS, **(answers or {})}, {"applicant": (person,)}, **more)

    def begin(self, form: DraftForm, papers: Mapping[str, str] = PAPERS) -> None:
        """Begin an application, with its papers."""
        applications.begin(self.centre, self.operator, form)
        for rule, kind in papers.items():
            self.paper(form.id, rule, kind)

    def paper(self, application: EntityId, rule: str, kind: str, content: bytes | None = None) -> EntityId:
        """Add a paper without having it read: that takes a process of its own."""
        content = self.scan if content is None else content
        digest = self.store.put_blob(content)
        body = k.PaperAdded(
            paper=self.store.new_id(),
            label=rule,
            media_type="image/png",
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            rule=rule,
            paper_kind=kind,
            pages=1,
        )
        self.store.commit(self.operator, lambda _: [Draft(body, application, (digest,))])
        return EntityId(body.paper)

    def take_in(self, applicant: EntityId | None = None, answers: Mapping[str, str] | None = None) -> Submitted:
        """An application, handed in with its papers."""
        form = self.form(applicant, answers)
        self.begin(form)
        return applications.submit(self.centre, self.operator, form)

    def pay(self, application: EntityId) -> None:
        """Take the fee, by challan."""
        self.challans += 1
        line = k.PaymentLine(code="form", label="Form", minor=self.row(application, "fee_minor"))
        take_payment(
            self.centre,
            self.operator,
            NewPayment(application, "Gul Khan", (line,), "challan", reference=f"32A-{self.challans:04d}"),
        )

    def make_ready(self, application: EntityId) -> None:
        """Do everything that an approval waits for."""
        self.pay(application)
        steps.do_step(self.centre, self.officer, application, "thumb")
        for step in ("patwari", "police"):
            steps.send_outside(self.centre, self.officer, application, step)
            steps.enter_answer(self.centre, self.officer, application, step, "positive")

    def approved(self) -> EntityId:
        """An application that is approved."""
        application = self.take_in().application
        self.make_ready(application)
        reviewing.approve(self.centre, self.officer, application)
        return application

    def issue(self, application: EntityId) -> None:
        """Say that a certificate was issued, without making one."""
        digest = self.store.put_blob(PDF)
        body = k.ApplicationIssued(
            number=NUMBER,
            record_sha256="ab" * 32,
            pdf_sha256=hashlib.sha256(PDF).hexdigest(),
            issued_on="2026-11-22",
        )
        self.store.commit(self.officer, lambda _: [Draft(body, application, (digest,))])

    def attest(self, application: EntityId, paper: EntityId, person: EntityId, **facts: str) -> EntityId:
        """Have the officer attest a paper."""
        return attestation.attest(
            self.centre, self.officer, application, Seen(paper, person, "the original itself", facts)
        )

    def status(self, application: EntityId) -> Status:
        return Status(self.row(application, "status"))

    def row(self, application: EntityId, column: str) -> Any:
        """A column of an application."""
        with self.store.read() as tx:
            row = tx.one(_APPLICATION, {"k_journal": self.store.journal, "k_about": application})
        return None if row is None else row[_COLUMNS.index(column)]
