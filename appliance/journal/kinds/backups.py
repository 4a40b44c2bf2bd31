"""Sealed files that central holds twice, and that a node no longer keeps."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from appliance.journal.kinds.base import Body, Count, Hex32, Instant, Line, kind

MAX_LACKING: Final = 500
"""Sealed files that one statement excepts."""
MAX_FREED: Final = 200
"""Sealed files that one entry names."""


@kind("blobs.backed_up")
class BlobsBackedUp(Body, frozen=True, kw_only=True):
    """Central's order: a backup holds every sealed file that the node's entries before `size` name, but for `lacking`.

    The newest one counts alone. It holds from `made_at` on, when the backup was begun.
    """

    backup: Line
    made_at: Instant
    size: Count
    lacking: Annotated[tuple[Hex32, ...], msgspec.Meta(max_length=MAX_LACKING)] = ()


@kind("blobs.freed")
class BlobsFreed(Body, frozen=True, kw_only=True):
    """This node takes sealed files from its disk to make room; central and `backup` hold them."""

    backup: Line
    digests: Annotated[tuple[Hex32, ...], msgspec.Meta(min_length=1, max_length=MAX_FREED)]
