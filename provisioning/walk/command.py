"""`sanad run`: the whole system on this machine, and cases walked through it. The last line is JSON."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import json
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.access.four_eyes import SameEyes
from appliance.access.session import Role, Session
from appliance.casework import applications, people, reviewing, steps
from appliance.casework.applications import Submitted
from appliance.casework.centre import Centre, CentreRules
from appliance.casework.drafts import DraftForm
from appliance.casework.intake import MAX_PAPER_BYTES, PaperRefused, inspect_paper
from appliance.casework.money import NewPayment, take_payment
from appliance.casework.papers import NewPaper, add_paper
from appliance.catalogue import Calendar, bundled, load_catalogue, reckon_fee
from appliance.journal import kinds as k
from appliance.journal.errors import BugError, IntegrityError, NetworkError, OperatorError
from appliance.journal.ids import BlobDigest
from appliance.store.store import Store
from provisioning import specimens, terminal
from provisioning.centralopening import central_key, open_central
from provisioning.journalcommands import check_home
from provisioning.opening import open_store
from provisioning.synccommands import central_address, sync_and_remember
from provisioning.unlock import store_key
from provisioning.walk import place as places
from provisioning.walk import system
from provisioning.walk.place import Walk
from sync.central.central import Central

EXIT_SCAN_REFUSED: Final = 4
PLACE: Final = Path(".run")


@dataclass(frozen=True, slots=True)
class Paper:
    """A scan that was handed in, and where it went."""

    file: str
    media_type: str
    sha256: str
    blob: BlobDigest


def run(
    once: Annotated[bool, typer.Option("--once", help="Walk one case and end; as without a terminal.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Take central away before the case begins.")] = False,
    scan: Annotated[list[Path] | None, typer.Option(help="A scanned paper to hand in; may be said again.")] = None,
    place: Annotated[Path, typer.Option(help="The folder to make everything in.")] = PLACE,
    resume: Annotated[Path | None, typer.Option(help="Go on with a run that was interrupted, in its folder.")] = None,
) -> None:
    """Set up a central and a node on this machine, and walk a specimen case from the counter to the locker."""
    del once  # There is no console yet, so that the walk is all there is, with a terminal or without.
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
            submitted, papers = _case(walk, store, scans)
            synced = _sync(walk, store)
            values = _compare(walk, store, papers, synced=synced)
    for line in ("home", "central_home", "results"):
        terminal.note(f"{line}: {values[line]}")
    print(json.dumps({"tracking": submitted.tracking, **values, "steps": walk.steps}, ensure_ascii=False))  # noqa: T201


def _case(walk: Walk, store: Store, scans: list[tuple[Path, bytes]]) -> tuple[Submitted, list[Paper]]:
    centre = Centre(store, load_catalogue([bundled()]), Calendar(), CentreRules(*system.CENTRE))
    walk.step("supervisor added two operators who are officers too", lambda: system.ensure_staff(walk, store))
    operator = walk.step("operator signed in", lambda: system.sign_in(walk, store, system.OPERATOR[0], Role.OPERATOR))
    citizen = walk.step("citizen written down", lambda: people.add_person(store, operator, specimens.CITIZEN))
    form = DraftForm(store.new_id(), specimens.SERVICE, specimens.ANSWERS, {"applicant": (citizen,)})
    walk.step("application begun", lambda: applications.begin(centre, operator, form))
    papers = [
        walk.step(
            f"paper sealed and added: {rule}, from {file.name}",
            functools.partial(_add, centre, operator, form, rule, file, content),
        )
        for rule, (file, content) in _papers(scans)
    ]
    submitted = walk.step("application taken in", lambda: applications.submit(centre, operator, form))
    walk.step("fee paid by challan", lambda: _pay(centre, operator, submitted))

    def same_eyes_refused() -> None:
        session = system.sign_in(walk, store, system.OPERATOR[0], Role.OFFICER)
        try:
            reviewing.approve(centre, session, submitted.application)
        except SameEyes:
            return
        raise BugError("A case was approved by the person who took it in.")

    walk.step("the same person, now as officer, was refused (four eyes)", same_eyes_refused)
    officer = walk.step(
        "another officer signed in", lambda: system.sign_in(walk, store, system.OFFICER[0], Role.OFFICER)
    )
    for step in specimens.OUTSIDE:
        walk.step(
            f"outside office asked and answered: {step}",
            functools.partial(_ask_outside, centre, officer, submitted, step),
        )
    walk.step("application approved", lambda: reviewing.approve(centre, officer, submitted.application))
    return submitted, papers


def _papers(scans: list[tuple[Path, bytes]]) -> Iterator[tuple[str, tuple[Path, bytes]]]:
    """Each paper that the specimen service asks for, from a scan as long as there are any."""
    page = (Path("ruled-page.png"), specimens.ruled_page())
    names = [*specimens.PAPERS, *("" for _ in scans[len(specimens.PAPERS) :])]
    return zip(names, itertools.chain(scans, itertools.repeat(page)), strict=False)


def _add(centre: Centre, session: Session, form: DraftForm, rule: str, file: Path, content: bytes) -> Paper:
    new = NewPaper(content, rule=rule, label=specimens.PAPER)
    added = add_paper(centre, session, form.id, new)
    return Paper(str(file), added.paper.media_type, added.paper.sha256, added.digest)


def _pay(centre: Centre, session: Session, submitted: Submitted) -> None:
    fee = reckon_fee(centre.catalogue.service(specimens.SERVICE), specimens.ANSWERS, centre.today())
    lines = tuple(k.PaymentLine(code=line.code, label=line.label.en, minor=line.minor) for line in fee.lines)
    payer = specimens.CITIZEN.name
    take_payment(
        centre, session, NewPayment(submitted.application, payer, lines, "challan", reference=specimens.CHALLAN)
    )


def _ask_outside(centre: Centre, session: Session, submitted: Submitted, step: str) -> None:
    steps.send_outside(centre, session, submitted.application, step, reference="SPECIMEN")
    steps.enter_answer(centre, session, submitted.application, step, "positive", reference="SPECIMEN")


def _sync(walk: Walk, store: Store) -> bool:
    def sync() -> bool:
        try:
            return sync_and_remember(store, central_address(walk.home)).complete
        except NetworkError as error:
            terminal.note(f"{error.sentence} Everything is kept, and goes when central is back.")
            return False

    return walk.step("carried to central", sync)


def _compare(walk: Walk, store: Store, papers: list[Paper], *, synced: bool) -> dict[str, object]:
    head, blobs = store.head(), store.named_blobs()
    with open_central(walk.central_home, central_key(walk.central_home)) as central:
        fetched = [
            walk.step("paper fetched back from central, and the same", functools.partial(_fetch, central, paper))
            if synced
            else None
            for paper in papers
        ]
        at_central = sum(central.holds(digest) for digest in blobs)

    walk.step("journal, tables and sealed files verified", lambda: _verify(walk))
    return {
        # Certificates and receipts are not made yet.
        "certificate": None,
        "certificate_blob": None,
        "certificate_sha256": None,
        "central_certificate_sha256": None,
        "receipt": None,
        "papers": [
            {
                "file": paper.file,
                "media_type": paper.media_type,
                "blob": paper.blob,
                "sha256": paper.sha256,
                "central_sha256": digest,
            }
            for paper, digest in zip(papers, fetched, strict=True)
        ],
        "home": str(walk.home),
        "central_home": str(walk.central_home),
        "passphrase_file": str(walk.passphrase_file),
        "results": str(walk.results),
        "journal_size": head.size,
        "cosigned_size": head.cosigned_size,
        "blobs": len(blobs),
        "blobs_at_central": at_central,
        "synced": synced and head.size == head.cosigned_size,
    }


def _verify(walk: Walk) -> None:
    report = check_home(walk.home, store_key(walk.home))
    if not report.ok:
        raise IntegrityError(" ".join(report.reasons), "Keep this folder and report it.")


def _fetch(central: Central, paper: Paper) -> str:
    found = hashlib.sha256(central.fetch(paper.blob)).hexdigest()
    if found != paper.sha256:
        raise IntegrityError("Central gave back another paper than was handed in.", "Keep this folder and report it.")
    return found


def _read_scans(named: list[Path]) -> list[tuple[Path, bytes]]:
    if not named:
        found = specimens.scan_at_hand()
        if found is None:
            return [(Path("ruled-page.png"), specimens.ruled_page())]
        named = [found]
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
        scans.append((file, content))
    return scans
