"""What the entries in a bundle tell: who took the application in, attested, approved and issued, and what became of it.

Each entry is there because the case needs it, and read as its kind says; an entry that has no part in the case, and a
part that is missing, are refused alike. When something was done is what the node's clock claimed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from appliance.journal import ids
from appliance.journal import kinds as k
from appliance.journal.entry import Entry
from appliance.journal.errors import IntegrityError
from appliance.journal.evidence import BadEvidence

LEADING: Final = (
    *(k.ApplicationSubmitted, k.ApplicationAmended, k.ApplicationResubmitted, k.ApplicationApproved),
    *(k.ApplicationIssued, k.CertificateCorrectionAsked, k.CertificateCorrected),
)
"""What leads to a certificate, about its application; up to the entry by which it was issued."""
FOLLOWING: Final = (k.CertificateRaised, k.CertificateRevoked, k.CertificateCorrected)
"""What became of it."""
ERASABLE: Final = (k.OperatorAdded.KIND, k.AttestationMade.KIND, k.AttestationWithdrawn.KIND)
"""Kinds that may stand in a bundle without what they said, where the entry that erased it is there, too."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted."""

    id: str
    """Of an operator; or `node`."""
    name: str
    """Empty where it was erased, and for the node itself."""
    login: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One act."""

    kind: str
    seq: int
    at: str
    """As the node's clock claimed, UTC."""
    by: Actor

    def plain(self) -> dict[str, object]:
        """As plain values."""
        return {"kind": self.kind, "entry": self.seq, "at": self.at, "by": self.by.id, "name": self.by.name}


