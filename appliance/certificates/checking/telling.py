"""What an evidence bundle tells of a certificate, in sentences: who did what, having seen which original, and when.

Times in it are what the node's clock claimed; between which moments it must have been issued, others say.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from appliance.certificates.evidence import Attested, Bundle, Step
from appliance.certificates.wording import say_date

_DID: Final = {
    "application.submitted": "took the application in",
    "application.amended": "changed the application",
    "application.resubmitted": "handed the application in again",
    "application.approved": "approved it",
    "application.issued": "issued the certificate",
    "certificate.correction_asked": "asked for a correction",
    "certificate.corrected": "issued a certificate in place of an earlier one",
    "certificate.raised": "added a timestamp",
    "certificate.revoked": "revoked the certificate",
}


def tell(bundle: Bundle) -> tuple[str, ...]:
    """The sentences, in the order of what happened."""
    story = bundle.story
    acts = [(each.seq, _act(each)) for each in story.steps]
    acts += [(each.step.seq, sentence) for each in story.attested for sentence in _attested(each)]
    return tuple(sentence for _, sentence in sorted(acts, key=lambda each: each[0]))


def _act(step: Step) -> str:
    return f"{_who(step)} {_DID.get(step.kind, step.kind)} on {say_moment(step.at)}."


def _attested(each: Attested) -> Iterator[str]:
    if not each.paper_kind:
        yield f"A paper was attested on {say_moment(each.step.at)}; what it was has been erased since."
    else:
        where = "" if each.here else ", in an earlier case"
        paper, seen = each.paper_kind.replace("_", " "), each.original or "the paper itself"
        yield f"{_who(each.step)} attested on {say_moment(each.step.at)}{where}: {paper}; original seen: {seen}."
    if each.withdrawn_at:
        yield f"That attestation was withdrawn on {say_moment(each.withdrawn_at)}."


def _who(step: Step) -> str:
    if step.by.id == "node":
        return "The node itself"
    return step.by.name or "Somebody whose name was erased"


def say_moment(at: str | datetime) -> str:
    """A moment in words, UTC."""
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    there = moment.astimezone(UTC)
    return f"{say_date(there.date().isoformat(), 'en')}, {there:%H:%M} UTC"
