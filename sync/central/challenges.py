"""Challenges: what a node signs as its nonce, so that a recorded request is worth nothing a second time.

A challenge costs central nothing until a node has signed it: it holds its own age and a code that only this process
can make. What is remembered is those that enrolled nodes have used, for as long as they would still be young enough.
A central that was started again knows none of the old ones.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Final

from appliance.journal.ids import JournalId
from sync.refusals import BadChallenge, Busy

LIFE_S: Final = 300
MAX_SPENT: Final = 65536
"""Used challenges that are remembered, over all nodes."""
MAX_SPENT_PER_NODE: Final = 512
"""Requests that one node may sign within `LIFE_S`."""

_RANDOM_BYTES: Final = 16
_HEAD: Final = struct.Struct(f">Q{_RANDOM_BYTES}s")
_CODE_BYTES: Final = 32


class Challenges:
    """Gives challenges, and takes each back once.

    Args:
        monotonic_s: seconds on a clock that nobody can set.
        random: gives that many random bytes.
    """

    def __init__(self, monotonic_s: Callable[[], float], random: Callable[[int], bytes]) -> None:
        self._now_s = monotonic_s
        self._random = random
        self._key = random(_CODE_BYTES)
        self._spent: OrderedDict[str, tuple[int, JournalId]] = OrderedDict()
        self._per_node: Counter[JournalId] = Counter()
        self._lock = threading.Lock()

    def give(self, journal: JournalId) -> str:
        """Make a challenge for the node with this journal, whether it is enrolled or not."""
        head = _HEAD.pack(int(self._now_s()), self._random(_RANDOM_BYTES))
        return base64.urlsafe_b64encode(head + self._code(journal, head)).decode("ascii")

    def spend(self, journal: JournalId, challenge: str) -> None:
        """Take back a challenge that the node signed.

        Raises:
            BadChallenge: it was not given to this node, or too long ago, or is spent.
            Busy: this node, or all of them together, sent more requests than are remembered.
        """
        given_s = self._given_s(journal, challenge)
        now_s = int(self._now_s())
        if not 0 <= now_s - given_s <= LIFE_S:
            raise BadChallenge("A request was signed for a challenge that is too old.", "Sync again.")
        with self._lock:
            self._forget(now_s)
            if challenge in self._spent:
                raise BadChallenge("A request was sent a second time.", "Sync again.")
            if len(self._spent) >= MAX_SPENT or self._per_node[journal] >= MAX_SPENT_PER_NODE:
                raise Busy("Too many requests came within five minutes.", "The node tries again by itself.")
            self._spent[challenge] = (given_s, journal)
            self._per_node[journal] += 1

    def _given_s(self, journal: JournalId, challenge: str) -> int:
        try:
            raw = base64.b64decode(challenge.encode("ascii"), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raw = b""
        head, code = raw[: _HEAD.size], raw[_HEAD.size :]
        # One spelling only: otherwise a second spelling of a spent challenge would pass as new.
        canonical = base64.urlsafe_b64encode(raw).decode("ascii") == challenge
        if not canonical or len(head) != _HEAD.size or not hmac.compare_digest(code, self._code(journal, head)):
            raise BadChallenge("A request is not signed for a challenge of this central's.", "Sync again.")
        return int(_HEAD.unpack(head)[0])

    def _forget(self, now_s: int) -> None:
        # In the order of spending, not of giving: one that is due to go may wait behind a younger one for `LIFE_S`.
        while self._spent:
            challenge, (given_s, journal) = next(iter(self._spent.items()))
            if now_s - given_s <= LIFE_S:
                return
            del self._spent[challenge]
            self._per_node[journal] -= 1
            if not self._per_node[journal]:
                del self._per_node[journal]

    def _code(self, journal: JournalId, head: bytes) -> bytes:
        return hmac.digest(self._key, journal.encode("ascii") + head, "sha256")
