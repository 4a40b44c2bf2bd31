"""`sanad journal …`: verify, show, prove, export."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.journal import export as exports
from appliance.journal.checkpoint import open_checkpoint, open_cosignature
from appliance.journal.entry import Entry
from appliance.journal.errors import IntegrityError, OperatorError
from appliance.journal.ids import JournalId, orders_of, origin
from appliance.journal.notes import NOTE_SIGNATURE, Signer, VerifierKey
from appliance.journal.proof import check_proof, make_proof
from appliance.journal.trust import MAX_TRUST, Standing, parse_trust, standing
from appliance.records.database import Database
from appliance.records.log import PAGE_ENTRIES, Log
from appliance.records.wording import Line, Names, line
from appliance.store import local
from appliance.store.keys import JOURNAL_KEY
from appliance.store.layout import Layout
from appliance.store.store import COSIGNER, Store
from appliance.store.verify import HomeReport, verify_home
from appliance.store.witness import see_contained
from provisioning import outfile, terminal
from provisioning.evidencecommand import write_evidence
from provisioning.opening import HomeOption, JsonOption, home_of, node_key, node_store
from provisioning.showing import visible

PROOF_START: Final = b"c2sp.org/tlog-proof@v1\n"
MAX_PROOF: Final = 1 << 20
MAX_DIGITS: Final = 16
"""Of an entry's number."""
STANDARD_INPUT: Final = Path("-")
_READ_BYTES: Final = 1 << 16
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{3})?)?Z?)?", re.ASCII)

app = typer.Typer(no_args_is_help=True, help="The journal: verify it, read it, prove and export it.")

TrustOption = Annotated[
    Path | None, typer.Option("--trust", help="A file of the public keys that you trust.", exists=False)
]


