"""Where an application stands, and which step leads where. An illegal step raises and changes nothing."""

from __future__ import annotations

from enum import Enum
from typing import Final

from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError


class Status(Enum):
    """Where an application stands."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    RETURNED = "returned"
    REJECTED = "rejected"


# (where it stands, what is written) -> where it stands then
STEPS: Final[dict[tuple[Status, str], Status]] = {
    (Status.SUBMITTED, k.PaperAdded.KIND): Status.SUBMITTED,
    (Status.RETURNED, k.PaperAdded.KIND): Status.RETURNED,
    (Status.RETURNED, k.ApplicationResubmitted.KIND): Status.SUBMITTED,
    (Status.SUBMITTED, k.ApplicationApproved.KIND): Status.APPROVED,
    (Status.SUBMITTED, k.ApplicationReturned.KIND): Status.RETURNED,
    (Status.SUBMITTED, k.ApplicationRejected.KIND): Status.REJECTED,
}


class IllegalStep(OperatorError):
    """The application does not stand where this could be done."""

    def __init__(self, status: Status) -> None:
        super().__init__(
            f"This application is {status.value}, so this cannot be done with it.",
            "Look at it again: somebody else may have been quicker.",
        )


def step(status: Status, kind: str) -> Status:
    """Where an application stands after an entry of `kind`.

    Raises:
        IllegalStep: not from here.
    """
    after = STEPS.get((status, kind))
    if after is None:
        raise IllegalStep(status)
    return after
