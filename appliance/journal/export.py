"""A journal in one file, which anybody can check without a home, a database or a network.

The file is text. In this order, each line ended by one newline:

    sanad journal export v1
    journal <JournalId>
    bodies all|none
    key <the journal's verifier key>
    key <a cosigner's verifier key>           (any number; each has countersigned, in this order)
    cosigned                                  (only with cosigners: the latest countersigned checkpoint)
    <signed note: the checkpoint, the journal's signature, each cosigner's>
    entries
    <header>                                  (one line for each entry, from the first)
    <header> <base64 of the salt> <base64 of the body>
    checkpoint
    <signed note: the checkpoint of all entries, the journal's signature>
    sanad journal export v1 closed
    <base64 of the SHA-256 of all bytes before the line above>
    <empty line, and the journal's signature of the two lines above, as in a signed note>

There is one way to write a journal, and nothing in it that a reader passes over: any change to any byte is found. The
closing cannot be taken for a checkpoint, nor a checkpoint for it: an origin holds no space.
Where bodies are included, one that is missing must be erased by a later entry. Reading takes memory for one line, for
the tree (O(log n)), and for one identifier for each subject that is erased further on.

What it does not show: that the writer did not leave out entries after the last one. A countersigned checkpoint shows
what central has seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.journal import checkpoint, ids, notes
from appliance.journal.checkpoint import Checkpoint
from appliance.journal.entry import MAX_BODY, MAX_HEADER, Entry, read_entry
from appliance.journal.erasure import Owed
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.ids import JournalId
from appliance.journal.notes import Note, Signer, VerifierKey
from appliance.journal.trust import Standing, standing
from appliance.journal.verify import PROGRESS_EVERY, Chain, Progress

FORMAT: Final = b"sanad journal export v1"
CLOSED: Final = FORMAT + b" closed"
MAX_COSIGNERS: Final = 16
MAX_LINE: Final = MAX_HEADER + 2 + 24 + 4 * ((MAX_BODY + 2) // 3)
"""Bytes of a line without its newline: the longest header, the salt and the longest body."""

_BODIES: Final = {True: b"bodies all", False: b"bodies none"}
_NOTE_LINES: Final = 4
"""Origin, size, root, and the empty line before the signatures."""


class BadExport(IntegrityError):
    """A file is not an export that could have been written.

    Args:
        sentence: what is wrong.
        seq: the first bad entry, where the fault lies in one.
    """

    def __init__(self, sentence: str, seq: int | None = None) -> None:
        super().__init__(sentence)
        self.seq = seq


@dataclass(frozen=True, slots=True)
class ExportVerdict:
    """What came out of checking an export."""

    consistent: bool
    sentence: str
    bad_seq: int | None
    """The first bad entry, where the fault lies in one."""
    journal: JournalId | None
    """None, like `standing`, when the file is not consistent: then nothing in it can be believed."""
    size: int
    """Entries in the journal."""
    bodies: bool
    """Whether the file includes bodies."""
    standing: Standing | None

    @property
    def known(self) -> bool:
        """Whether the file is consistent and its signer is known."""
        return self.standing is not None and self.standing.known


def write_export(
    out: Callable[[bytes], object],
    entries: Iterable[Entry],
    *,
    head: bytes,
    signer: Signer,
    cosigned: bytes | None = None,
    cosigners: Sequence[VerifierKey] = (),
    bodies: bool = False,
    progress: Progress | None = None,
) -> None:
    """Write an export, entry by entry.

    Args:
        out: takes the bytes, piece by piece.
        entries: all entries of the journal, in their order.
        head: the checkpoint that covers them all.
        signer: the journal's key.
        cosigned: the latest checkpoint that came back countersigned, if any.
        cosigners: the keys whose cosignatures to look for on it; the first `MAX_COSIGNERS` found are kept.
        bodies: whether to include what the entries say, which is personal.
        progress: is called now and then with the number of entries written.

    Raises:
        IntegrityError: the entries and the checkpoints do not belong together. What was written until then has no end,
            and no reader accepts it.
        BugError: the signer is not named after its journal.
    """
    key = signer.verifier
    journal = ids.journal_of(key.name)
    if journal is None or not ids.may_sign(journal, key.public):
        raise BugError("The key of a journal is named after it.")
    digest = hashlib.sha256()

    def put(*lines: bytes) -> None:
        for line in lines:
            digest.update(line + b"\n")
            out(line + b"\n")

    present = [] if cosigned is None else [each for each in cosigners if checkpoint.is_cosigned(cosigned, each)]
    present = present[:MAX_COSIGNERS]
    put(FORMAT, b"journal " + journal.encode(), _BODIES[bodies])
    put(*(b"key " + each.text.encode() for each in (key, *present)))
    older = None
    if cosigned is not None and present:
        older = checkpoint.open_checkpoint(cosigned, key)
        put(b"cosigned", _only(cosigned, (key, *present)))
    put(b"entries")
    book = _Book(journal, older, bodies)
    for count, entry in enumerate(entries, 1):
        book.take(entry)
        put(_entry_line(entry, bodies))
        if progress and count % PROGRESS_EVERY == 0:
            progress(count)
    book.close(checkpoint.open_checkpoint(head, key))
    put(b"checkpoint", _only(head, (key,)))
    closing = _closing(digest)
    out(closing + b"\n" + signer.sign(closing))


def verify_export(
    data: Iterable[bytes], trust: Sequence[VerifierKey] | None = None, progress: Progress | None = None
) -> ExportVerdict:
    """Check an export. Broken integrity outranks an unknown signer.

    Args:
        data: the file's bytes, in pieces of any size. (Iterating over a file reads whole lines, however long; give
            pieces of a fixed size instead.)
        trust: the keys that the reader trusts, if any.
        progress: is called now and then with the number of entries checked.
    """
    try:
        return _read(_Lines(data), trust, progress)
    except IntegrityError as error:
        seq = error.seq if isinstance(error, BadExport) else None
        return ExportVerdict(False, f"Not consistent. {error.sentence}", seq, None, 0, False, None)


def _read(lines: _Lines, trust: Sequence[VerifierKey] | None, progress: Progress | None) -> ExportVerdict:
    lines.expect(FORMAT)
    journal, bodies, keys = _read_start(lines)
    key, cosigners = keys[0], keys[1:]
    older, cosigned = None, []
    if cosigners:
        lines.expect(b"cosigned")
        note = lines.note(keys)
        older = checkpoint.open_checkpoint(note, key)
        cosigned = [(each, checkpoint.open_cosignature(note, each), older.size) for each in cosigners]
    lines.expect(b"entries")
    book = _Book(journal, older, bodies)
    while (line := lines.peek) is not None and line != b"checkpoint":
        book.take(_read_entry_line(line, bodies, book.size))
        lines.take()
        if progress and book.size % PROGRESS_EVERY == 0:
            progress(book.size)
    lines.expect(b"checkpoint")
    book.close(checkpoint.open_checkpoint(lines.note((key,)), key))
    closing = _closing(lines.digest)
    if lines.take() + b"\n" + lines.take() + b"\n" != closing:
        raise BadExport("The file is not what was closed: its digest differs.")
    if lines.take():
        raise BadExport("The file does not end with one signature.")
    signature = notes.parse_note(closing + b"\n" + lines.take() + b"\n")
    notes.verify(signature, key)
    if lines.peek is not None:
        raise BadExport("Something follows the end of the file.")
    found = standing(key, book.size, cosigned, trust)
    return ExportVerdict(True, found.verdict, None, journal, book.size, bodies, found)


def _read_start(lines: _Lines) -> tuple[JournalId, bool, tuple[VerifierKey, ...]]:
    """Read who writes, whether bodies are included, and with which keys to check."""
    journal = lines.take()
    bodies = {line: value for value, line in _BODIES.items()}.get(lines.take())
    keys: list[VerifierKey] = []
    while (line := lines.peek) is not None and line.startswith(b"key ") and len(keys) <= MAX_COSIGNERS:
        keys.append(VerifierKey.parse(_text(lines.take().removeprefix(b"key "))))
    if bodies is None or not keys or len(set(keys)) != len(keys):
        raise BadExport("The first lines of the file are not those of an export.")
    named = ids.journal_of(keys[0].name)
    if named is None or journal != b"journal " + named.encode() or not ids.may_sign(named, keys[0].public):
        raise BadExport("The file's first key is not that of the journal.")
    wanted = [notes.NOTE_SIGNATURE] + [notes.COSIGNATURE] * (len(keys) - 1)
    if [each.algorithm for each in keys] != wanted:
        raise BadExport("A key in the file is not of the kind that it must be.")
    return named, bodies, tuple(keys)


class _Book:
    """The checks that an export's entries must pass, alike in writing and in reading."""

    def __init__(self, journal: JournalId, older: Checkpoint | None, bodies: bool) -> None:
        self._chain = Chain(journal)
        self._owed = Owed()
        self._older = older
        self._bodies = bodies

    @property
    def size(self) -> int:
        """The entries so far."""
        return self._chain.frontier.size

    def take(self, entry: Entry) -> None:
        """Take the next entry."""
        seq = self.size
        try:
            self._chain.take(entry)
            if self._bodies:
                self._owed.take(entry)
        except IntegrityError as error:
            raise BadExport(f"Entry {seq} is bad. {error.sentence}", seq) from error
        if self._older and self._older.size == self.size and self._older.root != self._chain.frontier.root():
            raise BadExport(f"The first {self.size} entries are not those that were countersigned.")

    def close(self, head: Checkpoint) -> None:
        """Compare all entries with the checkpoint that covers them."""
        if head.size > self.size:
            raise BadExport(f"Entry {self.size} is missing: the checkpoint covers {head.size} entries.", self.size)
        if head.size < self.size:
            raise BadExport(f"Entry {head.size} and those after it are not covered by the checkpoint.", head.size)
        if self._older and self._older.size > head.size:
            raise BadExport("The journal is shorter than what was countersigned: it was rolled back.", head.size)
        if self._chain.frontier.root() != head.root:
            raise BadExport("The entries are not those that were signed.")
        if self._owed.first is not None:
            seq = self._owed.first
            raise BadExport(f"Entry {seq} has no body, and no later entry erases its subject.", seq)


