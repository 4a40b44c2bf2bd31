"""Checking a whole journal as a store keeps it: rows in order, and the checkpoints that sign them.

The checks, in the order in which they are reported: each row from the first (header, journal, position, body, tree
nodes), then the signatures, the number of rows, why bodies are missing, and the roots. So the first bad entry is named
even when the head is bad as well. Where every row agrees with the others and only a root differs, they were rewritten
together; then the range between the two nearest checkpoints is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.journal import checkpoint, ids, tree
from appliance.journal.checkpoint import Checkpoint
from appliance.journal.entry import Entry, read_entry
from appliance.journal.erasure import Owed
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.ids import JournalId
from appliance.journal.notes import VerifierKey

Row = tuple[bytes, bytes | None, bytes | None, bytes]
"""What a store keeps of an entry: header, salt, body, and the tree nodes that it completes."""

Progress = Callable[[int], None]
"""Is told how many entries were checked so far."""

PROGRESS_EVERY: Final = 1000


class BadJournal(IntegrityError):
    """A journal contradicts itself or its signatures."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out."""

    consistent: bool
    sentence: str
    bad_seq: int | None
    """The first bad entry, where one can be named."""
    size: int
    """Entries that were checked and found good."""


class Chain:
    """The checks that lead from one entry to the next. Feed it a journal's entries in their order."""

    def __init__(self, journal: JournalId) -> None:
        self.frontier = tree.EMPTY
        self._journal = journal

    def take(self, entry: Entry) -> bytes:
        """Take the next entry.

        Returns:
            The tree nodes that it completes.

        Raises:
            IntegrityError: it is not the next entry of this journal.
        """
        if entry.header.journal != self._journal:
            raise BadJournal("It belongs to another journal.")
        if entry.header.seq != self.frontier.size:
            raise BadJournal(f"Entry {entry.header.seq} stands in its place.")
        self.frontier, nodes = self.frontier.append(entry.leaf)
        return nodes


def verify_entries(
    rows: Iterable[Row],
    *,
    key: VerifierKey,
    head: bytes,
    cosigned: bytes | None = None,
    cosigners: Sequence[VerifierKey] = (),
    progress: Progress | None = None,
) -> Verdict:
    """Check a journal.

    Args:
        rows: all rows that the store has of the journal, in the order of their positions. An IntegrityError that
            reading them raises is reported at the entry that could not be read.
        key: the journal's key.
        head: the latest checkpoint.
        cosigned: the latest checkpoint that came back countersigned, if any.
        cosigners: the keys that may have countersigned it; one of them must have.
        progress: is called now and then, and at the end.

    Raises:
        BugError: the key is not named after a journal.
    """
    journal = ids.journal_of(key.name)
    if journal is None or not ids.may_sign(journal, key.public):
        raise BugError("The key of a journal is named after it.")
    signed, unsigned = _open(head, cosigned, key, cosigners)
    sizes = {each.size for each in signed}
    chain, owed = Chain(journal), Owed()
    good, roots = 0, {0: tree.EMPTY_ROOT}
    try:
        for header, salt, body, nodes in rows:
            entry = read_entry(header, salt, body)
            if chain.take(entry) != nodes:
                raise BadJournal("Its stored tree nodes are not those of the entries so far.")
            owed.take(entry)
            good += 1
            if good in sizes:
                roots[good] = chain.frontier.root()
            if progress and good % PROGRESS_EVERY == 0:
                progress(good)
    except IntegrityError as error:
        return Verdict(False, f"Entry {good} is bad. {error.sentence}", good, good)
    if progress:
        progress(good)
    if unsigned is not None:
        return Verdict(False, unsigned.sentence, None, good)
    return _conclude(good, signed, roots, owed.first)


def _open(
    head: bytes, cosigned: bytes | None, key: VerifierKey, cosigners: Sequence[VerifierKey]
) -> tuple[list[Checkpoint], IntegrityError | None]:
    """Open the latest checkpoint and the countersigned one; give what could be opened, and what is wrong."""
    opened: list[Checkpoint] = []
    try:
        opened.append(checkpoint.open_checkpoint(head, key))
        if cosigned is not None:
            older = checkpoint.open_checkpoint(cosigned, key)
            if not any(checkpoint.is_cosigned(cosigned, cosigner) for cosigner in cosigners):
                raise BadJournal("The countersigned checkpoint is not countersigned by a known key.")
            opened.append(older)
    except IntegrityError as error:
        return opened, error
    return opened, None


def _conclude(good: int, signed: Sequence[Checkpoint], roots: Mapping[int, bytes], owed: int | None) -> Verdict:
    """Compare what the rows came to with what was signed. Every row is good in itself."""
    size = signed[0].size
    if good > size:
        return Verdict(False, f"Entry {size} and those after it are not covered by the checkpoint.", size, good)
    if good < size:
        return Verdict(False, f"Entry {good} is missing: the checkpoint covers {size} entries.", good, good)
    if owed is not None:
        return Verdict(False, f"Entry {owed} has no body, and no later entry erases its subject.", owed, good)
    if any(each.size > size for each in signed):
        return Verdict(False, "The journal is shorter than what was countersigned: it was rolled back.", size, good)
    low = 0
    for each in sorted(signed, key=lambda one: one.size):
        if roots[each.size] != each.root:
            changed = f"at least one of the entries {low} to {each.size - 1} was changed"
            return Verdict(False, f"The entries are not those that were signed: {changed}.", None, good)
        low = each.size
    return Verdict(True, f"The journal is consistent: {good} entries.", None, good)
