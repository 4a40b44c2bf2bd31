"""What the node itself says, and erasing."""

from __future__ import annotations

import msgspec

from appliance.journal.kinds.base import Body, Count, Hex32, Id, Line, Remark, kind


class Predecessor(msgspec.Struct, frozen=True):
    """The journal that a rebuilt node continues, as far as it was countersigned."""

    journal: Id
    size: Count
    root: Hex32


@kind("journal.opened")
class JournalOpened(Body, frozen=True, kw_only=True):
    """The first entry: which centre this box serves, and its public keys."""

    centre: Line
    centre_name: Line
    node_key: Hex32
    age_recipient: Line
    software: Line
    replaces: Predecessor | None = None


@kind("node.started")
class NodeStarted(Body, frozen=True, kw_only=True):
    """The node service unlocked the store; orphaned blobs of a crash were removed."""

    software: Line
    orphans_removed: Count


@kind("orders.applied")
class OrdersApplied(Body, frozen=True, kw_only=True):
    """From here on central's orders up to `size` hold; `root` is the orders journal's root at that size."""

    size: Count
    root: Hex32


@kind("subject.erased")
class SubjectErased(Body, frozen=True, kw_only=True):
    """Every body about this subject was erased; later entries about it say nothing. The reason stays: name nobody."""

    reason: Remark
