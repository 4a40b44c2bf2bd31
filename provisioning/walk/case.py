"""One case walked from the token to the certificate, by two people who are not the same.

Each stage looks first whether it was done, in the journal and nowhere else: a walk that was killed goes on, and does
nothing twice.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import bindparam, select

from appliance.access.four_eyes import SameEyes
from appliance.access.session import Role, Session
from appliance.casework import applications, attestation, delivery, issuing, printing, reviewing, shifts, steps, tokens
from appliance.casework.attested import satisfied
from appliance.casework.cases import Case, find_case, papers_of, steps_done, waits_of
from appliance.casework.centre import Centre
from appliance.casework.counting import in_sum
from appliance.casework.delivery import Receiver
from appliance.casework.drafts import DraftForm, save_draft
from appliance.casework.issuing import Issued, Prepared
from appliance.casework.key_opening import opened
from appliance.casework.lifecycle import OPEN, Status
from appliance.casework.money import NewPayment, Payment, payments_for, take_payment
from appliance.casework.papers import NewPaper, add_paper
from appliance.casework.people import add_person
from appliance.casework.printing import Job, Outcome, PrintState
from appliance.casework.receipts import SIMULATED, receipt_picture
from appliance.casework.signatures import signatures_of, take_signature
from appliance.catalogue import Fee, PaperRule, Service, Step, needed_papers, needed_roles, reckon_fee, shown_fields
from appliance.journal import kinds as k
from appliance.journal.errors import BugError
from appliance.journal.ids import BlobDigest, EntityId
from appliance.records import tables as t
from appliance.records.disk import write_durably
from devices.signatures import from_bytes, to_picture
from provisioning.specimenpapers import specimen_page, specimen_photograph
from provisioning.walk import devices, system
from provisioning.walk.devices import CounterDevices
from provisioning.walk.place import Walk
from provisioning.walk.plans import Plan, person_in

T = TypeVar("T")
FLOAT_MINOR: Final = 500_000
"""What lies in the drawer when the shift begins."""
PHOTOGRAPH: Final = "photograph"

_PERSON: Final = select(t.people.c.about).where(
    t.people.c.journal == bindparam("journal"), t.people.c.name == bindparam("name"), t.people.c.merged_into == ""
)
_BEGUN: Final = (
    select(t.applications.c.about)
    .where(
        t.applications.c.journal == bindparam("journal"),
        t.applications.c.service == bindparam("service"),
        t.applications.c.status != Status.DISCARDED.value,
    )
    .order_by(t.applications.c.begun_at)
    .limit(1)
)
_RULED: Final = select(t.papers.c.paper, t.papers.c.rule, t.papers.c.of).where(t.where_key(t.papers))
_ATTESTED: Final = select(t.attestations.c.paper).where(
    t.attestations.c.journal == bindparam("journal"), t.attestations.c.withdrawn_at == ""
)


@dataclass(frozen=True, slots=True)
class Scan:
    """A scanned paper that was handed in, or rendered; `sha256` is of its bytes in clear."""

    file: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The hash of the scan."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass
class Walked:
    """What came of a case."""

    service: str
    tracking: str
    issued: Issued | None
    certificate: Path | None
    receipt: Path | None
    asked: list[str]
    spared: list[str]
    papers: list[tuple[Scan, BlobDigest]] = field(default_factory=list)


class CaseWalk:
    """Walks one case.

    Args:
        walk: whose steps these are.
        centre: the node's.
        plan: what is answered.
        scans: papers at hand; what they do not cover is rendered.
        counter: the devices.
    """

    def __init__(self, walk: Walk, centre: Centre, plan: Plan, scans: list[Scan], counter: CounterDevices) -> None:
        self._walk = walk
        self._centre = centre
        self._store = centre.store
        self._plan = plan
        self._service: Service = centre.catalogue.service(plan.service)
        self._scans = scans
        self._counter = counter
        self._papers: list[tuple[Scan, BlobDigest]] = []

    def __call__(self) -> Walked:
        """Walk it, or what is left of it."""
        operator = self._step("operator signed in", lambda: self._sign_in(system.OPERATOR[0], Role.OPERATOR))
        self._open_shift(operator)
        token = self._step("token given and called", lambda: self._token(operator))
        people = self._step("people found, or written down", lambda: self._people(operator))
        form, asked, spared = self._step(
            "form filled from what is known and attested", lambda: self._form(people, token)
        )
        application = self._step("application begun, draft kept", lambda: self._begin(operator, form))
        form = replace(form, id=application)
        if self._case(application).status is Status.DRAFT:
            self._add_papers(operator, form)
            self._sign(operator, form)
            self._step("checked and handed in", lambda: applications.submit(self._centre, operator, form))
        case = self._case(application)
        self._step(f"fee taken for {case.tracking}", lambda: self._fee(operator, case))
        receipt = self._step(f"receipt printed ({SIMULATED})", lambda: self._receipt(operator, case))
        self._serve(operator, token, application)
        self._review(operator, application)
        made = self._issue(application)
        certificate = None if made is None else self._hand_over(operator, application, made)
        return Walked(self._service.id, case.tracking, made, certificate, receipt, asked, spared, self._papers)

    def _step(self, what: str, work: Callable[[], T]) -> T:
        return self._walk.step(f"{self._service.id}: {what}", work)

    def _sign_in(self, login: str, role: Role) -> Session:
        return system.sign_in(self._walk, self._store, login, role)

    def _case(self, application: EntityId) -> Case:
        with self._store.read() as tx:
            return find_case(tx, self._store.journal, application)

    # At the counter

    def _open_shift(self, operator: Session) -> None:
        if shifts.shift_of(self._store, operator) is None:
            currency: k.Currency = "INR" if self._service.currency == "INR" else "PKR"
            self._step("shift opened", lambda: shifts.open_shift(self._centre, operator, in_sum(FLOAT_MINOR), currency))

    def _token(self, operator: Session) -> EntityId:
        day = self._centre.today().isoformat()
        with self._store.read() as tx:
            mine = [each for each in tokens.tokens_of(tx, self._store.journal, day) if each.service == self._service.id]
        if mine and mine[0].status is not tokens.TokenStatus.WAITING:
            return mine[0].id
        if not mine:
            tokens.issue_token(self._centre, operator, service=self._service.id)
        called = tokens.call_next(self._centre, operator)
        if called is None:
            raise BugError("A token was given, and nobody was called.")
        return called.id

    def _people(self, operator: Session) -> dict[str, tuple[EntityId, ...]]:
        with_parts: dict[str, tuple[EntityId, ...]] = {}
        while lacking := [role for role in self._needed_roles(with_parts) if role not in with_parts]:
            with_parts[lacking[0]] = (self._person(operator, lacking[0]),)
        return with_parts

    def _needed_roles(self, people: dict[str, tuple[EntityId, ...]]) -> list[str]:
        today = self._centre.today()
        rules = needed_roles(self._service, self._plan.answers, today, people)
        return [rule.id for rule in rules if rule.required or rule.id in self._plan.people]

    def _person(self, operator: Session, role: str) -> EntityId:
        person = person_in(self._plan, self._service, role)
        with self._store.read() as tx:
            row = tx.one(_PERSON, {"journal": self._store.journal, "name": person.name})
        return EntityId(row[0]) if row is not None else add_person(self._store, operator, person)

    def _form(self, people: dict[str, tuple[EntityId, ...]], token: EntityId) -> tuple[DraftForm, list[str], list[str]]:
        """The form, the fields that were asked, and what was attested before and therefore was not."""
        answers: dict[str, str] = {}
        asked: list[str] = []
        today = self._centre.today()
        spared = satisfied(self._centre, self._service.id, people, answers, today)
        while True:
            shown = shown_fields(self._service, answers, today, people)
            spared = satisfied(self._centre, self._service.id, people, answers, today)
            lacking = [each for each in shown if each.id not in answers and each.id not in asked]
            if not lacking:
                break
            first = lacking[0]
            if first.id in spared.fields:
                answers[first.id] = spared.fields[first.id].value
                continue
            asked.append(first.id)
            if first.id in self._plan.answers:
                answers[first.id] = self._plan.answers[first.id]
        form = DraftForm(self._store.new_id(), self._service.id, answers, people, token=token)
        return form, asked, [*spared.fields, *(f"paper {rule}" for rule in spared.papers)]

    def _begin(self, operator: Session, form: DraftForm) -> EntityId:
        with self._store.read() as tx:
            row = tx.one(_BEGUN, {"journal": self._store.journal, "service": self._service.id})
        if row is None:
            applications.begin(self._centre, operator, form)
            save_draft(self._store, operator, form)
        return form.id if row is None else EntityId(row[0])

    def _add_papers(self, operator: Session, form: DraftForm) -> None:
        today = self._centre.today()
        spared = satisfied(self._centre, self._service.id, form.roles, form.answers, today)
        with self._store.read() as tx:
            held = {paper.rule for paper in papers_of(tx, self._store.journal, form.id)}
        rules = needed_papers(self._service, form.answers, today, form.roles)
        for rule, scan in zip(rules, self._scans_for(rules), strict=True):
            if rule.required and rule.id not in spared.papers and rule.id not in held:
                added = self._step(
                    f"paper read apart, sealed and added: {rule.label.en} ({scan.file})",
                    functools.partial(self._add, operator, form, rule, scan),
                )
                self._papers.append((scan, added))

    def _add(self, operator: Session, form: DraftForm, rule: PaperRule, scan: Scan) -> BlobDigest:
        return add_paper(
            self._centre, operator, form.id, NewPaper(scan.content, rule.id, of=form.roles[rule.of][0])
        ).digest

    def _scans_for(self, rules: tuple[PaperRule, ...]) -> Iterator[Scan]:
        """The scans at hand for the first papers, rendered pages for the others; a photograph is always rendered."""
        given = iter(self._scans)
        for number, rule in enumerate(rules):
            if rule.kind == PHOTOGRAPH:
                yield Scan(f"{rule.id}.jpg, rendered", specimen_photograph(number))
                continue
            scan = next(given, None)
            lines = [each.label.en + ": " + self._plan.answers.get(each.id, "") for each in self._service.fields[:12]]
            yield scan or Scan(f"{rule.id}.jpg, rendered", specimen_page(rule.label.en, lines, number))

    def _sign(self, operator: Session, form: DraftForm) -> None:
        if signatures_of(self._store, form.id):
            return

        def sign() -> None:
            shown = (
                "I declare that what I say for this is true:",
                self._service.title.en,
                person_in(self._plan, self._service, "applicant").name,
            )
            said = [f"{self._service.field(name).label.en}: {answer}" for name, answer in form.answers.items()]
            document = hashlib.sha256("\n".join((*shown, *said)).encode()).digest()
            signed, _ = devices.sign_on(self._counter.pad, "declaration", shown, document)
            take_signature(self._store, operator, form.id, form.roles["applicant"][0], signed)

        self._step(f"declaration signed on the pad ({SIMULATED})", sign)

    def _fee(self, operator: Session, case: Case) -> None:
        if case.fee_minor and not self._paid(case):
            fee: Fee = reckon_fee(self._service, case.fields, self._centre.today(), case.roles)
            lines = tuple(k.PaymentLine(line.code, line.label.en, line.minor) for line in fee.lines)
            payer = person_in(self._plan, self._service, "applicant").name
            take_payment(self._centre, operator, NewPayment(case.id, payer, lines, "cash"))

    def _paid(self, case: Case) -> list[Payment]:
        return [each for each in payments_for(self._store, case.id) if not each.voided]

    def _receipt(self, operator: Session, case: Case) -> Path | None:
        paid = self._paid(case)
        if not paid:
            return None
        file = self._walk.results / f"receipt-{self._service.id}.png"
        printer = self._counter.receipts

        def send(copy: int) -> Outcome:
            picture = receipt_picture(
                self._centre, paid[0], copy=copy, marks=(SIMULATED,), width_dots=printer.width_dots
            )
            outcome = devices.print_picture(printer, picture)
            write_durably(file, picture)
            return outcome

        job = Job("receipt", paid[0].id, paid[0].receipt, printer.identity.model, simulated=True)
        self._print(operator, job, file, send)
        return file

    def _print(self, session: Session, job: Job, file: Path, send: Callable[[int], Outcome]) -> None:
        """Print once. Where a walk was killed in between, its file is the paper that somebody looks at."""
        for left in printing.open_prints(self._store):
            if left.job.of == job.of and left.job.what == job.what:
                printing.settle_print(self._store, session, left.id, on_paper=file.is_file())
        if not any(each.state is PrintState.PRINTED for each in printing.prints_of(self._store, job.of)):
            printing.print_once(self._store, session, job, send)

    def _serve(self, operator: Session, token: EntityId, application: EntityId) -> None:
        if tokens.token(self._store, token).status is tokens.TokenStatus.CALLED:
            tokens.serve(self._store, operator, token, application)

    # Behind it

    def _review(self, operator: Session, application: EntityId) -> None:
        if self._case(application).status not in OPEN:
            return

        def same_eyes_refused() -> None:
            session = self._sign_in(system.OPERATOR[0], Role.OFFICER)
            try:
                reviewing.reject(self._centre, session, application, "This must be refused: same eyes.")
            except SameEyes:
                return
            raise BugError("A case was decided by the person who took it in.")

        self._step("the same person, now as officer, was refused (four eyes)", same_eyes_refused)
        officer = self._step("another officer signed in", lambda: self._sign_in(system.OFFICER[0], Role.OFFICER))
        self._attest(officer, application)
        for one in self._progress(application).open_before_approval:
            self._do(operator, officer, application, one)
        self._step("approved", lambda: reviewing.approve(self._centre, officer, application))

    def _progress(self, application: EntityId) -> steps.Progress:
        store, case = self._store, self._case(application)
        with store.read() as tx:
            done, waits = steps_done(tx, store.journal, application), waits_of(tx, store.journal, application)
        day = steps.received_on(self._centre, case, store.now())
        return steps.progress(self._service, case.fields, case.roles, day, done, waits)

    def _do(self, operator: Session, officer: Session, application: EntityId, one: Step) -> None:
        name = one.label.en
        if one.by == "outside":
            if one.id not in {each.id for each in self._progress(application).waiting}:
                self._step(
                    f"sent to an outside office: {name}",
                    lambda: steps.send_outside(self._centre, officer, application, one.id, reference="SPECIMEN 1/2026"),
                )
            self._step(
                f"the office answered: {name}",
                lambda: steps.enter_answer(self._centre, officer, application, one.id, "positive"),
            )
        else:
            session = operator if one.by == "operator" else officer
            self._step(f"done: {name}", lambda: steps.do_step(self._centre, session, application, one.id))

    def _attest(self, officer: Session, application: EntityId) -> None:
        case = self._case(application)
        with self._store.read() as tx:
            held = papers_of(tx, self._store.journal, application)
            before = {row[0] for row in tx.all(_ATTESTED, {"journal": self._store.journal})}
        rules = {rule.id: rule for rule in self._service.papers}
        for paper in held:
            rule = rules.get(paper.rule)
            if rule is None or not rule.original_seen or paper.id in before or not paper.of:
                continue
            what = attestation.Seen(
                paper=paper.id,
                person=EntityId(paper.of),
                original="SPECIMEN original",
                facts=self._facts(case, rule),
            )
            self._step(
                f"original seen, attested: {rule.label.en}",
                functools.partial(attestation.attest, self._centre, officer, application, what),
            )

    def _facts(self, case: Case, rule: PaperRule) -> dict[str, str]:
        named = {each.fact: each.id for each in self._service.fields if each.fact}
        fields = {fact: named.get(f"{rule.of}.{fact}", "") for fact in rule.proves}
        return {fact: case.fields[name] for fact, name in fields.items() if case.fields.get(name)}

    def _issue(self, application: EntityId) -> Issued | None:
        if self._service.certificate is None:
            return None
        before = issuing.issued(self._store, application)
        if before is not None:
            return before
        officer = self._sign_in(system.OFFICER[0], Role.OFFICER)
        taken = signatures_of(self._store, application)
        picture = to_picture(from_bytes(self._store.open_blob(taken[-1].digest))).png if taken else None
        prepared = self._step(
            "certificate rendered, to be looked at",
            lambda: issuing.prepare(self._centre, officer, application, signature_png=picture),
        )
        if prepared.sealed_by == "officer":
            return self._step(
                "what she saw signed by the officer's PIN (PAdES), committed", lambda: self._sign_it(officer, prepared)
            )
        return self._step(
            "certificate sealed by the centre (PAdES), committed",
            lambda: issuing.issue(self._centre, officer, application, prepared=prepared),
        )

    def _sign_it(self, officer: Session, prepared: Prepared) -> Issued:
        with opened(self._centre, officer, self._walk.pin) as signer:
            return issuing.issue(self._centre, officer, prepared.application, prepared=prepared, signer=signer)

    def _hand_over(self, operator: Session, application: EntityId, made: Issued) -> Path:
        file = self._walk.results / f"certificate-{self._service.id}.pdf"
        printer = self._counter.pages
        pdf = issuing.certificate_pdf(self._store, made)

        def send(_: int) -> Outcome:
            outcome = devices.print_pages(printer, pdf, made.number)
            write_durably(file, pdf)
            return outcome

        job = Job("certificate", application, made.number, printer.identity.model, simulated=True)
        self._step(
            f"certificate printed ({SIMULATED}), after the commit", lambda: self._print(operator, job, file, send)
        )
        for one in self._progress(application).open_after_approval:
            officer = self._sign_in(system.OFFICER[0], Role.OFFICER)
            self._do(operator, officer, application, one)
        if self._case(application).status is Status.ISSUED:
            applicant = EntityId(self._case(application).applicant)
            self._step(
                "handed over to the applicant",
                lambda: delivery.deliver(self._centre, operator, application, Receiver(applicant)),
            )
        return file
