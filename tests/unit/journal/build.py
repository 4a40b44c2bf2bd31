"""Small journals to test with, always the same for the same arguments."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from appliance.journal import checkpoint, ids, tree
from appliance.journal.checkpoint import Checkpoint
from appliance.journal.entry import Entry, make_entry
from appliance.journal.erasure import ERASED
from appliance.journal.ids import JournalId, Kind
from appliance.journal.notes import COSIGNATURE, Signer, VerifierKey
from appliance.journal.verify import Row

AT_S = 1_770_000_000


def number(*what: object) -> bytes:
    """32 bytes that look random and depend on the arguments alone."""
    return hashlib.sha256(repr(what).encode()).digest()


def entity(*what: object) -> ids.EntityId:
    return ids.entity_id(number("entity", *what)[:16])


def journal_signer(name: str = "node") -> Signer:
    bare = Signer("nobody", number("journal key", name))
    return Signer(ids.origin(ids.journal_id(bare.verifier.public)), bare.seed)


def cosigner(name: str = "central") -> Signer:
    return Signer(f"sanad/central/{entity(name)}", number("cosign key", name), COSIGNATURE)


def entry_at(
    journal: JournalId, seq: int, kind: str = "person.added", about: str | None = None, body: object = None
) -> Entry:
    return make_entry(
        journal=journal,
        seq=seq,
        at=f"2026-03-01T{seq // 3600 % 24:02}:{seq // 60 % 60:02}:{seq % 60:02}.000Z",
        by=ids.NODE if seq % 3 else entity("operator"),
        kind=Kind(kind),
        about=about or entity("person", seq),
        body=msgspec.json.encode(body if body is not None else {"name": f"Person {seq} محمد", "fee_paisa": 500 * seq}),
        salt=number("salt", seq)[:16],
        blobs=[number("blob", seq).hex()] if seq % 4 == 1 else [],
    )


@dataclass
class Journal:
    """Entries with what a store keeps beside them. Free to be spoilt by a test."""

    signer: Signer
    entries: list[Entry]
    rows: list[Row]

    @property
    def id(self) -> JournalId:
        found = ids.journal_of(self.signer.name)
        assert found is not None
        return found

    @property
    def key(self) -> VerifierKey:
        return self.signer.verifier

    def read(self, level: int, index: int) -> bytes:
        seq, offset = tree.node_place(level, index)
        node = self.rows[seq][3][offset : offset + 32]
        assert len(node) == 32
        return node

    def head(self, size: int | None = None) -> bytes:
        count = len(self.entries) if size is None else size
        root = tree.root_at(count, self.read)
        return checkpoint.sign_checkpoint(Checkpoint(self.signer.name, count, root), self.signer)

    def cosigned(self, *signers: Signer, size: int | None = None) -> bytes:
        note = self.head(size)
        for signer in signers:
            note = checkpoint.cosign(note, signer, AT_S)
        return note


def journal_of(entries: Sequence[Entry], signer: Signer) -> Journal:
    frontier = tree.EMPTY
    rows: list[Row] = []
    for entry in entries:
        frontier, nodes = frontier.append(entry.leaf)
        rows.append((entry.header_bytes, entry.salt, entry.body, nodes))
    return Journal(signer, list(entries), rows)


def journal(size: int, name: str = "node", make: Callable[[JournalId, int], Entry] = entry_at) -> Journal:
    signer = journal_signer(name)
    found = ids.journal_of(signer.name)
    assert found is not None
    return journal_of([make(found, seq) for seq in range(size)], signer)


def erased(whole: Journal, seq: int) -> Journal:
    """The journal after the subject of an entry was erased by one more entry."""
    about = whole.entries[seq].header.about
    erasing = entry_at(whole.id, len(whole.entries), ERASED, about, {"reason": "request"})
    kept = [
        Entry(each.header, each.header_bytes, None, None) if each.header.about == about else each
        for each in whole.entries
    ]
    return journal_of([*kept, erasing], whole.signer)
