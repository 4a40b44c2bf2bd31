"""What a node makes of central's orders: what it carried out, what it cannot, and what people settled."""

from __future__ import annotations

from appliance.journal.kinds.base import Body, Hex32, Id, Remark, kind
from appliance.journal.kinds.orders import ServiceId, ServiceText


@kind("service.used")
class ServiceUsed(Body, frozen=True, kw_only=True):
    """The service under which something is taken in from here on, whole, so that it stays what it was for that."""

    service: ServiceId
    digest: Hex32
    content: ServiceText


@kind("decision.carried_out")
class DecisionCarriedOut(Body, frozen=True, kw_only=True):
    """About an application: a decision of central holds here; what it says was written in the same commit."""

    decision: Id


@kind("decision.contested")
class DecisionContested(Body, frozen=True, kw_only=True):
    """About an application: a decision of central cannot be carried out as the application stands, and why."""

    decision: Id
    reason: Remark


@kind("conflict.settled")
class ConflictSettled(Body, frozen=True, kw_only=True):
    """A person settled what only people could. About the application, where `conflict` is a decision on one."""

    conflict: Id
    how: Remark
