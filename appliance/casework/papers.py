"""Scanned papers of an application: read whole in a confined process, sealed, and named in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from appliance.access.session import Session
from appliance.casework.cases import Case, HeldPaper, find_case, go_on, papers_of, see_lines
from appliance.casework.centre import Centre
from appliance.casework.copying import see_copyable
from appliance.casework.intake import Paper, PaperRefused, inspect_paper
from appliance.casework.lifecycle import step
from appliance.casework.services import service_of
from appliance.catalogue import PaperRule, Service
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import BlobDigest, EntityId
from appliance.store.store import Moment

MAX_PAPERS: Final = 200
"""Papers of one application."""
PHOTOGRAPHS: Final = frozenset({"image/jpeg", "image/png"})
"""Of what a photograph on a certificate can be made."""
OTHER: Final = "other"
"""The kind of a paper that the service does not ask for."""


@dataclass(frozen=True, slots=True)
class NewPaper:
    """A paper as it comes from the scanner.

    Attributes:
        content: the file.
        rule: the paper of the service that it is, by its identifier; empty for one that the service does not ask for.
        of: whose it is; None for whoever alone has the part that the service names.
        label: what it is, where the service does not say.
    """

    content: bytes
    rule: str = ""
    of: EntityId | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class AddedPaper:
    """A paper that was added: its identifier, the digest of its sealed bytes, and how it looks."""

    id: EntityId
    digest: BlobDigest
    paper: Paper


def add_paper(
    centre: Centre, session: Session, application: EntityId, new: NewPaper, *, seen: int | None = None
) -> AddedPaper:
    """Add a scanned paper to an application, also to one that is only begun.

    Raises:
        PaperRefused: the file cannot be taken in; the sentence says why.
        OperatorError: the service knows no such paper, the application takes none now, it changed meanwhile, not by the
            same eyes, or the session may not.
        DeviceError: the disk is full or read-only, or the file could not be read apart; nothing was added.
    """
    store = centre.store
    see_lines(new.label)
    with store.read() as tx:
        case = find_case(tx, store.journal, application)
        held = papers_of(tx, store.journal, application)
        service = service_of(centre, tx, case)
    rule = _rule(service, new)
    _see_room(case, held)
    look = inspect_paper(new.content)
    _see_picture(service, rule, look)
    see_copyable(service, rule, look, len(new.content))
    digest = store.put_blob(new.content)
    body = k.PaperAdded(
        paper=store.new_id(),
        label=rule.label.en if rule is not None else new.label.strip(),
        media_type=look.media_type,
        size=len(new.content),
        sha256=look.sha256,
        rule="" if rule is None else rule.id,
        paper_kind=OTHER if rule is None else rule.kind,
        of=new.of or _alone(case, rule),
        pages=look.pages,
    )

    def write(moment: Moment, case: Case) -> list[k.Body]:
        _see_room(case, papers_of(moment.tx, store.journal, application))
        return [body]

    try:
        go_on(store, session, application, write, seen=seen, blobs=(digest,))
    except BaseException:
        store.give_up_blob(digest)
        raise
    return AddedPaper(EntityId(body.paper), digest, look)


def _rule(service: Service, new: NewPaper) -> PaperRule | None:
    if not new.rule:
        if not new.label.strip():
            raise OperatorError("It is not said what this paper is.", "Choose a paper of the service, or name it.")
        return None
    found = next((rule for rule in service.papers if rule.id == new.rule), None)
    if found is None:
        raise OperatorError(
            "This service knows no such paper.", "Choose one of: " + ", ".join(rule.id for rule in service.papers) + "."
        )
    return found


def _see_picture(service: Service, rule: PaperRule | None, look: Paper) -> None:
    certificate = service.certificate
    printed = rule is not None and certificate is not None and certificate.photo == rule.id
    if printed and look.media_type not in PHOTOGRAPHS:
        raise PaperRefused(
            "The photograph is printed on the certificate, and this file is no picture that can be.",
            "Take it with the camera, or scan it anew, as JPEG or PNG.",
        )


def _see_room(case: Case, held: list[HeldPaper]) -> None:
    step(case.status, k.PaperAdded.KIND)
    if len(held) >= MAX_PAPERS:
        raise OperatorError(f"An application has at most {MAX_PAPERS} papers.", "Scan several pages into one file.")


def _alone(case: Case, rule: PaperRule | None) -> EntityId | None:
    people = () if rule is None else case.roles.get(rule.of, ())
    return people[0] if len(people) == 1 else None
