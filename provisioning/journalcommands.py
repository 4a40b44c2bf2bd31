"""`sanad journal …`: verify, show, prove, export."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.journal import export as exports
from appliance.journal import ids
from appliance.journal.entry import Entry
from appliance.journal.errors import IntegrityError, OperatorError
from appliance.journal.ids import JournalId, orders_of
from appliance.journal.notes import VerifierKey
from appliance.journal.proof import check_proof, make_proof
from appliance.journal.trust import MAX_TRUST, parse_trust
from appliance.records.disk import whole_file
from appliance.records.failures import of_os
from appliance.records.log import PAGE_ENTRIES, Log
from appliance.records.wording import Line, Names, line
from appliance.store.layout import Layout
from appliance.store.store import COSIGNER, Store
from appliance.store.verify import HomeReport, verify_home
from provisioning import terminal
from provisioning.opening import HomeOption, JsonOption, home_of, node_key, node_store

PROOF_START: Final = b"c2sp.org/tlog-proof@v1\n"
MAX_PROOF: Final = 1 << 20
_READ_BYTES: Final = 1 << 16

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
    """Check a journal, an export or a proof, and name the first bad entry. Exit 0: consistent. Exit 1: not."""
    keys = None if trust is None else parse_trust(_read(trust, MAX_TRUST, "trust file"))
    if file is None:
        _verify_home(home, keys, as_json=as_json)
    elif _starts_as_proof(file):
        _verify_proof(file, keys, as_json=as_json)
    else:
        _verify_export(file, keys, as_json=as_json)


def _verify_home(home: Path | None, keys: Sequence[VerifierKey] | None, *, as_json: bool) -> None:
    place = home_of(home)
    key = node_key(place)
    try:
        report = check_home(place, key)
    except IntegrityError as error:
        values = {"consistent": False, "sentence": error.sentence, "bad_seq": None, "reasons": [error.sentence]}
        terminal.answer(values, f"Not consistent. {error.sentence}\n→ {error.next_step}", as_json=as_json)
        raise typer.Exit(terminal.EXIT_REFUSED) from None
    known = keys is None or any(ids.may_sign(report.journal, each.public) for each in keys)
    if not report.ok:
        sentence = "Not consistent."
    elif known:
        sentence = f"Consistent: {report.size} entries, {report.cosigned_size} of them countersigned by central."
    else:
        sentence = (
            f"Consistent, signer unknown: the key of this journal is not in your trust file. {report.size} entries."
        )
    values = {
        "consistent": report.ok,
        "signer_known": report.ok and known,
        "sentence": sentence,
        "bad_seq": report.bad_seq,
        "reasons": list(report.reasons),
        "remarks": list(report.remarks),
        "journal": report.journal,
        "size": report.size,
        "cosigned_size": report.cosigned_size,
    }
    terminal.answer(values, "\n".join([sentence, *report.reasons, *report.remarks]), as_json=as_json)
    _end(consistent=report.ok)


def check_home(home: Path, key: bytes) -> HomeReport:
    """Check everything in a node's home, with progress.

    Raises:
        IntegrityError: the store cannot be read at all.
    """
    with terminal.progress("Checking") as shown:

        def progress(_part: str, done: int, total: int) -> None:
            shown(done, total)

        return verify_home(Layout(home), key, progress)


def _verify_export(file: Path, keys: Sequence[VerifierKey] | None, *, as_json: bool) -> None:
    with terminal.progress("Checking") as progress:
        verdict = exports.verify_export(_pieces(file, progress=progress), keys)
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
    _end(consistent=verdict.consistent)


def _verify_proof(file: Path, keys: Sequence[VerifierKey] | None, *, as_json: bool) -> None:
    verdict = check_proof(_read(file, MAX_PROOF, "proof"), keys)
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
    _end(consistent=verdict.consistent)


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
    with node_store(home) as store:
        wanted = Filter(kind=kind, by=by, about=about, since=since, until=until)
        journal = orders_of(store.journal) if orders else store.journal
        for entry, words in _newest(store, journal, wanted, last or None):
            values = {**asdict(words), "by": entry.header.by, "about_id": entry.header.about}
            terminal.answer(values, str(words), as_json=as_json)


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


def _newest(store: Store, journal: JournalId, wanted: Filter, most: int | None) -> list[tuple[Entry, Line]]:
    """The newest `most` entries that are wanted, oldest first; read from the end, a page a transaction."""
    found: list[tuple[Entry, Line]] = []
    with store.read() as tx:
        head = Log(tx, journal).head()
    stop = 0 if head is None else head.size
    while stop > 0 and (most is None or len(found) < most):
        start = max(0, stop - PAGE_ENTRIES)
        with store.read() as tx:
            names = Names(tx, store.journal)
            page = reversed(list(Log(tx, journal).entries(start, stop)))
            found += [(each, line(each, names)) for each in page if wanted.takes(each, names.actor(each.header.by))]
        stop = start
    return found[:most][::-1]


@app.command("proof")
def proof(
    seq: Annotated[int, typer.Argument(help="The entry's number.", min=0)],
    body: Annotated[bool, typer.Option("--body", help="Include what the entry says, which may be personal.")] = False,
    home: HomeOption = None,
) -> None:
    """Print a proof (C2SP tlog-proof) that an entry stands in this journal; `verify FILE` checks it."""
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
    sys.stdout.buffer.write(made)


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="The file to write; an older one is replaced when this one is whole.")],
    bodies: Annotated[bool, typer.Option("--bodies", help="Include what the entries say, which is personal.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write entries, checkpoint and cosignature to one file that `verify FILE` checks without a home."""
    with node_store(home) as store:
        head = store.head()
        with terminal.progress("Exporting") as progress, whole_file(file) as out:
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
    terminal.answer(values, f"{head.size} entries are in {file}.", as_json=as_json)


def _cosigners(store: Store) -> tuple[VerifierKey, ...]:
    return () if store.local(COSIGNER) is None else (store.central_key(COSIGNER),)


def _starts_as_proof(file: Path) -> bool:
    return next(_pieces(file, len(PROOF_START)), b"").startswith(PROOF_START)


def _read(file: Path, most: int, what: str) -> bytes:
    data = b"".join(_pieces(file, most + 1))
    if len(data) > most:
        raise OperatorError(f"{file} is too large to be a {what}.", "Check which file you named.")
    return data


def _pieces(file: Path, most: int | None = None, progress: terminal.Progress | None = None) -> Iterator[bytes]:
    done = 0
    try:
        with file.open("rb") as source:
            total = file.stat().st_size
            while piece := source.read(_READ_BYTES if most is None else min(_READ_BYTES, most - done)):
                yield piece
                done += len(piece)
                if progress is not None:
                    progress(done, total)
    except FileNotFoundError:
        raise OperatorError(f"There is no file {file}.", "Check its name.") from None
    except IsADirectoryError:
        raise OperatorError(f"{file} is a folder.", "Name a file in it.") from None
    except OSError as error:
        raise of_os(error) from error
