"""What can be done with a case, by whom and when: a table, asked by the screen and by the list of acts.

The verbs ask the lifecycle again inside their commit; this table only keeps out of the list what they would refuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from appliance.access.session import Role
from appliance.casework.lifecycle import CERTIFIED, OPEN, Status

_COUNTER: Final = frozenset({Role.OPERATOR, Role.OFFICER})
_OPERATOR: Final = frozenset({Role.OPERATOR})
_OFFICER: Final = frozenset({Role.OFFICER})
_DECIDABLE: Final = frozenset({Status.SUBMITTED, Status.IN_REVIEW})
_RETURNED: Final = frozenset({Status.RETURNED})
_CERTIFIED: Final = frozenset(CERTIFIED)
_SUPERVISOR: Final = frozenset({Role.SUPERVISOR})
_TAKEN_IN: Final = frozenset(Status) - {Status.DRAFT, Status.DISCARDED}


@dataclass(frozen=True, slots=True)
class Act:
    """Something that can be done with a case: its action's name, in words, by which roles, from which statuses."""

    action: str
    label: str
    roles: frozenset[Role]
    statuses: frozenset[Status]


ACTS: Final = (
    Act("start_review", "Take it up for review", _OFFICER, frozenset({Status.SUBMITTED})),
    Act("attest", "Attest: an original was seen", _OFFICER, OPEN | _CERTIFIED),
    Act("approve", "Approve", _OFFICER, _DECIDABLE),
    Act("send_back", "Return to the counter, with what is missing", _OFFICER, _DECIDABLE),
    Act("reject", "Reject", _OFFICER, _DECIDABLE),
    Act("send_outside", "Send to an outside office", _COUNTER, OPEN - _RETURNED),
    Act("enter_answer", "Enter the answer of an outside office", _COUNTER, frozenset({Status.WAITING})),
    Act("do_step", "A step is done", _COUNTER, OPEN | {Status.APPROVED, Status.ISSUED}),
    Act("put_right", "Put the form right, add papers", _OPERATOR, frozenset({Status.SUBMITTED, Status.RETURNED})),
    Act("resubmit", "Hand in again", _OPERATOR, _RETURNED),
    Act("pay", "Take the fee", _OPERATOR, OPEN | {Status.APPROVED}),
    Act("ask_exemption", "Ask that the fee be waived", _OPERATOR, OPEN),
    Act("sign", "Let the citizen sign on the pad", _OPERATOR, _TAKEN_IN - {Status.WITHDRAWN}),
    Act("print_receipt", "Print a receipt", _OPERATOR, _TAKEN_IN),
    Act("issue", "Sign and issue the certificate", _OFFICER, frozenset({Status.APPROVED})),
    Act("print_certificate", "Print the certificate, or a duplicate", _COUNTER | _SUPERVISOR, _CERTIFIED),
    Act("hand_over", "Hand over", _OPERATOR, frozenset({Status.APPROVED, Status.ISSUED})),
    Act("add_papers", "Add a paper", _OPERATOR, _CERTIFIED | {Status.APPROVED}),
    Act("ask_correction", "The certificate is wrong: ask that it be corrected", _COUNTER, _CERTIFIED),
    Act("decide_correction", "Decide on correcting the certificate", _OFFICER | _SUPERVISOR, _CERTIFIED),
    Act("ask_revocation", "Ask that the certificate be revoked", _COUNTER | _SUPERVISOR, _CERTIFIED),
    Act("decide_revocation", "Decide on revoking the certificate", _OFFICER | _SUPERVISOR, _CERTIFIED),
    Act("take_back", "Take back what you asked about the certificate", _OPERATOR, _CERTIFIED),
    Act("enter_appeal", "Enter an appeal", _OPERATOR, frozenset({Status.REJECTED})),
    Act("decide_appeal", "Decide the appeal", _OFFICER, frozenset({Status.APPEALED})),
    Act("withdraw_attestation", "Withdraw an attestation", _OFFICER | {Role.SUPERVISOR}, _TAKEN_IN),
    Act("settle_decision", "Say how central's decision was settled", _OFFICER | _SUPERVISOR, _TAKEN_IN),
    Act("decide_exemption", "Decide on waiving the fee", _OFFICER | {Role.SUPERVISOR}, OPEN),
    Act("void_payment", "Void a receipt", frozenset({Role.SUPERVISOR}), _TAKEN_IN),
    Act("refund", "Give money back", frozenset({Role.SUPERVISOR}), _TAKEN_IN),
    Act("complain", "Write down a complaint", _COUNTER | {Role.SUPERVISOR}, _TAKEN_IN),
    Act("withdraw", "The citizen wants it no more", _OPERATOR, OPEN | {Status.APPEALED}),
)


def acts_for(role: Role, status: Status) -> tuple[Act, ...]:
    """What this role can do with a case that stands there, in the order in which it is usually done."""
    return tuple(act for act in ACTS if role in act.roles and status in act.statuses)
