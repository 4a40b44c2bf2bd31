"""A proof that one entry stands in a journal, in one short text (C2SP tlog-proof).

The text holds the position, the hashes from the leaf to the root, and the signed checkpoint, as the standard lays down.
Its `extra` line is ours, and makes the proof whole: the keys that signed the checkpoint, the header, and, where it is
meant to be shown, the body. In it, each line ended by one newline:

    <the journal's verifier key>
    <a cosigner's verifier key>      (any number, in the order of their signatures)
    <empty line>
    <header>
    <salt, 16 bytes><body>           (nothing, when the body is left out)

There is one way to write a proof; any change to any byte is found. `docs/check_proof.py` checks one with nothing of
ours. What a proof does not show: that the key is the journal's, unless the reader has it from elsewhere; for a node's
journal, its identifier fixes the key.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from appliance.journal import checkpoint, ids, notes, tree
from appliance.journal.checkpoint import Checkpoint
from appliance.journal.entry import MAX_BODY, MAX_HEADER, SALT_BYTES, Entry, read_entry
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.notes import BadNote, Note, VerifierKey
from appliance.journal.tree import BadProof, NodeReader
from appliance.journal.trust import Standing, standing

FORMAT: Final = "c2sp.org/tlog-proof@v1"
MAX_KEYS: Final = 17
"""The journal's key and its cosigners'."""
MAX_EXTRA: Final = MAX_KEYS * 512 + MAX_HEADER + SALT_BYTES + MAX_BODY
MAX_PROOF: Final = 2 * MAX_EXTRA + notes.MAX_NOTE
"""Bytes."""
MAX_HASHES: Final = 64
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,15})")


@dataclass(frozen=True, slots=True)
class LogProof:
    """What a tlog-proof says. Nothing of it is verified."""

    extra: bytes | None
    index: int
    hashes: tuple[bytes, ...]
    note: Note

    def encode(self) -> bytes:
        """The text that `parse_proof` reads."""
        lines = [FORMAT]
        if self.extra is not None:
            lines.append(f"extra {notes.to_base64(self.extra)}")
        lines += [f"index {self.index}", *map(notes.to_base64, self.hashes)]
        return "\n".join(lines).encode() + b"\n\n" + self.note.encode()


@dataclass(frozen=True, slots=True)
class ProofVerdict:
    """What came out of checking a proof."""

    consistent: bool
    sentence: str
    entry: Entry | None
    """What is proved; None, like what follows, when the proof is not consistent."""
    checkpoint: Checkpoint | None
    standing: Standing | None

    @property
    def known(self) -> bool:
        """Whether the proof is consistent and its signer is known."""
        return self.standing is not None and self.standing.known


def make_proof(
    entry: Entry, note: bytes, read: NodeReader, keys: Sequence[VerifierKey], *, with_body: bool = False
) -> bytes:
    """Prove that an entry stands in its journal.

    Args:
        entry: the entry.
        note: a signed checkpoint that covers it; best one that came back countersigned.
        read: the journal's stored nodes.
        keys: the journal's key, then those of cosigners; of these, the ones that countersigned are used.
        with_body: whether to include what the entry says, which may be personal.

    Raises:
        IntegrityError: the entry, the nodes and the checkpoint do not belong together.
        BugError: the body is to be included, and is erased; or the checkpoint does not cover the entry.
    """
    size = checkpoint.open_checkpoint(note, keys[0]).size
    used = (keys[0], *(each for each in keys[1:] if checkpoint.is_cosigned(note, each)))
    parsed = notes.parse_note(note)
    signatures = tuple(parsed.of(key)[-1] for key in used)
    lines = [*(key.text.encode() for key in used), b"", entry.header_bytes, b""]
    extra = b"\n".join(lines)
    if with_body:
        if entry.salt is None or entry.body is None:
            raise BugError("The body of an entry is erased, and cannot be shown.")
        extra += entry.salt + entry.body
    index = entry.header.seq
    hashes = tree.inclusion_proof(index, size, read)
    proof = LogProof(extra, index, hashes, Note(parsed.text, signatures)).encode()
    _check(proof, None)
    return proof


def check_proof(data: bytes, trust: Sequence[VerifierKey] | None = None) -> ProofVerdict:
    """Check a proof. Broken integrity outranks an unknown signer.

    Args:
        data: the text of the proof.
        trust: the keys that the reader trusts, if any.
    """
    try:
        return _check(data, trust)
    except IntegrityError as error:
        return ProofVerdict(False, f"Not consistent. {error.sentence}", None, None, None)


def parse_proof(data: bytes) -> LogProof:
    """Read a tlog-proof without verifying anything.

    Raises:
        BadProof: the bytes are not one that `LogProof.encode` could have written.
    """
    if len(data) > MAX_PROOF:
        raise BadProof(f"A proof has at most {MAX_PROOF} bytes.")
    start, _, rest = data.partition(b"\n\n")
    try:
        first, *lines = start.decode().split("\n")
        extra = notes.from_base64(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else None
        index = _INDEX.fullmatch(lines.pop(0)) if lines else None
        if first != FORMAT or index is None or len(lines) > MAX_HASHES:
            raise BadProof("A proof does not begin as it must.")
        proof = LogProof(extra, int(index[1]), tuple(map(notes.from_base64, lines)), notes.parse_note(rest))
    except (ValueError, BadNote):
        raise BadProof("A proof is not written as it must be.") from None
    if proof.encode() != data:
        raise BadProof("A proof is not in canonical form.")
    return proof


def _check(data: bytes, trust: Sequence[VerifierKey] | None) -> ProofVerdict:
    proof = parse_proof(data)
    keys, entry = _read_extra(proof.extra)
    key, cosigners = keys[0], keys[1:]
    if [(each.name, each.key_id) for each in proof.note.signatures] != [(each.name, each.key_id) for each in keys]:
        raise BadProof("A proof's checkpoint is not signed by exactly the keys that the proof names.")
    journal = ids.journal_of(key.name)
    if journal is None or not ids.may_sign(journal, key.public) or entry.header.journal != journal:
        raise BadProof("A proof's first key is not that of the entry's journal.")
    if entry.header.seq != proof.index:
        raise BadProof("A proof is for another position than the entry's.")
    note = proof.note.encode()
    head = checkpoint.open_checkpoint(note, key)
    cosigned = [(each, checkpoint.open_cosignature(note, each), head.size) for each in cosigners]
    tree.verify_inclusion(entry.leaf, proof.index, head.size, proof.hashes, head.root)
    found = standing(key, head.size, cosigned, trust)
    return ProofVerdict(True, found.verdict, entry, head, found)


def _read_extra(extra: bytes | None) -> tuple[tuple[VerifierKey, ...], Entry]:
    """Read the keys and the entry that a proof carries."""
    if extra is None:
        raise BadProof("A proof does not carry the entry that it is for.")
    start, _, rest = extra.partition(b"\n\n")
    header, end, shown = rest.partition(b"\n")
    try:
        keys = tuple(VerifierKey.parse(line) for line in start.decode().split("\n", MAX_KEYS))
    except UnicodeDecodeError:
        raise BadProof("The keys in a proof are not text.") from None
    kinds = [notes.NOTE_SIGNATURE] + [notes.COSIGNATURE] * (len(keys) - 1)
    if not end or len(keys) > MAX_KEYS or [each.algorithm for each in keys] != kinds or len(set(keys)) != len(keys):
        raise BadProof("The keys in a proof are not those that can sign a checkpoint.")
    salt, body = (shown[:SALT_BYTES], shown[SALT_BYTES:]) if shown else (None, None)
    return keys, read_entry(header, salt, body)