@app.command("verify")
def verify(
    file: Annotated[Path | None, typer.Argument(help="An export or a proof; without it, this node's journal.")] = None,
    trust: TrustOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a journal, an export or a proof, and name the first bad entry.

    Exit 0: consistent. Exit 1: not. Exit 2: the file or the trust file cannot be read. The file `-` is standard input.
    """
    try:
        keys = None if trust is None else parse_trust(_whole(_pieces(trust), MAX_TRUST, f"{trust}", "trust file"))
    except OperatorError as error:
        raise typer.Exit(_unreadable(error, as_json=as_json)) from None
    if file is None:
        _verify_home(home, keys, as_json=as_json)
        return
    try:
        consistent = _verify_file(file, keys, as_json=as_json)
    except OperatorError as error:
        raise typer.Exit(_unreadable(error, as_json=as_json)) from None
    _end(consistent=consistent)


def _unreadable(error: OperatorError, *, as_json: bool) -> int:
    terminal.tell(error, as_json=as_json)
    return terminal.EXIT_UNREADABLE


def _verify_home(home: Path | None, keys: Sequence[VerifierKey] | None, *, as_json: bool) -> None:
    place = home_of(home)
    key = node_key(place)
    try:
        report = check_home(place, key)
        stands = _standing(place, key, report, keys) if report.ok and keys is not None else None
    except IntegrityError as error:
        values = {"consistent": False, "sentence": error.sentence, "bad_seq": None, "reasons": [error.sentence]}
        terminal.answer(values, f"Not consistent. {error.sentence}\n→ {error.next_step}", as_json=as_json)
        raise typer.Exit(terminal.EXIT_REFUSED) from None
    if not report.ok:
        sentence = "Not consistent."
    else:
        who = "Consistent, signed by this home's own key." if stands is None else stands.verdict
        sentence = f"{who} {report.size} entries, {report.cosigned_size} of them countersigned by central."
    values = {
        "consistent": report.ok,
        "signer_known": report.ok and (stands is None or stands.known),
        "sentence": sentence,
        "bad_seq": report.bad_seq,
        "reasons": list(report.reasons),
        "remarks": list(report.remarks),
        "journal": report.journal,
        "size": report.size,
        "cosigned_size": report.cosigned_size,
        "standing": None if stands is None else stands.sentence,
    }
    stood = () if stands is None else (stands.sentence,)
    terminal.answer(values, "\n".join([sentence, *stood, *report.reasons, *report.remarks]), as_json=as_json)
    _end(consistent=report.ok)


def _standing(home: Path, key: bytes, report: HomeReport, trust: Sequence[VerifierKey]) -> Standing:
    """What the reader's trust makes of a home that was found good: the same as of its export.

    Raises:
        IntegrityError: the home is no longer what was checked.
    """
    layout = Layout(home)
    database = Database(layout.database, key, lock=layout.lock)
    try:
        with database.read() as tx:
            log = Log(tx, report.journal)
            seed, head, text = local.secret(tx, JOURNAL_KEY), log.head(), local.remembered(tx, COSIGNER)
            if seed is None or head is None:
                raise IntegrityError("The home is no longer what was checked.")
            own = VerifierKey(origin(report.journal), NOTE_SIGNATURE, Signer("-", seed).verifier.public)
            cosigned = []
            if head.cosigned is not None and text is not None:
                covered = open_checkpoint(head.cosigned, own)
                # It may have come while the rest was checked.
                see_contained(log, covered)
                central = VerifierKey.parse(text)
                cosigned.append((central, open_cosignature(head.cosigned, central), covered.size))
    finally:
        database.close()
    return standing(own, report.size, cosigned, trust)


def check_home(home: Path, key: bytes) -> HomeReport:
    """Check everything in a node's home, with progress.

    Raises:
        IntegrityError: the store cannot be read at all.
    """
    with terminal.progress("Checking") as shown:

        def progress(_part: str, done: int, total: int) -> None:
            shown(done, total)

        return verify_home(Layout(home), key, progress)


def _verify_file(file: Path, keys: Sequence[VerifierKey] | None, *, as_json: bool) -> bool:
    """Check an export or a proof, whichever it begins as; it is opened once, since a pipe can be read only once."""
    with terminal.progress("Checking") as progress:
        pieces = _pieces(file, progress)
        start = b""
        while len(start) < len(PROOF_START) and (piece := next(pieces, b"")):
            start += piece
        rest = chain((start,), pieces)
        found: bytes | exports.ExportVerdict
        if start.startswith(PROOF_START):
            found = _whole(rest, MAX_PROOF, f"{file}", "proof")
        else:
            found = exports.verify_export(rest, keys)
    if isinstance(found, bytes):
        return _verify_proof(found, keys, as_json=as_json)
    return _tell_export(found, as_json=as_json)


def _tell_export(verdict: exports.ExportVerdict, *, as_json: bool) -> bool:
    values = {
        "consistent": verdict.consistent,
        "signer_known": verdict.known,
        "sentence": verdict.sentence,
        "bad_seq": verdict.bad_seq,
        "journal": verdict.journal,
        "size": verdict.size,
        "bodies": verdict.bodies,
        "standing": None if verdict.standing is None else verdict.standing.sentence,
    }
    words = verdict.sentence if verdict.standing is None else f"{verdict.sentence}\n{verdict.standing.sentence}"
    terminal.answer(values, words, as_json=as_json)
    return verdict.consistent


def _verify_proof(data: bytes, keys: Sequence[VerifierKey] | None, *, as_json: bool) -> bool:
    verdict = check_proof(data, keys)
    values = {
        "consistent": verdict.consistent,
        "signer_known": verdict.known,
        "sentence": verdict.sentence,
        "seq": None if verdict.entry is None else verdict.entry.header.seq,
        "size": None if verdict.checkpoint is None else verdict.checkpoint.size,
        "header": None if verdict.entry is None else verdict.entry.header_bytes.decode(),
        "standing": None if verdict.standing is None else verdict.standing.sentence,
    }
    words = verdict.sentence if verdict.standing is None else f"{verdict.sentence}\n{verdict.standing.sentence}"
    terminal.answer(values, words, as_json=as_json)
    return verdict.consistent


def _end(*, consistent: bool) -> None:
    if not consistent:
        raise typer.Exit(terminal.EXIT_REFUSED)


@app.command("show")
def show(
    kind: Annotated[str | None, typer.Option(help="Only this kind, or kinds that begin so: `application.`")] = None,
    by: Annotated[str | None, typer.Option(help="Only what this login (or `node`, `central`) did.")] = None,
    about: Annotated[str | None, typer.Option(help="Only about this identifier, or one that begins so.")] = None,
    since: Annotated[str | None, typer.Option(help="Only from this date or time (UTC) on: 2026-11-22T09:00")] = None,
    until: Annotated[str | None, typer.Option(help="Only before this date or time (UTC).")] = None,
    last: Annotated[int, typer.Option(help="At most so many, the newest; 0 for all.", min=0)] = 50,
    orders: Annotated[bool, typer.Option("--orders", help="Central's orders instead of the node's own acts.")] = False,
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON an entry.")] = False,
) -> None:
    """Print entries as people read them: who did what to what, when."""
    wanted = Filter(
        kind=kind,
        by=by,
        about=about,
        since=None if since is None else moment(since),
        until=None if until is None else moment(until),
    )
    with node_store(home) as store:
        journal = orders_of(store.journal) if orders else store.journal
        for entry, words in _newest(store, journal, wanted, last) if last else _all(store, journal, wanted):
            values = {**asdict(words), "by": entry.header.by, "about_id": entry.header.about}
            # An escape of JSON stands for the same character, so escaping leaves the values as they are.
            print(visible(json.dumps(values, ensure_ascii=False) if as_json else str(words)))  # noqa: T201


def moment(text: str) -> str:
    """A date or a time (UTC) as a person writes it, in the form of an entry's `at`.

    Raises:
        OperatorError: it is neither.
    """
    try:
        if _MOMENT.fullmatch(text) is None:
            raise ValueError(text)
        found = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        raise OperatorError(
            "That is no date or time.", "Write it as 2026-11-22, or as 2026-11-22T09:00 (UTC)."
        ) from None
    return found.isoformat(timespec="milliseconds") + "Z"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are asked for; None lets everything through."""

    kind: str | None
    by: str | None
    about: str | None
    since: str | None
    until: str | None

    def takes(self, entry: Entry, who: str) -> bool:
        """Whether this entry is one of them."""
        header = entry.header
        return (
            (self.kind is None or header.kind == self.kind or header.kind.startswith(self.kind.rstrip(".") + "."))
            and (self.by is None or self.by in (who, header.by))
            and (self.about is None or header.about.startswith(self.about))
            and (self.since is None or header.at >= self.since)
            and (self.until is None or header.at < self.until)
        )


def _newest(store: Store, journal: JournalId, wanted: Filter, most: int) -> Iterator[tuple[Entry, Line]]:
    """The newest `most` entries that are wanted, oldest first; read from the end, a page a transaction."""
    found: list[tuple[Entry, Line]] = []
    stop = _size(store, journal)
    while stop > 0 and len(found) < most:
        start = max(0, stop - PAGE_ENTRIES)
        found += reversed(_page(store, journal, wanted, start, stop))
        stop = start
    return reversed(found[:most])


def _all(store: Store, journal: JournalId, wanted: Filter) -> Iterator[tuple[Entry, Line]]:
    """All entries that are wanted; read from the start, no more than a page at a time."""
    size = _size(store, journal)
    for start in range(0, size, PAGE_ENTRIES):
        yield from _page(store, journal, wanted, start, min(start + PAGE_ENTRIES, size))


def _page(store: Store, journal: JournalId, wanted: Filter, start: int, stop: int) -> list[tuple[Entry, Line]]:
    with store.read() as tx:
        names = Names(tx, store.journal)
        page = Log(tx, journal).entries(start, stop)
        return [(each, line(each, names)) for each in page if wanted.takes(each, names.actor(each.header.by))]


def _size(store: Store, journal: JournalId) -> int:
    with store.read() as tx:
        head = Log(tx, journal).head()
    return 0 if head is None else head.size


@app.command("proof")
def proof(
    what: Annotated[str, typer.Argument(metavar="SEQ|FILE", help="The entry's number; or the bundle's file.")],
    certificate: Annotated[
        str | None, typer.Option(help="Write all the evidence of the certificate with this number to FILE.")
    ] = None,
    body: Annotated[bool, typer.Option("--body", help="Include what the entry says, which may be personal.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE, whatever it is.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that an entry stands in this journal (C2SP tlog-proof, printed), or all that a certificate rests on.

    `sanad journal verify` checks the one, and `sanad verify` the other, without this home.
    """
    if certificate is not None:
        write_evidence(certificate, Path(what), home=home_of(home), force=force, as_json=as_json)
        return
    if not what.isascii() or not what.isdecimal() or len(what) > MAX_DIGITS:
        raise OperatorError(
            "That is no number of an entry.", "Name one (see `sanad journal show`), or --certificate NUMBER FILE."
        )
    _prove_entry(int(what), body=body, home=home, as_json=as_json)


def _prove_entry(seq: int, *, body: bool, home: Path | None, as_json: bool) -> None:
    with node_store(home) as store:
        head = store.head()
        if seq >= head.size:
            raise OperatorError(f"There is no entry {seq}; the journal has {head.size}.", "See `sanad journal show`.")
        entry = next(store.entries(seq, seq + 1))
        if body and entry.body is None:
            raise OperatorError(
                f"What entry {seq} said was erased.", "Leave out --body: the header can still be proved."
            )
        note = head.cosigned if head.cosigned is not None and seq < head.cosigned_size else head.checkpoint
        keys = (store.verifier, *_cosigners(store))
        with store.read() as tx:
            made = make_proof(entry, note, Log(tx, store.journal).read_node, keys, with_body=body)
    if as_json:
        terminal.answer({"seq": seq, "proof": made.decode()}, "", as_json=True)
    else:
        sys.stdout.buffer.write(made)


@app.command("export")
def export(
    file: Annotated[
        Path, typer.Argument(help="The file to write; an older export is replaced when this one is whole.")
    ],
    bodies: Annotated[bool, typer.Option("--bodies", help="Include what the entries say, which is personal.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file of another kind, too.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write entries, checkpoint and cosignature to one file that `verify FILE` checks without a home."""
    homes = (home_of(home),)
    outfile.refuse_unfit(file, homes=homes, magic=exports.FORMAT, force=force)
    with node_store(home) as store:
        head = store.head()
        with (
            terminal.progress("Exporting") as progress,
            outfile.written(file, homes=homes, magic=exports.FORMAT, force=force) as out,
        ):
            exports.write_export(
                out,
                store.entries(0, head.size),
                head=head.checkpoint,
                signer=store.signer,
                cosigned=head.cosigned,
                cosigners=_cosigners(store),
                bodies=bodies,
                progress=lambda done: progress(done, head.size),
            )
    values = {"file": str(file), "journal": store.journal, "size": head.size, "bodies": bodies}
    if outfile.is_stdout(file):
        terminal.note(f"{head.size} entries were written.")
    else:
        terminal.answer(values, f"{head.size} entries are in {file}.", as_json=as_json)


def _cosigners(store: Store) -> tuple[VerifierKey, ...]:
    return () if store.local(COSIGNER) is None else (store.central_key(COSIGNER),)


def _whole(pieces: Iterator[bytes], most: int, name: str, what: str) -> bytes:
    data = bytearray()
    for piece in pieces:
        data += piece
        if len(data) > most:
            raise OperatorError(f"{name} is too large to be a {what}.", "Check which file you named.")
    return bytes(data)


def _pieces(file: Path, progress: terminal.Progress | None = None) -> Iterator[bytes]:
    """A file's bytes; those of standard input for `-`.

    Raises:
        OperatorError: it cannot be read; the sentence names it.
    """
    done = 0
    try:
        with sys.stdin.buffer if file == STANDARD_INPUT else file.open("rb") as source:
            total = os.fstat(source.fileno()).st_size
            while piece := source.read(_READ_BYTES):
                yield piece
                done += len(piece)
                if progress is not None:
                    progress(done, total)
    except FileNotFoundError:
        raise OperatorError(f"There is no file {file}.", "Check its name.") from None
    except IsADirectoryError:
        raise OperatorError(f"{file} is a folder.", "Name a file in it.") from None
    except OSError as error:
        raise OperatorError(f"{file} cannot be read: {error.strerror}.", "Check its name and whose it is.") from error