@dataclass(frozen=True, slots=True)
class Attested:
    """An officer vouched for a paper, having seen the original. All but the step is empty where it was erased."""

    step: Step
    id: str
    here: bool
    """Whether it was made in this very application; else the application leans on it."""
    withdrawn_at: str
    paper_kind: str = ""
    original: str = ""
    """What was seen."""
    scan_sha256: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    valid_until: str = ""

    def plain(self) -> dict[str, object]:
        """As plain values."""
        return {
            **self.step.plain(),
            "paper_kind": self.paper_kind,
            "original": self.original,
            "scan_sha256": self.scan_sha256,
            "facts": self.facts,
            "valid_until": self.valid_until,
            "withdrawn_at": self.withdrawn_at,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The whole of it."""

    number: str
    application: str
    tracking: str
    service: str
    centre: str
    centre_name: str
    issued: Step
    issued_on: str
    expires_on: str
    record_sha256: str
    pdf_sha256: str
    """As the counter signed it."""
    sealed_by: str
    signer: str
    """What names the certificate of the key that signed (`signer.kid`), hexadecimal; empty where it is not said."""
    steps: tuple[Step, ...]
    """From taking in to issuing, and what became of it, in their order."""
    attested: tuple[Attested, ...]
    raised: k.CertificateRaised | None
    orders_applied: k.OrdersApplied | None
    ended: str
    """`revoked` or `superseded`, as far as this journal knew; or empty."""
    replaced_by: str
    replaces: str


def read_story(number: str, entries: Sequence[Entry]) -> Story:
    """Read the entries of a bundle.

    Args:
        number: of the certificate.
        entries: each proved to stand in the same journal.

    Raises:
        IntegrityError: one of them is not of its kind's form; or one is missing, or has no part in this.
    """
    return _Reading(number, entries).story()


class _Reading:
    def __init__(self, number: str, entries: Sequence[Entry]) -> None:
        self.number = number
        self.read = [(each, _body(each)) for each in entries]
        seqs = [each.header.seq for each in entries]
        if not seqs or any(after <= before for before, after in itertools.pairwise(seqs)):
            raise BadEvidence("The entries in a bundle are not in the order of their journal.")
        self.used: set[int] = set()
        self.issuing, self.body = self._issuing()
        self.application = self.issuing.header.about

    def story(self) -> Story:
        opened = self._opened()
        leading = self._of_case(LEADING, before=True)
        submitted = next((body for _, body in leading if isinstance(body, k.ApplicationSubmitted)), None)
        if submitted is None or not any(isinstance(body, k.ApplicationApproved) for _, body in leading):
            raise BadEvidence("What led to the certificate is missing in a bundle: that it was taken in, or approved.")
        following = self._following()
        attested = self._attested(_leans(leading))
        orders = self._orders()
        self._actors_used()
        self._erased_used()
        if self.used != {each.header.seq for each, _ in self.read}:
            raise BadEvidence("An entry in a bundle has no part in the certificate.")
        body, revoked = self.body, any(isinstance(each, k.CertificateRevoked) for _, each in following)
        heirs = [each.number for _, each in following if isinstance(each, k.CertificateCorrected)]
        issued = isinstance(body, k.ApplicationIssued)
        return Story(
            number=self.number,
            application=self.application,
            tracking=submitted.tracking,
            service=submitted.service,
            centre=opened.centre,
            centre_name=opened.centre_name,
            issued=self._step(self.issuing),
            issued_on=body.issued_on,
            expires_on=body.expires_on,
            record_sha256=body.record_sha256,
            pdf_sha256=body.pdf_sha256,
            sealed_by=getattr(body, "sealed_by", "centre"),
            signer=getattr(body, "signer", ""),
            steps=tuple(self._step(each) for each, _ in (*leading, *following)),
            attested=attested,
            raised=next((each for _, each in following if isinstance(each, k.CertificateRaised)), None),
            orders_applied=orders,
            ended="revoked" if revoked else ("superseded" if heirs else ""),
            replaced_by=heirs[0] if heirs else "",
            replaces="" if issued else getattr(body, "replaces", ""),
        )

    def _issuing(self) -> tuple[Entry, k.ApplicationIssued | k.CertificateCorrected]:
        found = [
            (entry, body)
            for entry, body in self.read
            if isinstance(body, (k.ApplicationIssued, k.CertificateCorrected)) and body.number == self.number
        ]
        if len(found) != 1:
            raise BadEvidence("A bundle does not hold the one entry by which its certificate was issued.")
        return found[0]

    def _opened(self) -> k.JournalOpened:
        entry, body = self.read[0]
        if entry.header.seq != 0 or not isinstance(body, k.JournalOpened):
            raise BadEvidence("The beginning of the journal is missing in a bundle.")
        self.used.add(0)
        return body

    def _of_case(self, kinds: tuple[type[k.Body], ...], *, before: bool) -> list[tuple[Entry, k.Body]]:
        """Entries of the application up to the issuing one, or behind it."""
        found: list[tuple[Entry, k.Body]] = []
        for entry, body in self.read:
            early = entry.header.seq <= self.issuing.header.seq
            if entry.header.about == self.application and isinstance(body, kinds) and early == before:
                found.append((entry, body))
                self.used.add(entry.header.seq)
        return found

    def _following(self) -> list[tuple[Entry, k.Body]]:
        found = self._of_case(FOLLOWING, before=False)
        for _, body in found:
            about = body.replaces if isinstance(body, k.CertificateCorrected) else getattr(body, "number", "")
            if about != self.number:
                raise BadEvidence("An entry in a bundle is about another certificate.")
        if len({type(body) for _, body in found}) != len(found):
            raise BadEvidence("A certificate ends once, and is raised once; a bundle says so twice.")
        return found

    def _attested(self, leans: set[str]) -> tuple[Attested, ...]:
        withdrawn = {
            entry.header.about: entry for entry, _ in self.read if entry.header.kind == k.AttestationWithdrawn.KIND
        }
        found = []
        for entry, body in self.read:
            if entry.header.kind != k.AttestationMade.KIND or entry.header.seq > self.issuing.header.seq:
                continue
            about = entry.header.about
            here = isinstance(body, k.AttestationMade) and body.application == self.application
            if about not in leans and not here:
                raise BadEvidence("An attestation in a bundle has no part in the certificate.")
            self.used.add(entry.header.seq)
            ending = withdrawn.get(about)
            if ending is not None:
                self.used.add(ending.header.seq)
            found.append(self._one_attested(entry, body, here=here, ending=ending))
        if not leans <= {each.id for each in found} or len({each.id for each in found}) != len(found):
            raise BadEvidence("An attestation that the certificate rests on is missing in a bundle.")
        return tuple(found)

    def _one_attested(self, entry: Entry, body: k.Body | None, *, here: bool, ending: Entry | None) -> Attested:
        step, until = self._step(entry), "" if ending is None else ending.header.at
        if not isinstance(body, k.AttestationMade):
            return Attested(step, entry.header.about, here, until)
        return Attested(
            step=step,
            id=entry.header.about,
            here=here,
            withdrawn_at=until,
            paper_kind=body.paper_kind,
            original=body.original,
            scan_sha256=body.scan_sha256,
            facts=dict(body.facts),
            valid_until=body.valid_until,
        )

    def _orders(self) -> k.OrdersApplied | None:
        found = [(entry, body) for entry, body in self.read if isinstance(body, k.OrdersApplied)]
        if len(found) > 1 or any(entry.header.seq > self.issuing.header.seq for entry, _ in found):
            raise BadEvidence("Central's orders stand in a bundle in a place that proves nothing.")
        self.used.update(entry.header.seq for entry, _ in found)
        return found[0][1] if found else None

    def _step(self, entry: Entry) -> Step:
        return Step(entry.header.kind, entry.header.seq, entry.header.at, self._actor(entry.header.by))

    def _actor(self, by: str) -> Actor:
        for entry, body in self.read:
            if entry.header.kind == k.OperatorAdded.KIND and entry.header.about == by:
                return Actor(by, body.name, body.login) if isinstance(body, k.OperatorAdded) else Actor(by, "")
        if by in (ids.NODE, ids.CENTRAL):
            return Actor(by, "")
        raise BadEvidence("Who did it is missing in a bundle.")

    def _actors_used(self) -> None:
        """Accounts of those who acted are part of it, one entry each."""
        acted = {entry.header.by for entry, _ in self.read if entry.header.seq in self.used}
        for entry, _ in self.read:
            if entry.header.kind == k.OperatorAdded.KIND and entry.header.about in acted:
                self.used.add(entry.header.seq)
                acted.discard(entry.header.about)

    def _erased_used(self) -> None:
        """What was erased is missing for a reason: the entry that erased it."""
        missing = {entry.header.about for entry, body in self.read if body is None}
        erasing = {entry.header.about: entry for entry, body in self.read if isinstance(body, k.SubjectErased)}
        if not missing <= erasing.keys():
            raise BadEvidence("What an entry in a bundle says is missing, and nothing in it says that it was erased.")
        self.used.update(erasing[about].header.seq for about in missing)


def _body(entry: Entry) -> k.Body | None:
    """What an entry says; None where it was erased and may be."""
    if entry.body is None:
        if entry.header.kind in ERASABLE:
            return None
        raise BadEvidence("What an entry in a bundle says is missing.")
    body = k.decode_body(entry.header.kind, entry.body)
    if body is None:
        raise IntegrityError(
            "A bundle holds an entry that this program does not know.", "Check it with a newer program."
        )
    return body


def _leans(leading: Sequence[tuple[Entry, k.Body]]) -> set[str]:
    """The attestations that the certificate rests on: as it was said last."""
    found: set[str] = set()
    for _, body in leading:
        said = getattr(body, "leans_on", None)
        if said is not None:
            found = set(said)
    return found
