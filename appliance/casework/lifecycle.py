"""Where an application stands, and which step leads where. An illegal step raises and changes nothing.

`STEPS` is the one table: the verbs ask it inside the commit, the fold writes what it says (a test compares the two),
and `docs/lifecycle.md` is drawn from it.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError


class Status(Enum):
    """Where an application stands. The names are those of the folded table."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_REVIEW = "in review"
    RETURNED = "returned"
    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    APPEALED = "appealed"
    WITHDRAWN = "withdrawn"
    DISCARDED = "discarded"
    ISSUED = "issued"
    DELIVERED = "delivered"
    REVOKED = "revoked"


class How(Enum):
    """What an entry says, where its kind alone does not say where it leads."""

    ALL_ANSWERED = "no other office has it"
    OTHERS_OPEN = "another office has it still"
    ALLOWED = "allowed"
    DISMISSED = "dismissed"


class Move(NamedTuple):
    """What is written, and how it turned out where that matters."""

    kind: str
    how: How | None = None


_DRAFT, _SUBMITTED, _REVIEW, _RETURNED, _WAITING = (
    Status.DRAFT,
    Status.SUBMITTED,
    Status.IN_REVIEW,
    Status.RETURNED,
    Status.WAITING,
)
OPEN: Final = frozenset({_SUBMITTED, _REVIEW, _RETURNED, _WAITING})
"""Taken in, and not decided yet."""
CLOSED: Final = frozenset({Status.WITHDRAWN, Status.DISCARDED, Status.REVOKED})
"""Nothing leads on from here."""
CERTIFIED: Final = (Status.ISSUED, Status.DELIVERED)
"""Where there may be a certificate that holds."""


def _staying(kind: str, *where: Status) -> dict[tuple[Status | None, Move], Status]:
    return {(status, Move(kind)): status for status in where}


# (where it stands, what is written) -> where it stands then. None: there is nothing yet.
STEPS: Final[dict[tuple[Status | None, Move], Status]] = {
    (None, Move(k.ApplicationDrafted.KIND)): _DRAFT,
    (None, Move(k.ApplicationSubmitted.KIND)): _SUBMITTED,
    (_DRAFT, Move(k.ApplicationSubmitted.KIND)): _SUBMITTED,
    (_DRAFT, Move(k.ApplicationDiscarded.KIND)): Status.DISCARDED,
    # After the approval a photograph that lapsed meanwhile, after the issue what proves that the certificate is wrong.
    **_staying(k.PaperAdded.KIND, _DRAFT, _SUBMITTED, _REVIEW, _RETURNED, _WAITING, Status.APPROVED, *CERTIFIED),
    **_staying(k.ApplicationAmended.KIND, _SUBMITTED, _RETURNED),
    **_staying(k.ApplicationStepDone.KIND, _SUBMITTED, _REVIEW, _RETURNED, _WAITING, Status.APPROVED, Status.ISSUED),
    (_SUBMITTED, Move(k.ApplicationReviewStarted.KIND)): _REVIEW,
    (_REVIEW, Move(k.ApplicationReviewStarted.KIND)): _REVIEW,
    (_REVIEW, Move(k.ApplicationReturned.KIND)): _RETURNED,
    (_RETURNED, Move(k.ApplicationResubmitted.KIND)): _SUBMITTED,
    (_SUBMITTED, Move(k.ApplicationWaiting.KIND)): _WAITING,
    (_REVIEW, Move(k.ApplicationWaiting.KIND)): _WAITING,
    (_WAITING, Move(k.ApplicationWaiting.KIND)): _WAITING,
    (_WAITING, Move(k.ApplicationAnswered.KIND, How.OTHERS_OPEN)): _WAITING,
    (_WAITING, Move(k.ApplicationAnswered.KIND, How.ALL_ANSWERED)): _REVIEW,
    (_REVIEW, Move(k.ApplicationApproved.KIND)): Status.APPROVED,
    (_REVIEW, Move(k.ApplicationRejected.KIND)): Status.REJECTED,
    (Status.REJECTED, Move(k.ApplicationAppealed.KIND)): Status.APPEALED,
    (Status.APPEALED, Move(k.ApplicationAppealDecided.KIND, How.ALLOWED)): _REVIEW,
    (Status.APPEALED, Move(k.ApplicationAppealDecided.KIND, How.DISMISSED)): Status.REJECTED,
    (_SUBMITTED, Move(k.ApplicationWithdrawn.KIND)): Status.WITHDRAWN,
    (_REVIEW, Move(k.ApplicationWithdrawn.KIND)): Status.WITHDRAWN,
    (_RETURNED, Move(k.ApplicationWithdrawn.KIND)): Status.WITHDRAWN,
    (_WAITING, Move(k.ApplicationWithdrawn.KIND)): Status.WITHDRAWN,
    (Status.APPEALED, Move(k.ApplicationWithdrawn.KIND)): Status.WITHDRAWN,
    (Status.APPROVED, Move(k.ApplicationIssued.KIND)): Status.ISSUED,
    # Where the service issues no certificate, which the verb asks the catalogue.
    (Status.APPROVED, Move(k.ApplicationDelivered.KIND)): Status.DELIVERED,
    (Status.ISSUED, Move(k.ApplicationDelivered.KIND)): Status.DELIVERED,
    **_staying(k.CertificateCorrectionAsked.KIND, *CERTIFIED),
    **_staying(k.CertificateCorrectionRefused.KIND, *CERTIFIED),
    **_staying(k.CertificateRevocationAsked.KIND, *CERTIFIED),
    **_staying(k.CertificateRevocationRefused.KIND, *CERTIFIED),
    # The new one waits to be handed over, whether the old one was or not.
    **{(status, Move(k.CertificateCorrected.KIND)): Status.ISSUED for status in CERTIFIED},
    **{(status, Move(k.CertificateRevoked.KIND)): Status.REVOKED for status in CERTIFIED},
}


