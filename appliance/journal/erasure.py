"""Bodies that are missing: each needs a later entry that erases its subject.

An erased body leaves its header, and so its place in the tree. Whoever shows a journal as complete must be able to say
why a body is not there; the only reason is an entry `subject.erased` about the same subject, further on.
"""

from __future__ import annotations

from typing import Final

from appliance.journal import ids
from appliance.journal.entry import BadEntry, Entry
from appliance.journal.ids import Kind

ERASED: Final = Kind("subject.erased")
MAX_OWED: Final = 1_000_000
"""Subjects at once whose bodies are missing and whose erasing entry has not come yet."""


class Owed:
    """The bodies that are missing so far without a reason. Feed it a journal's entries in their order."""

    def __init__(self) -> None:
        self._first: dict[str, int] = {}

    def take(self, entry: Entry) -> None:
        """Take the next entry into account.

        Raises:
            BadEntry: its body is missing and nothing can ever be the reason, or too many bodies are missing.
        """
        header = entry.header
        if header.kind == ERASED:
            self._first.pop(header.about, None)
        if entry.body is not None:
            return
        if header.about == ids.NOBODY:
            raise BadEntry("A body is missing, and no erasing can be the reason: the entry is about nobody.")
        if len(self._first) >= MAX_OWED:
            raise BadEntry("Too many bodies are missing.")
        self._first.setdefault(header.about, header.seq)

    @property
    def first(self) -> int | None:
        """The position of the first entry whose body is missing without a reason; None when there is none."""
        return min(self._first.values(), default=None)
