"""`sanad courier …`: carry on a stick what no link carries. The same `import` at a node and at central."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.journal.errors import DeviceError, OperatorError, SanadError
from appliance.journal.ids import JournalId
from appliance.records.wording.quarantine import NEXT_STEP
from appliance.store import carried
from appliance.store.carried import Hindrance
from appliance.store.layout import Layout
from appliance.store.quarantine import held
from appliance.store.store import Store
from provisioning import obeying, outfile, terminal
from provisioning.centralopening import CentralOption, central_home, central_key, open_central
from provisioning.enrolled import require_enrolled
from provisioning.obeying import carry_out_due
from provisioning.opening import HomeOption, JsonOption, home_of, node_store
from sync import courier, courierdisk
from sync.central.central import Central
from sync.central.courier import Import, Receipt
from sync.central.layout import CentralLayout
from sync.courier import Exported, Taken
from sync.courierdisk import Found, Unread
from sync.courierfile import MAX_FILE, Kind

UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}
"""As sticks are labelled."""

_SIZE: Final = re.compile(r"([0-9]{1,10})([KMG]?)B?", re.IGNORECASE)

Looked = tuple[list[Found], list[Unread]]
"""The courier files of a place, and those that cannot be read as such."""

PathArgument = Annotated[Path, typer.Argument(help="A courier file, or the folder (the stick) that holds some.")]
ReceiptsOption = Annotated[
    Path | None, typer.Option("--receipts", help="The folder for central's receipts; beside the files if not said.")
]

app = typer.Typer(no_args_is_help=True, help="Carry what central lacks on a stick, and bring its receipt back.")


@app.command("export")
def export(
    path: Annotated[Path, typer.Argument(help="The stick's folder, or a file's name in it.")],
    part_size: Annotated[
        str | None, typer.Option(help="Of one file at the most, such as 500M; if not said, what FAT32 can hold.")
    ] = None,
    fit: Annotated[
        bool, typer.Option("--fit", help="Leave out papers for which there is no room; they go the next time.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what central lacks: one sealed, signed file, or a numbered series."""
    part_bytes = MAX_FILE if part_size is None else size_of(part_size)
    with node_store(home) as store:
        require_enrolled(store)
        try:
            outfile.refuse_homes(path, path.resolve(), [store.layout.home])
        except OSError as error:
            raise OperatorError(f"{path} cannot be written: {error.strerror}.", "Name another folder.") from error
        with terminal.progress("Writing") as watch:
            made = courier.export(store, path, part_bytes=part_bytes, fit=fit, watch=watch)
    values = {
        "files": [str(file) for file in made.files],
        "number": made.number,
        "first": made.first,
        "last": made.last,
        "entries": made.last - made.first,
        "blobs": made.blobs,
        "left": made.left,
        "missing": list(made.missing),
        "bytes": made.bytes,
    }
    terminal.answer(values, _exported(made), as_json=as_json)


