"""`sanad run`: the whole system on this machine, and cases walked through it. The last line is JSON."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.casework.centre import Centre
from appliance.casework.intake import MAX_PAPER_BYTES, PaperRefused, inspect_paper
from appliance.catalogue import bundled, load_catalogue
from appliance.journal.errors import NetworkError, OperatorError
from appliance.store.store import Store
from provisioning import terminal
from provisioning.carrier import sync_and_remember
from provisioning.centre import open_centre
from provisioning.opening import open_store, real_clock
from provisioning.raising import raise_pending, raising_standing
from provisioning.synccommands import central_address
from provisioning.unlock import store_key
from provisioning.walk import place as places
from provisioning.walk import system
from provisioning.walk.case import CaseWalk, Scan
from provisioning.walk.devices import CounterDevices
from provisioning.walk.place import Walk
from provisioning.walk.plans import FIRST, SECOND, Plan, read_plan, specimen_plan
from provisioning.walk.results import compared

EXIT_SCAN_REFUSED: Final = 4
PLACE: Final = Path(".run")


def run(
    once: Annotated[bool, typer.Option("--once", help="Walk the cases and end; as without a terminal.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Take central away before the case begins.")] = False,
    scan: Annotated[list[Path] | None, typer.Option(help="A scanned paper to hand in; may be said again.")] = None,
    service: Annotated[str | None, typer.Option(help="Walk one case of this service, with --data.")] = None,
    data: Annotated[Path | None, typer.Option(help="A JSON file with every field of the service.")] = None,
    place: Annotated[Path, typer.Option(help="The folder to make everything in.")] = PLACE,
    resume: Annotated[Path | None, typer.Option(help="Go on with a run that was interrupted, in its folder.")] = None,
) -> None:
    """Set up a central and a node on this machine; open the console, or walk cases from the token to the locker."""
    plans = _plans(service, data)
    scans = _read_scans(scan or [])
    walk = places.begin(place) if resume is None else places.resume(resume)
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Central is a process of its own: it is ended on the way out, whoever ends this one.
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    terminal.note(f"Everything of this run lies in {walk.place}. Its people and papers are specimens.")
    walk.step("central made: keys, certificate authority, archive", lambda: system.ensure_central(walk))
    with contextlib.ExitStack() as serving:
        walk.step(
            "central answers",
            lambda: serving.enter_context(system.central_served(walk.central_home, walk.results / "central.log")),
        )
        walk.step(
            "node enrolled: keys made here, first supervisor, first numbers leased", lambda: system.ensure_node(walk)
        )
        if offline:
            walk.step("central taken away", serving.close)
        with open_store(
            walk.home, walk.step("node unlocked by its passphrase", lambda: store_key(walk.home))
        ).closing() as store:
            walk.step("supervisor added two operators who are officers too", lambda: system.ensure_staff(walk, store))
            system.ensure_specimen(walk)
            centre = open_centre(walk.home, store)
            walk.step("officer made a key of her own, which her PIN opens", lambda: system.ensure_key(walk, centre))
            if not offline:
                _sync(walk, store, "central certified it")
            if not once and _is_terminal():
                system.open_console(walk, store)
                _sync_and_raise(walk, store)
                terminal.note(f"home: {walk.home}\nresults: {walk.results}")
                return
            values = _walk_cases(walk, centre, plans, scans)
    for line in ("home", "central_home", "results"):
        terminal.note(f"{line}: {values[line]}")
    print(json.dumps({**values, "steps": walk.steps}, ensure_ascii=False))  # noqa: T201


def _walk_cases(walk: Walk, centre: Centre, plans: list[Plan], scans: list[Scan]) -> dict[str, object]:
    counter = CounterDevices()
    cases = [CaseWalk(walk, centre, plan, scans if number == 0 else [], counter)() for number, plan in enumerate(plans)]
    return compared(walk, centre.store, cases, synced=_sync_and_raise(walk, centre.store))


def _sync(walk: Walk, store: Store, what: str) -> bool:
    def sync() -> bool:
        try:
            return sync_and_remember(store, central_address(walk.home)).complete
        except NetworkError as error:
            terminal.note(f"{error.sentence} Everything is kept, and goes when central is back.")
            return False

    return walk.step(what, sync)


def _sync_and_raise(walk: Walk, store: Store) -> bool:
    """Carry everything to central, certificates with timestamps too."""

    def timestamps() -> None:
        raise_pending(store, central_address(walk.home))
        if words := raising_standing(store).words:
            terminal.note(words)

    if not _sync(walk, store, "carried to central"):
        return False
    walk.step("certificates given a timestamp and validation data (PAdES B-LTA)", timestamps)
    return _sync(walk, store, "carried to central too")


def _plans(service: str | None, data: Path | None) -> list[Plan]:
    if service is None and data is None:
        return [specimen_plan(FIRST), specimen_plan(SECOND)]
    if service is None or data is None:
        raise OperatorError("--service and --data belong together.", "Name the service, and the file with its fields.")
    return [read_plan(load_catalogue([bundled()]).service(service), data, real_clock().date())]


def _read_scans(named: list[Path]) -> list[Scan]:
    scans = []
    for file in named:
        try:
            with file.open("rb") as source:
                content = source.read(MAX_PAPER_BYTES + 1)
            inspect_paper(content, thumbnail=False)
        except PaperRefused as error:
            terminal.note(f"{file}: {error.sentence}\n→ {error.next_step}")
            raise typer.Exit(EXIT_SCAN_REFUSED) from None
        except OSError as error:
            raise OperatorError(f"{file} cannot be read ({error.strerror}).", "Check the name of the file.") from error
        scans.append(Scan(str(file), content))
    return scans


def _is_terminal() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