class IllegalStep(OperatorError):
    """The application does not stand where this could be done."""

    def __init__(self, status: Status | None) -> None:
        stands = "not begun" if status is None else status.value
        super().__init__(
            f"This application is {stands}, so this cannot be done with it.",
            "Look at it again: somebody else may have been quicker.",
        )


def step(status: Status | None, kind: str, how: How | None = None) -> Status:
    """Where an application stands after an entry of `kind`.

    Raises:
        IllegalStep: not from here.
    """
    after = STEPS.get((status, Move(kind, how)))
    if after is None:
        raise IllegalStep(status)
    return after


def move_of(body: k.Body) -> Move:
    """What an entry with this body does, as the table names it."""
    how: How | None = None
    if isinstance(body, k.ApplicationAnswered):
        how = How.OTHERS_OPEN if body.still else How.ALL_ANSWERED
    elif isinstance(body, k.ApplicationAppealDecided):
        how = How.ALLOWED if body.allowed else How.DISMISSED
    return Move(body.KIND, how)


def diagram() -> str:
    """The table as a state diagram in Mermaid's language; what leads nowhere else is written into its state."""
    names = {status: status.name.lower() for status in Status}
    lines = ["stateDiagram-v2"]
    lines += [f'    {names[status]}: "{status.value}"'.replace('"', "") for status in Status]
    lines += [
        f"    {'[*]' if before is None else names[before]} --> {names[after]}: {_label(move)}"
        for (before, move), after in STEPS.items()
        if before is not after or before is None
    ]
    lines += [f"    {names[status]} --> [*]" for status in Status if status in CLOSED]
    stays: dict[Status, list[str]] = {}
    for (before, move), after in STEPS.items():
        if before is after and before is not None:
            stays.setdefault(before, []).append(_label(move))
    lines += [f"    note right of {names[status]}: {', '.join(labels)}" for status, labels in stays.items()]
    return "\n".join(lines) + "\n"


def _label(move: Move) -> str:
    label = move.kind.removeprefix("application.").removeprefix("certificate.").replace("_", " ").replace(".", " ")
    return label if move.how is None else f"{label} ({move.how.value})"


def page() -> str:
    """The page of the documents that shows the table."""
    rows = [
        f"| {'nothing' if before is None else before.value} | {_label(move)} | {after.value} |"
        for (before, move), after in STEPS.items()
    ]
    return _PAGE.format(diagram=diagram(), rows="\n".join(rows))


_PAGE: Final = """# Where an application stands

Drawn from the one table in `appliance/casework/lifecycle.py`; a test fails when this page is another one. Draw it anew:

```
python -c 'from appliance.casework.lifecycle import page; print(page(), end="")' > docs/lifecycle.md
```

An illegal step raises and changes nothing. Everything is asked inside the commit, where nobody else can write.

```mermaid
{diagram}```

| stands | what is written | stands then |
|---|---|---|
{rows}
"""
