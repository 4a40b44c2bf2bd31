"""`sanad run`: the whole system on this machine, and one case walked through it.

It makes a central and a node in a fresh folder, serves central as a process of its own, enrols the node, takes in a
specimen case with a real scan, has it approved by another pair of eyes, carries all of it to central, fetches the scan
back and compares. Each step is printed with its time; the last line is JSON. What is a specimen says so.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import secrets
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated, Final, TypeVar

import typer

from appliance.access import operators
from appliance.access.four_eyes import SameEyes
from appliance.access.operators import NewOperator
from appliance.access.session import Role, Session
from appliance.casework import applications
from appliance.casework.applications import Submitted
from appliance.casework.intake import MAX_PAPER_BYTES, PaperRefused, media_type
from appliance.journal.errors import BugError, DeviceError, IntegrityError, NetworkError, OperatorError
from appliance.journal.ids import BlobDigest
from appliance.records.disk import write_durably
from appliance.store.store import Store
from provisioning import specimens, terminal
from provisioning.centralcommands import make_central
from provisioning.centralopening import central_key, open_central
from provisioning.enrolment import enrol_node
from provisioning.journalcommands import check_home
from provisioning.opening import open_store
from provisioning.settings import central_settings
from provisioning.synccommands import central_address, sync_and_remember
from provisioning.unlock import VARIABLE, store_key
from sync.central.central import Central
from sync.invite import Invite

EXIT_SCAN_REFUSED: Final = 4
CENTRAL_STARTS_WITHIN_S: Final = 60.0
CENTRAL_ENDS_WITHIN_S: Final = 30.0
CENTRE: Final = ("PEW01", "SPECIMEN centre, Peshawar")
PLACE: Final = Path(".run")
STAFF: Final = (("omar", "SPECIMEN Omar"), ("rabia", "SPECIMEN Rabia"))
SUPERVISOR: Final = ("sana", "SPECIMEN Sana")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Paper:
    """A scan that was handed in, and where it went."""

    file: str
    media_type: str
    sha256: str
    blob: BlobDigest


@dataclass
class Walk:
    """Where a walk keeps its things, and what it has done so far."""

    place: Path
    passphrase: str = field(repr=False)
    steps: list[dict[str, object]] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """The node's home."""
        return self.place / "node"

    @property
    def central_home(self) -> Path:
        """Central's home."""
        return self.place / "central"

    @property
    def results(self) -> Path:
        """Copies for the person who ran this."""
        return self.place / "results"

    @property
    def passphrase_file(self) -> Path:
        """What opens both homes, and is every specimen operator's password."""
        return self.results / "passphrase"

    def step(self, what: str, work: Callable[[], T]) -> T:
        """Do one step, and say what it was and how long it took."""
        start = time.monotonic()
        result = work()
        took_ms = round((time.monotonic() - start) * 1000)
        self.steps.append({"step": what, "ms": took_ms})
        print(f"{took_ms:>6} ms  {what}", flush=True)  # noqa: T201
        return result


def run(
    once: Annotated[bool, typer.Option("--once", help="Walk one case and end; as without a terminal.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Take central away before the case begins.")] = False,
    scan: Annotated[list[Path] | None, typer.Option(help="A scanned paper to hand in; may be said again.")] = None,
    place: Annotated[Path, typer.Option(help="The folder to make everything in.")] = PLACE,
) -> None:
    """Set up a central and a node on this machine, and walk a specimen case from the counter to the locker."""
    del once  # There is no console yet, so that the walk is all there is, with a terminal or without.
    scans = _read_scans(scan or [])
    walk = Walk(_fresh(place), secrets.token_urlsafe(24))
    walk.results.mkdir(parents=True, mode=0o700)
    write_durably(walk.passphrase_file, walk.passphrase.encode() + b"\n")
    os.environ[VARIABLE] = str(walk.passphrase_file)
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Central is a process of its own: it is ended on the way out, whoever ends this one.
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    terminal.note(f"Everything of this run lies in {walk.place}. Its people and papers are specimens.")
    port = _free_port()
    walk.step("central made: keys, certificate authority, archive", lambda: _make_central(walk, port))
    with contextlib.ExitStack() as serving:
        walk.step(
            "central answers",
            lambda: serving.enter_context(central_served(walk.central_home, walk.results / "central.log")),
        )
        walk.step("node enrolled: keys made here, first supervisor, first numbers leased", lambda: _enrol(walk))
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
    def hire() -> None:
        supervisor = _sign_in(walk, store, SUPERVISOR[0], Role.SUPERVISOR)
        for login, name in STAFF:
            new = NewOperator(login, name, (Role.OPERATOR, Role.OFFICER), walk.passphrase)
            operators.add_operator(store, supervisor, new, os.urandom)
        operators.sign_out(store, supervisor)

    walk.step("supervisor added two operators who are officers too", hire)
    operator = walk.step("operator signed in", lambda: _sign_in(walk, store, STAFF[0][0], Role.OPERATOR))
    citizen = walk.step("citizen written down", lambda: applications.add_person(store, operator, specimens.CITIZEN))
    submitted = walk.step(
        "application taken in",
        lambda: applications.submit_application(
            store, operator, service=specimens.SERVICE, applicant=citizen, fields=specimens.FIELDS
        ),
    )
    papers = [
        walk.step(
            f"paper sealed and added: {file.name}",
            functools.partial(_add, store, operator, submitted, file, content),
        )
        for file, content in scans
    ]

    def same_eyes_refused() -> None:
        session = _sign_in(walk, store, STAFF[0][0], Role.OFFICER)
        try:
            applications.approve(store, session, submitted.application)
        except SameEyes:
            return
        raise BugError("A case was approved by the person who took it in.")

    walk.step("the same person, now as officer, was refused (four eyes)", same_eyes_refused)
    officer = walk.step("another officer signed in", lambda: _sign_in(walk, store, STAFF[1][0], Role.OFFICER))
    walk.step("application approved", lambda: applications.approve(store, officer, submitted.application))
    return submitted, papers


