"""Central's orders. None is about anybody in its header, and none is ever erased: name no citizen in one."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from appliance.journal.kinds.base import Body, Count, Hex32, Id, Instant, Line, Remark, RoleName, kind

MAX_SERVICE: Final = 48_000
"""Characters of a service file that is kept whole."""
ServiceText = Annotated[str, msgspec.Meta(max_length=MAX_SERVICE, pattern=r"\A[^\x00]*\Z")]
ServiceId = Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9_]{0,39}\Z")]
Roles = Annotated[tuple[RoleName, ...], msgspec.Meta(min_length=1, max_length=4)]
Decides = Literal["answer", "approve", "reject", "return"]


@kind("orders.opened")
class OrdersOpened(Body, frozen=True, kw_only=True):
    """The first order: which node these orders are for."""

    node: Id
    centre: Line
    central_name: Line


@kind("numbers.leased")
class NumbersLeased(Body, frozen=True, kw_only=True):
    """Certificate numbers `first` to `last`, both included, are this node's alone. `prefix` holds the centre's code."""

    prefix: Line
    first: Count
    last: Count


@kind("service.published")
class ServicePublished(Body, frozen=True, kw_only=True):
    """A service as its file says it: `digest` is the SHA-256 of its UTF-8. Of two versions the higher one counts."""

    service: ServiceId
    version: Count
    digest: Hex32
    content: ServiceText


@kind("service.withdrawn")
class ServiceWithdrawn(Body, frozen=True, kw_only=True):
    """A service is begun no more, nor under an older version; what was taken in under it goes on."""

    service: ServiceId
    version: Count


@kind("setting.ordered")
class SettingOrdered(Body, frozen=True, kw_only=True):
    """A setting of the node, where its own file says none: `value` as in `appliance.catalogue.orderable`."""

    name: Line
    value: Remark


@kind("setting.released")
class SettingReleased(Body, frozen=True, kw_only=True):
    """Central orders that setting no more."""

    name: Line


@kind("node.quarantined")
class NodeQuarantined(Body, frozen=True, kw_only=True):
    """Central takes nothing from this node until it says otherwise; work there goes on.

    Attributes:
        cause: `fork`, `rollback` or `person`; a later version may know more.
        by: who at central did it, as central calls them; `central` where nobody but itself did.
    """

    cause: Line
    reason: Remark = ""
    by: Line = ""


@kind("node.released")
class NodeReleased(Body, frozen=True, kw_only=True):
    """The node is in quarantine no more."""

    reason: Remark = ""
    by: Line = ""


@kind("lists.published")
class ListsPublished(Body, frozen=True, kw_only=True):
    """Central published lists that say more to have ended; of two orders the higher `number` counts (docs/trust.md).

    Attributes:
        made_at: their date.
        sha256: of the file.
    """

    number: Count
    made_at: Instant
    sha256: Hex32


@kind("operator.named")
class OperatorNamed(Body, frozen=True, kw_only=True):
    """A person may sign in as any of `roles`, first by a one-time secret, of which this is the SHA-256, before `until`.

    The secret is of 80 random bits, so its hash tells nobody anything. The first sign-in sets the password.
    """

    operator: Id
    login: Line
    name: Line
    roles: Roles
    secret_sha256: Hex32
    until: Instant


@kind("operator.blocked")
class OperatorBlocked(Body, frozen=True, kw_only=True):
    """An operator may do nothing any more, whatever is said at the node, until central says otherwise."""

    operator: Id
    reason: Remark


@kind("operator.unblocked")
class OperatorUnblocked(Body, frozen=True, kw_only=True):
    """Central blocks an operator no more."""

    operator: Id
    reason: Remark


@kind("operator.roles_ordered")
class OperatorRolesOrdered(Body, frozen=True, kw_only=True):
    """An operator's roles, until others are given, here or there."""

    operator: Id
    roles: Roles
    reason: Remark


@kind("decision.given")
class DecisionGiven(Body, frozen=True, kw_only=True):
    """What was decided elsewhere on an application: an office's answer to `step`, or on the application itself.

    Attributes:
        outcome: of an answer; empty otherwise.
        office: who decided, and `decided_by` the person there, as that office calls them.
    """

    decision: Id
    application: Id
    decides: Decides
    office: Line
    step: Line = ""
    outcome: Literal["", "positive", "negative", "other"] = ""
    reference: Line = ""
    remark: Remark = ""
    decided_by: Line = ""


@kind("decision.withdrawn")
class DecisionWithdrawn(Body, frozen=True, kw_only=True):
    """A decision that was not carried out yet holds no more, said who gave it."""

    decision: Id
    application: Id
    reason: Remark


@kind("number.disputed")
class NumberDisputed(Body, frozen=True, kw_only=True):
    """A certificate number stands on papers of this node and of another one (`other`, at `other_centre`)."""

    conflict: Id
    number: Line
    other: Id
    other_centre: Line


@kind("conflict.closed")
class ConflictClosed(Body, frozen=True, kw_only=True):
    """What only people could settle was settled, and how: at central, or at another node."""

    conflict: Id
    how: Remark
