"""A central and a node on this machine: made where they are not there yet, with operators who are specimens."""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import tomlkit

from appliance.access import operators
from appliance.access.operators import NewOperator
from appliance.access.session import Role, Session
from appliance.casework.centre import Centre
from appliance.casework.key_making import make_sealed_key
from appliance.casework.officer_keys import keys_of
from appliance.journal.errors import BugError, DeviceError
from appliance.records.disk import write_durably
from appliance.store.store import Store
from provisioning import terminal
from provisioning.centralcommands import make_central
from provisioning.centralopening import central_key, open_central
from provisioning.consolecommand import run_console
from provisioning.enrolled import is_begun, is_enrolled
from provisioning.enrolment import enrol_node
from provisioning.opening import open_store
from provisioning.settings import NODE_FILE, central_settings
from provisioning.unlock import store_key
from provisioning.walk.devices import console_devices
from provisioning.walk.place import Walk
from sync.central.layout import CentralLayout
from sync.invite import encode_invite, parse_invite

_PR_SET_PDEATHSIG: Final = 1
CENTRAL_STARTS_WITHIN_S: Final = 60.0
CENTRAL_ENDS_WITHIN_S: Final = 30.0
CENTRE: Final = ("PEW01", "SPECIMEN centre, Peshawar")
COUNTER: Final = "1"
SUPERVISOR: Final = ("sana", "SPECIMEN Sana", (Role.SUPERVISOR,))
OPERATOR: Final = ("omar", "SPECIMEN Omar", (Role.OPERATOR, Role.OFFICER))
OFFICER: Final = ("rabia", "SPECIMEN Rabia", (Role.OPERATOR, Role.OFFICER))


def ensure_central(walk: Walk) -> None:
    """Make central, unless it is there."""
    if not CentralLayout(walk.central_home).archive.is_file():
        settings = central_settings("SPECIMEN central", "127.0.0.1", _free_port(), None)
        make_central(walk.central_home, settings, walk.passphrase)


def ensure_node(walk: Walk) -> None:
    """Enrol the node, or go on with it where that was interrupted."""
    if is_begun(walk.home):
        with open_store(walk.home, store_key(walk.home)).closing() as store:
            if is_enrolled(store):
                return
    if not walk.invite.is_file():
        with open_central(walk.central_home, central_key(walk.central_home)) as central:
            write_durably(walk.invite, encode_invite(central.invite(*CENTRE)).encode())
    login, name, roles = SUPERVISOR
    first = NewOperator(login, name, roles, walk.password)
    enrol_node(walk.home, parse_invite(walk.invite.read_text(encoding="ascii")), first, lambda: walk.passphrase)


def ensure_specimen(walk: Walk) -> None:
    """Let the node's settings say that it is there for trying out, so that all its paper says so."""
    file = walk.home / NODE_FILE
    document = tomlkit.parse(file.read_text(encoding="utf-8"))
    if "casework" not in document:
        document["casework"] = {"specimen": True}
        write_durably(file, tomlkit.dumps(document).encode())


def ensure_staff(walk: Walk, store: Store) -> None:
    """Let the supervisor add two people who are operators and officers both, unless they are there."""
    there = {account.login for account in operators.operators(store)}
    missing = [one for one in (OPERATOR, OFFICER) if one[0] not in there]
    if not missing:
        return
    supervisor = sign_in(walk, store, SUPERVISOR[0], Role.SUPERVISOR)
    for login, name, roles in missing:
        operators.add_operator(store, supervisor, NewOperator(login, name, roles, walk.password), os.urandom)
    operators.sign_out(store, supervisor)


def ensure_key(walk: Walk, centre: Centre) -> None:
    """Let the officer make a key of her own, unless she has one; central certifies it with the next sync."""
    officer = sign_in(walk, centre.store, OFFICER[0], Role.OFFICER)
    if not keys_of(centre.store, officer):
        make_sealed_key(centre, officer, walk.pin)
    operators.sign_out(centre.store, officer)


def open_console(walk: Walk, store: Store) -> None:
    """Let people try the console; it ends when they leave it."""
    terminal.note(
        f"Sign in as {OPERATOR[0]}, {OFFICER[0]} (operators and officers) or {SUPERVISOR[0]} (supervisor); "
        f"everybody's password is: {walk.password}\n"
        f"The PIN of {OFFICER[0]}'s key, by which she signs certificates, is: {walk.pin}"
    )
    terminal.note(f"What the simulated printers print comes out in {walk.results}.")
    run_console(walk.home, store, {COUNTER: console_devices(walk.results)})


def sign_in(walk: Walk, store: Store, login: str, role: Role) -> Session:
    """Sign a specimen operator in at the one counter."""
    return operators.sign_in(store, login=login, password=walk.password, role=role, counter=COUNTER)


@contextlib.contextmanager
def central_served(home: Path, log: Path) -> Iterator[None]:
    """Central, served by a process of its own until the block ends; what it says goes to `log`.

    Raises:
        DeviceError: it did not begin to answer; what it said is in the sentence.
    """
    command = [sys.executable, "-m", "provisioning", "central", "serve", "--home", str(home)]
    with (
        log.open("w") as kept,
        subprocess.Popen(
            command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, preexec_fn=_end_with_parent
        ) as process,
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


def _end_with_parent() -> None:
    """Let a killed run leave no central behind, which would keep its port and its home (`prctl(2)`)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _first_line(pipe: IO[str]) -> str:
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        return pipe.readline() if selector.select(CENTRAL_STARTS_WITHIN_S) else "nothing"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