class _Lines:
    """A file in lines of bounded length, with the digest of those that were taken."""

    def __init__(self, data: Iterable[bytes]) -> None:
        self.digest = hashlib.sha256()
        self._lines = _split(data)
        self.peek = next(self._lines, None)

    def take(self) -> bytes:
        """Go on to the next line."""
        line = self.peek
        if line is None:
            raise BadExport("The file was cut off.")
        self.digest.update(line + b"\n")
        self.peek = next(self._lines, None)
        return line

    def expect(self, wanted: bytes) -> None:
        """Take a line that can only be this one."""
        if self.take() != wanted:
            raise BadExport(f"A line of the file should be “{wanted.decode()}”, and is not.")

    def note(self, keys: Sequence[VerifierKey]) -> bytes:
        """Take a checkpoint with one signature by each key, in their order, and by nobody else."""
        note = b"".join(self.take() + b"\n" for _ in range(_NOTE_LINES + len(keys)))
        if note != _only(note, keys) + b"\n":
            raise BadExport("A checkpoint in the file is not signed by exactly the keys that it should be.")
        return note


def _split(data: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in data:
        *whole, rest = (rest + piece).split(b"\n")
        if any(len(line) > MAX_LINE for line in (*whole, rest)):
            raise BadExport("A line of the file is longer than any line can be.")
        yield from whole
    if rest:
        raise BadExport("The file was cut off.")


def _only(note: bytes, keys: Sequence[VerifierKey]) -> bytes:
    """The note with nothing but one signature by each of these keys, without its last newline."""
    parsed = notes.parse_note(note)
    return Note(parsed.text, tuple(each for key in keys for each in parsed.of(key)[-1:])).encode().removesuffix(b"\n")


def _entry_line(entry: Entry, bodies: bool) -> bytes:
    if not bodies or entry.salt is None or entry.body is None:
        return entry.header_bytes
    return b" ".join([entry.header_bytes, *(notes.to_base64(each).encode() for each in (entry.salt, entry.body))])


def _read_entry_line(line: bytes, bodies: bool, seq: int) -> Entry:
    header, *rest = line.split(b" ")
    try:
        if len(rest) == 0:
            return read_entry(header, None, None)
        if len(rest) == 2 and bodies:
            salt, body = (notes.from_base64(_text(each)) for each in rest)
            return read_entry(header, salt, body)
    except IntegrityError as error:
        raise BadExport(f"Entry {seq} is bad. {error.sentence}", seq) from error
    except ValueError:
        pass
    raise BadExport(f"Entry {seq} is bad. Its line is not written as it must be.", seq)


def _closing(digest: hashlib._Hash) -> bytes:
    """The two lines that close a file, of which the digest is that of all before them."""
    return CLOSED + b"\n" + notes.to_base64(digest.digest()).encode() + b"\n"


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise BadExport("A line of the file is not text.") from None