@app.command("import")
def import_(
    path: PathArgument,
    receipts: ReceiptsOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in what a stick brought: at central exports, for which it writes receipts; at a node its receipts."""
    found, unread = courierdisk.find_all(path)
    place = home_of(home) if home is not None else _home_for(found)
    if CentralLayout(place).archive.is_file():
        import_at_central(place, path, (found, unread), receipts, as_json=as_json)
    else:
        _import_at_node(place, path, (found, unread), as_json=as_json)


def import_central(
    path: PathArgument,
    receipts: ReceiptsOption = None,
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in the exports that a stick brought, and write a receipt for each node to carry back."""
    import_at_central(central_home(home), path, courierdisk.find_all(path), receipts, as_json=as_json)


def size_of(text: str) -> int:
    """Read a size: digits, and K, M or G where they count thousands, millions or milliards.

    Raises:
        OperatorError: it is none.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise OperatorError(f"{text!r} is no size.", "Write it like 500M or 4G.")
    return int(found[1]) * UNITS[found[2].upper()]


def _home_for(found: Sequence[Found]) -> Path:
    """The home that is meant where nobody named one: the one that is here; of both, the one that the files are for.

    Raises:
        OperatorError: both are here, and the files are for both.
    """
    told = os.environ.get("SANAD_CENTRAL_HOME")
    node, central = home_of(None), central_home(Path(told) if told else None)
    if not CentralLayout(central).archive.is_file():
        return node
    if not Layout(node).database.is_file():
        return central
    kinds = {each.header.kind for each in found}
    if len(kinds) > 1:
        raise OperatorError("Here are a node and a central, and files for both.", "Say which is meant: add --home.")
    return node if kinds == {Kind.RECEIPT} else central


# At central


@dataclass(slots=True)
class _Haul:
    """What came for one node."""

    number: int
    orders_held: int = 0
    orders_root: bytes = b""
    imports: list[tuple[Found, Import]] = field(default_factory=list)


def import_at_central(home: Path, path: Path, looked: Looked, receipts: Path | None, *, as_json: bool) -> None:
    """Take in exports, write the receipts, and say what came. Exit 1 where a file was refused."""
    exports = [each for each in looked[0] if each.header.kind is Kind.EXPORT]
    unread = _unread(looked, Kind.EXPORT)
    if not exports and not unread:
        raise OperatorError(f"There is no export in {path}.", "Look for files that end with .export.")
    hauls: dict[JournalId, _Haul] = {}
    refused: list[tuple[Path, SanadError]] = list(unread)
    with open_central(home, central_key(home)) as central:
        for each in exports:
            try:
                _take(central, each, hauls)
            except DeviceError:
                raise
            except SanadError as error:
                refused.append((each.place, error))
        folder = receipts or (path if path.is_dir() else path.parent)
        written = [
            central.courier.write_receipt(
                *(journal, folder), number=haul.number, orders_held=haul.orders_held, orders_root=haul.orders_root
            )
            for journal, haul in hauls.items()
        ]
    imports = [each for haul in hauls.values() for each in haul.imports]
    values = {
        "imported": [_import_values(each, taken) for each, taken in imports],
        "refused": [_refused_values(file, error) for file, error in refused],
        "receipts": [_receipt_values(each) for each in written],
    }
    lines = [_import_line(each, taken) for each, taken in imports]
    lines += [f"{file.name} was not taken. {error}" for file, error in refused]
    lines += [_receipt_line(each) for each in written]
    terminal.answer(values, "\n".join(lines), as_json=as_json)
    if refused:
        sys.exit(terminal.EXIT_REFUSED)


def _take(central: Central, found: Found, hauls: dict[JournalId, _Haul]) -> None:
    node = central.courier.know(found)
    # Whose file it is is known: a receipt goes back whatever becomes of the rest.
    haul = hauls.setdefault(node.journal, _Haul(found.header.number))
    haul.number = max(haul.number, found.header.number)
    with terminal.progress(found.place.name) as watch:
        taken = central.courier.take(found, watch=watch)
    if taken.orders_held >= haul.orders_held:
        haul.orders_held, haul.orders_root = taken.orders_held, taken.orders_root
    if taken.stopped is not None:
        raise taken.stopped
    haul.imports.append((found, taken))


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 file`, `2 files`."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {many or one + 's'}"


def files(number: int) -> str:
    """So many sealed files."""
    return count(number, "sealed file")


def entries(number: int) -> str:
    """So many entries."""
    return count(number, "entry", "entries")


def _import_values(found: Found, taken: Import) -> dict[str, object]:
    return {
        "file": str(found.place),
        "journal": taken.journal,
        "number": taken.number,
        "part": taken.part,
        "parts": taken.parts,
        "entries": taken.entries,
        "blobs": taken.blobs,
        "refused": taken.refused,
    }


def _import_line(found: Found, taken: Import) -> str:
    line = f"{found.place.name}: {entries(taken.entries)} and {files(taken.blobs)} were new."
    if not taken.entries and not taken.blobs:
        line = f"{found.place.name}: central had all of it already."
    return "\n".join([line, *(f"  {digest} was left out: {why}." for digest, why in taken.refused.items())])


def _unread(looked: Looked, kind: Kind) -> list[tuple[Path, SanadError]]:
    """The files that should be of a kind by their names, and cannot be read."""
    return [(each.place, each.error) for each in looked[1] if courierdisk.SUFFIXES[each.place.suffix] is kind]


def _refused_values(file: Path, error: SanadError) -> dict[str, object]:
    return {
        "file": str(file),
        "error": type(error).__name__,
        "sentence": error.sentence,
        "next_step": error.next_step,
    }


def _receipt_values(receipt: Receipt) -> dict[str, object]:
    return {
        "file": str(receipt.place),
        "journal": receipt.journal,
        "size": receipt.stored,
        "cosigned_size": receipt.cosigned_size,
        "lacking": receipt.lacking,
    }


def _receipt_line(receipt: Receipt) -> str:
    lacking = ", and every sealed file"
    if receipt.lacking:
        lacking = f", {files(receipt.lacking)} {'is' if receipt.lacking == 1 else 'are'} still to come"
    return (
        f"Central holds {entries(receipt.stored)}{lacking}.\n"
        f"Carry {receipt.place} back to the node: `sanad courier import` there closes what arrived."
    )


# At a node


def _import_at_node(home: Path, path: Path, looked: Looked, *, as_json: bool) -> None:
    refused: list[tuple[Path, SanadError]] = _unread(looked, Kind.RECEIPT)
    taken: list[tuple[Found, Taken]] = []
    with node_store(home) as store:
        require_enrolled(store)
        for each in _receipts_for(store, path, looked[0], unread=bool(refused)):
            try:
                with terminal.progress(each.place.name) as watch:
                    taken.append((each, courier.take_receipt(store, each, watch=watch)))
            except DeviceError:
                raise
            except SanadError as error:
                refused.append((each.place, error))
        _remember(store, taken)
        obeyed = carry_out_due(home, store)
        head, stopped = store.head(), held(store)
    values = {
        "taken": [_taken_values(each, what) for each, what in taken],
        "refused": [_refused_values(file, error) for file, error in refused],
        "carried_out": list(obeyed.done),
        "contested": list(obeyed.contested),
        "quarantine": None if stopped is None else asdict(stopped),
        "size": head.size,
        "cosigned_size": head.cosigned_size,
    }
    lines = [_taken_line(each, what) for each, what in taken]
    lines += [f"{file.name} was not taken. {error}" for file, error in refused]
    lines += filter(None, [obeying.words(obeyed)])
    if stopped is not None:
        lines.append(f"{stopped.words} {NEXT_STEP}")
    lines.append(f"{head.cosigned_size} of {head.size} entries are countersigned by central.")
    terminal.answer(values, "\n".join(lines), as_json=as_json)
    if refused or any(what.troubles for _, what in taken):
        sys.exit(terminal.EXIT_REFUSED)


def _receipts_for(store: Store, path: Path, found: Sequence[Found], *, unread: bool) -> list[Found]:
    """The files to take: the one that was named, or of a folder this node's receipts.

    Raises:
        OperatorError: there is none.
    """
    if not path.is_dir():
        return list(found)
    mine = [each for each in found if each.header.kind is Kind.RECEIPT and each.header.journal == store.journal]
    if not mine and not unread:
        raise OperatorError(f"There is no receipt for this node in {path}.", "Look for files that end with .receipt.")
    return mine


def _remember(store: Store, taken: Sequence[tuple[Found, Taken]]) -> None:
    """Let `sync status` say how it stands after the newest receipt."""
    if any(what.orders for _, what in taken) and held(store) is None:
        carried.forget_quarantine(store)
    news = [what for _, what in taken if not what.older]
    if not news:
        return
    last = news[-1]
    words = list(last.troubles)
    # What this box has not is stuck, which is remembered as such: no export brings it.
    coming = last.lacking - last.unknown
    if coming:
        words.append(
            f"{files(coming)} {'has' if coming == 1 else 'have'} not reached central yet. Sync, or export again."
        )
    lacking = Hindrance.LACKING if coming else None
    kind = Hindrance.STICK if last.troubles else lacking
    contact = {carried.LAST_AT: store.now(), carried.BY_STICK: "yes"}
    store.remember(**contact, **carried.hindered(kind, " ".join(words)))


def _taken_values(found: Found, taken: Taken) -> dict[str, object]:
    return {
        "file": str(found.place),
        "closed": taken.closed,
        "stored": taken.stored,
        "lacking": taken.lacking,
        "unknown": taken.unknown,
        "stuck": taken.stuck,
        "orders": taken.orders,
        "lists": taken.lists,
        "older": taken.older,
        "troubles": list(taken.troubles),
    }


def _taken_line(found: Found, taken: Taken) -> str:
    said = [
        f"{found.place.name}: {taken.closed} more {'entry is' if taken.closed == 1 else 'entries are'} countersigned."
    ]
    if taken.older:
        said.append("A newer word of central was here already, so nothing else of it counts.")
    if taken.orders:
        said.append(f"{count(taken.orders, 'order')} {'was' if taken.orders == 1 else 'were'} applied.")
    if taken.lists:
        said.append("The public lists are newer now.")
    coming = taken.lacking - taken.unknown
    if coming and not taken.older:
        said.append(f"Central lacks {files(coming)}; the next export has {'it' if coming == 1 else 'them'}.")
    if taken.stuck and not taken.older:
        said.append(f"{files(taken.stuck)} {'is' if taken.stuck == 1 else 'are'} missing or damaged on this box.")
        said.append("No export brings that: see `sanad sync status`, and call central IT.")
    elif taken.unknown and not taken.older:
        said.append(
            f"Central asks for {files(taken.unknown)} that erased subjects had; it hears of that by the entries."
        )
    return " ".join([*said, *taken.troubles])


def _exported(made: Exported) -> str:
    lines = [f"{file}" for file in made.files]
    what = f"{entries(made.last - made.first)} and {files(made.blobs)}, {made.bytes:,} bytes."
    lines.append(f"Export {made.number}: {what}")
    if made.left:
        lines.append(f"{files(made.left)} did not fit; the next export has {'it' if made.left == 1 else 'them'}.")
    if made.missing:
        lost = len(made.missing)
        lines.append(f"{files(lost)} {'is' if lost == 1 else 'are'} missing or damaged on this box. Call central IT.")
    lines.append("Carry it to central: `sanad courier import` there takes it, and writes a receipt to bring back.")
    return "\n".join(lines)