def _add(store: Store, session: Session, submitted: Submitted, file: Path, content: bytes) -> Paper:
    found = media_type(content)
    digest = applications.add_paper(
        store, session, submitted.application, label=specimens.PAPER, media_type=found, content=content
    )
    return Paper(str(file), found, hashlib.sha256(content).hexdigest(), digest)


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
            media_type(content)
        except PaperRefused as error:
            terminal.note(f"{file}: {error.sentence}\n→ {error.next_step}")
            raise typer.Exit(EXIT_SCAN_REFUSED) from None
        except OSError as error:
            raise OperatorError(f"{file} cannot be read ({error.strerror}).", "Check the name of the file.") from error
        scans.append((file, content))
    return scans


def _fresh(place: Path) -> Path:
    """A folder of its own for this run, under `place`."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    for number in range(100):
        fresh = (place / (stamp if number == 0 else f"{stamp}-{number}")).absolute()
        try:
            fresh.mkdir(parents=True, mode=0o700)
        except FileExistsError:
            continue
        except OSError as error:
            raise OperatorError(
                f"No folder can be made in {place.absolute()}: {error.strerror}.", "Name another place with --place."
            ) from error
        return fresh
    raise DeviceError(f"No free name for a folder in {place}.", "Name another place with --place.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _make_central(walk: Walk, port: int) -> None:
    settings = central_settings("SPECIMEN central", "127.0.0.1", port, None)
    make_central(walk.central_home, settings, walk.passphrase)


@contextlib.contextmanager
def central_served(home: Path, log: Path) -> Iterator[None]:
    """Central, served by a process of its own until the block ends; what it says goes to `log`.

    Raises:
        DeviceError: it did not begin to answer; what it said is in the sentence.
    """
    command = [sys.executable, "-m", "provisioning", "central", "serve", "--home", str(home)]
    with (
        log.open("w") as kept,
        subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process,
    ):
        if process.stderr is None:
            raise BugError("Central was started without a pipe.")
        try:
            said = _first_line(process.stderr)
            if not said.startswith("Central answers"):
                raise DeviceError(f"Central did not start; it said: {said.strip()}", "Mend that, and try again.")
            reader = threading.Thread(target=shutil.copyfileobj, args=(process.stderr, kept), daemon=True)
            reader.start()
            try:
                yield
            finally:
                process.send_signal(signal.SIGTERM)
                reader.join(CENTRAL_ENDS_WITHIN_S)
        finally:
            process.kill()


def _first_line(pipe: IO[str]) -> str:
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        return pipe.readline() if selector.select(CENTRAL_STARTS_WITHIN_S) else "nothing"


def _enrol(walk: Walk) -> None:
    with open_central(walk.central_home, central_key(walk.central_home)) as central:
        invite: Invite = central.invite(*CENTRE)
    login, name = SUPERVISOR
    first = NewOperator(login, name, (Role.SUPERVISOR,), walk.passphrase)
    enrol_node(walk.home, invite, first, lambda: walk.passphrase)


def _sign_in(walk: Walk, store: Store, login: str, role: Role) -> Session:
    return operators.sign_in(store, login=login, password=walk.passphrase, role=role, counter="1")
