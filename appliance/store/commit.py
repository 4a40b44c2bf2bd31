"""What one commit writes into a journal: entries, tree nodes, tables and a signed head, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from appliance.access.four_eyes import case_of
from appliance.access.session import Session, authorise
from appliance.journal.checkpoint import Checkpoint, sign_checkpoint
from appliance.journal.entry import SALT_BYTES, Entry, make_entry
from appliance.journal.errors import BugError, OperatorError
from appliance.journal.ids import NOBODY, BlobDigest, EntityId, JournalId, Kind, journal_id, origin
from appliance.journal.kinds import Body, SubjectErased, encode_body
from appliance.journal.notes import Signer
from appliance.journal.tree import EMPTY, Frontier
from appliance.records import folding
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.folding import Folder
from appliance.records.log import Log
from appliance.store.keys import Randomness

MAX_DRAFTS: Final = 64

_ERASED = select(t.erased.c.seq).where(
    t.erased.c.journal == bindparam("journal"), t.erased.c.about == bindparam("about")
)


class WasErased(OperatorError):
    """The subject was erased: nothing more is written about it, nor is it erased again."""

    def __init__(self) -> None:
        super().__init__("This was erased before.", "Nothing more can be written about it.")


class OtherVersion(OperatorError):
    """Another version of the software has folded the tables since this process opened the store."""

    def __init__(self) -> None:
        super().__init__(
            "The store was brought up to date by another version of Sanad, so this was not saved.",
            "Close this program and start it again.",
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be: whom it is about, what it says, and the blobs it names (already put)."""

    body: Body
    about: EntityId | str = NOBODY
    blobs: tuple[BlobDigest, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """What an act is checked against: the state inside the commit, and the time it will carry."""

    tx: Tx
    at: str


Act = Callable[[Moment], Sequence[Draft]]
"""Looks at the state it meets and answers the entries to write, or raises to refuse. It only reads."""


class Pen:
    """Writes one journal.

    Args:
        seed: the journal's key, an Ed25519 seed of 32 bytes.
        random: where salts come from.
    """

    def __init__(self, seed: bytes, random: Randomness) -> None:
        self.journal: JournalId = journal_id(Signer("-", seed).verifier.public)
        self.signer = Signer(origin(self.journal), seed)
        self._random = random
        self._edge = EMPTY

    def write(self, tx: Tx, session: Session, drafts: Sequence[Draft], at: str) -> list[Entry]:
        """Write `drafts` behind what is there.

        Raises:
            NotPermitted, SessionOver, SameEyes: the session may not. WasErased: a subject was erased before.
            OtherVersion: the tables are not of this software's fold.
        """
        if len(drafts) > MAX_DRAFTS:
            raise BugError(f"One act writes at most {MAX_DRAFTS} entries.")
        log = Log(tx, self.journal)
        edge = self._current_edge(log)
        if edge.size and not folding.is_current(tx, self.journal, edge.size):
            raise OtherVersion
        for draft in drafts:
            case = case_of(draft.body, draft.about)
            authorise(session, tx, self.journal, draft.body.KIND, draft.about, at, case=case)
        self._refuse_erased(tx, drafts)
        entries = [self._entry(edge.size + n, session, draft, at) for n, draft in enumerate(drafts)]
        edge = log.append(entries, edge)
        for entry in entries:
            if entry.header.kind == SubjectErased.KIND:
                log.erase(entry.header.about, entry.header.seq)
        Folder(tx, tx, self.journal).fold(entries)
        folding.stamp(tx, self.journal, edge.size)
        log.set_head(edge, sign_checkpoint(Checkpoint(self.signer.name, edge.size, edge.root()), self.signer))
        # Kept although the commit may still fail: it is used again only where it is the edge of the head that is there.
        self._edge = edge
        return entries

    def _refuse_erased(self, tx: Tx, drafts: Sequence[Draft]) -> None:
        erasing = [draft.about for draft in drafts if isinstance(draft.body, SubjectErased)]
        if erasing and (NOBODY in erasing or len(set(erasing)) != len(drafts)):
            raise BugError("Erasing is an act of its own, about somebody, once.")
        for about in {draft.about for draft in drafts} - {NOBODY}:
            if tx.one(_ERASED, {"journal": self.journal, "about": about}) is not None:
                raise WasErased

    def _entry(self, seq: int, session: Session, draft: Draft, at: str) -> Entry:
        return make_entry(
            journal=self.journal,
            seq=seq,
            at=at,
            by=session.actor,
            kind=Kind(draft.body.KIND),
            about=draft.about,
            body=encode_body(draft.body),
            salt=self._random(SALT_BYTES),
            blobs=draft.blobs,
        )

    def _current_edge(self, log: Log) -> Frontier:
        """The right edge of the tree: the one written last here, where nobody else has committed since."""
        head = log.head()
        if head is None:
            return EMPTY
        if head.size == self._edge.size and head.root == self._edge.root():
            return self._edge
        return log.frontier()


def erased_by(drafts: Sequence[Draft]) -> Collection[str]:
    """The subjects that these drafts erase."""
    return [draft.about for draft in drafts if isinstance(draft.body, SubjectErased)]
