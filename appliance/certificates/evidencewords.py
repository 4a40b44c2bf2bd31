"""A bundle in words: who did what, having seen what, and between which times it was issued."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from appliance.certificates.evidence import Bundle
from appliance.certificates.evidencestory import Actor, Attested, Step
from appliance.journal.notes import VerifierKey

_ACTS: Final = {
    "application.submitted": "took the application in",
    "application.amended": "put the form right",
    "application.resubmitted": "handed it in again",
    "application.approved": "approved it",
    "application.issued": "had the certificate signed",
    "certificate.correction_asked": "asked for a correction",
    "certificate.corrected": "had a corrected certificate signed",
    "certificate.raised": "added a timestamp",
    "certificate.revoked": "revoked the certificate",
}


def sentences(bundle: Bundle, trusted: Sequence[VerifierKey] = ()) -> Iterator[str]:
    """What a bundle says, for people; a line each. What was typed at the centre is quoted as it stands there.

    Args:
        bundle: as it was read.
        trusted: keys that the reader believes; of the others it is said that they are not known.
    """
    story = bundle.story
    yield f"Evidence of certificate {story.number}, application {story.tracking}, {story.centre_name} ({story.centre})."
    for step in story.steps:
        yield f"{_who(step.by)} {_ACTS.get(step.kind, step.kind)} ({_when(step)})."
    for attested in story.attested:
        yield _attested(attested)
    yield _earliest(bundle, trusted)
    yield _latest(bundle, trusted)
    if story.ended == "revoked":
        yield "It was revoked since."
    elif story.ended:
        yield f"It was superseded since, by {story.replaced_by}."
    yield "Times in brackets are what the node's clock claimed. The order of the entries is proved."


def facts_of(bundle: Bundle) -> Mapping[str, object]:
    """What a bundle says, as plain values, for a line of JSON."""
    story = bundle.story
    return {
        "number": story.number,
        "journal": bundle.witness.journal,
        "centre": story.centre,
        "application": story.application,
        "tracking": story.tracking,
        "steps": [each.plain() for each in story.steps],
        "attested": [each.plain() for each in story.attested],
        "ended": story.ended,
        "earliest": None if bundle.earliest is None else bundle.earliest.isoformat(),
        "latest": None if bundle.latest is None else bundle.latest.isoformat(),
        "cosigned_by": [each.key.name for each in bundle.witness.cosigned],
        "record_sha256": story.record_sha256,
        "pdf_sha256": story.pdf_sha256,
    }


def _attested(attested: Attested) -> str:
    where = "in this application" if attested.here else "for an earlier application"
    if not attested.paper_kind:
        return f"{_who(attested.step.by)} attested a paper {where} ({_when(attested.step)}); what it was, was erased."
    facts = ", ".join(f"{name} “{value}”" for name, value in attested.facts.items())
    said = f"; it says {facts}" if facts else ""
    ended = f" It was withdrawn ({_shown(attested.withdrawn_at)})." if attested.withdrawn_at else ""
    return (
        f"{_who(attested.step.by)} attested, {where}, the paper “{attested.paper_kind}”, having seen "
        f"“{attested.original}” ({_when(attested.step)}){said}.{ended}"
    )


def _earliest(bundle: Bundle, trusted: Sequence[VerifierKey]) -> str:
    if bundle.earliest is None or bundle.order is None:
        return "Nothing in it says when it was issued at the earliest."
    known = "" if bundle.order.key in trusted else ", if its key for orders is central's"
    return (
        f"It was issued after {_moment(bundle.earliest)} UTC, when central wrote an order that stands before it{known}."
    )


def _latest(bundle: Bundle, trusted: Sequence[VerifierKey]) -> str:
    if not bundle.witness.cosigned:
        return "The checkpoint is not countersigned: that it was issued by a certain time rests on the node's word."
    each = min(bundle.witness.cosigned, key=lambda one: one.at_s)
    known = "" if each.key in trusted else ", whose key you have to know from elsewhere"
    at = _moment(datetime.fromtimestamp(each.at_s, UTC))
    return f"It was issued before {at} UTC, when {each.key.name} countersigned the journal{known}."


def _who(actor: Actor) -> str:
    if actor.id == "node":
        return "The node"
    return f"{actor.name} ({actor.login})" if actor.name else f"Somebody whose account was erased ({actor.id})"


def _when(step: Step) -> str:
    return f"entry {step.seq}, {_shown(step.at)}"


def _shown(at: str) -> str:
    return at[:16].replace("T", " ")


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
