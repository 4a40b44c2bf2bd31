"""One stream or lane of one node: bytes in, the archive's steps out. Runs in a thread; the caller brings the bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from appliance.journal.errors import IntegrityError
from appliance.journal.ids import BlobDigest, JournalId
from appliance.journal.kinds import OfficerKeyMade
from sync.central.archive import Archive
from sync.central.locker import Outcome
from sync.central.registry import Node
from sync.central.sessions import NodeSession
from sync.frames import Checkpoint, Decoder, Entries
from sync.refusals import Fork, OutOfTurn, StartAgain
from sync.session import Accept, CentralState, Keep, Stage

MAX_STREAM_BYTES: Final = 4 * 1024 * 1024 * 1024
"""Of one request; a sender ends far below."""
ANSWERED: Final = frozenset({OfficerKeyMade.KIND})
"""The kinds of entries that central answers with an order."""


class Ingest:
    """Reads a stream and stores it step by step. After an error it is of no more use; what was stored stands.

    Args:
        archive: where it is stored.
        node: whose stream it is.
        offered: the size that the signed request named.
        accepted: told the journal when more of it was stored and countersigned.
        session: which it belongs to; it remembers the blobs that came spoilt.
        news: told when there is something that the node waits to hear: a cosignature, a blob that came whole or spoilt.
        lane: whether it goes beside the node's stream, and brings pieces of sealed files only.
        limit: bytes that it takes at the most.
    """

    def __init__(
        self,
        archive: Archive,
        node: Node,
        offered: int,
        accepted: Callable[[JournalId], object],
        session: NodeSession,
        news: Callable[[], None],
        *,
        lane: bool = False,
        limit: int = MAX_STREAM_BYTES,
    ) -> None:
        self._archive = archive
        self._accepted = accepted
        self._news = news
        self._node = node
        self._decoder = Decoder()
        self._receiver = archive.receiver(node, offered, behind_staged=not lane)
        self._lane = lane
        self._bytes = 0
        self._limit = limit
        self.session = session
        self.start = 0 if lane else self._receiver.frontier.size
        """Where the stream's entries must begin."""
        self.asks = False
        """Whether an entry came that central answers with an order."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            SanadError: why the stream ends here.
        """
        self._bytes += len(chunk)
        if self._bytes > self._limit:
            raise IntegrityError("A stream is longer than any node's.")
        try:
            for frame in self._decoder.feed(chunk):
                if self._lane and isinstance(frame, Entries | Checkpoint):
                    raise OutOfTurn("A lane brings pieces of sealed files, and nothing else.")
                effect = self._receiver.take(frame)
                if effect is None:
                    continue
                if isinstance(effect, Stage):
                    self.asks |= any(each.header.kind in ANSWERED for each in effect.entries)
                outcome = self._archive.store(self._node.journal, effect)
                if outcome is Outcome.SPOILT and isinstance(effect, Keep):
                    self.session.came_spoilt(BlobDigest(effect.piece.digest))
                if isinstance(effect, Accept):
                    self._accepted(self._node.journal)
                if isinstance(effect, Accept) or (isinstance(effect, Keep) and outcome is not Outcome.PARTIAL):
                    self._news()
        except (Fork, StartAgain):
            self._archive.drop_staged(self._node.journal)
            raise

    def finish(self) -> CentralState:
        """Say that all bytes came.

        Returns:
            Where central's copy stands now.

        Raises:
            BadFrame: the stream was cut.
        """
        self._decoder.finish()
        return self._archive.state(self._node.journal)
