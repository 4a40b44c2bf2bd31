"""The newest session of each node: which streams central takes, and what they brought that was spoilt.

Sessions live in memory. A central that was started again knows none; the node is told that it is out of step, and opens
a new one.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from appliance.journal.ids import BlobDigest, JournalId
from sync.refusals import OutOfStep
from sync.wire import MAX_SPOILT

NAME_BYTES: Final = 16


@dataclass(slots=True)
class NodeSession:
    """One session of a node."""

    name: str
    version: int
    """Of the frames that both sides speak."""
    spoilt: dict[BlobDigest, None] = field(default_factory=dict)
    """Blobs that came whole and were not what their digests name: the last `MAX_SPOILT` of them, the newest last."""
    passed: int = 0
    """Of the blobs that central wants, so many first ones that the node has not: those behind them are named."""
    agreed: int | None = None
    """Orders that both sides have, where the node is to hand back those that it holds beyond; else None."""

    def came_spoilt(self, digest: BlobDigest) -> None:
        """Remember one. The oldest is forgotten, where there are too many: it is wanted still, and comes again."""
        # Made anew and put in its place at once: several streams of a node come in side by side, and others read it.
        later = {each: None for each in tuple(self.spoilt) if each != digest} | {digest: None}
        self.spoilt = dict.fromkeys([*later][-MAX_SPOILT:])


class Sessions:
    """The sessions of all nodes.

    Args:
        random: gives that many random bytes.
    """

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._newest: dict[JournalId, NodeSession] = {}
        self._guard = threading.Lock()

    def begin(self, journal: JournalId, version: int, agreed: int | None = None) -> NodeSession:
        """Begin a session, in the place of any older one of this node."""
        name = base64.urlsafe_b64encode(self._random(NAME_BYTES)).decode("ascii").rstrip("=")
        session = NodeSession(name, version, agreed=agreed)
        with self._guard:
            self._newest[journal] = session
        return session

    def agree(self, journal: JournalId) -> None:
        """The node has handed back its orders."""
        with self._guard:
            session = self._newest.get(journal)
        if session is not None:
            session.agreed = None

    def require(self, journal: JournalId, name: str) -> NodeSession:
        """The session of that name.

        Raises:
            OutOfStep: it is not this node's newest.
        """
        with self._guard:
            session = self._newest.get(journal)
        if session is None or session.name != name:
            raise OutOfStep("This session of the node is not its newest any more.", "The node opens a new one.")
        return session
