"""`sanad sync …`: carry what central lacks now, and say where things stand."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.journal.errors import IntegrityError, OperatorError, SanadError
from appliance.records.failures import of_os
from appliance.store.store import Store
from provisioning import terminal
from provisioning.enrolled import NotEnrolledYet, is_begun, is_enrolled, require_enrolled
from provisioning.listscommands import lists_standing
from provisioning.making import KEYS
from provisioning.opening import HomeOption, JsonOption, node_store
from provisioning.raising import Raising, raise_pending, raising_standing
from provisioning.settings import NODE_FILE, NodeSettings, load
from sync import courier
from sync.agent import HeldBack, follow, sync_once
from sync.following import Timing
from sync.link import Address
from sync.outcome import SyncOutcome, SyncProgress

LAST_AT: Final = "sync-last-at"
LAST_TROUBLE: Final = "sync-last-trouble"
BOUNDED_S: Final = 3600.0
"""How long small requests are sent before a long stream is tried again."""
REMEMBER_EVERY_S: Final = 30.0

app = typer.Typer(no_args_is_help=True, help="Carry the journal to central, and see how far it is.")


def central_address(home: Path) -> Address:
    """Where this node's central is, and the authority that it is known by.

    Raises:
        OperatorError: there is no node, or it is not enrolled. IntegrityError: the certificate is damaged.
    """
    if not is_begun(home):
        raise OperatorError(f"There is no node in {home}.", "Set it up with `sanad enrol INVITE`, or check --home.")
    certificate = home / KEYS / "ca.crt"
    try:
        authority = x509.load_pem_x509_certificate(certificate.read_bytes())
    except FileNotFoundError:
        raise NotEnrolledYet from None
    except ValueError:
        raise IntegrityError(
            f"{certificate} is not the certificate that central gave.", "Put it back from a backup, or call central IT."
        ) from None
    except OSError as error:
        raise of_os(error) from error
    return Address(load(NodeSettings, home / NODE_FILE).central.url, authority.public_bytes(Encoding.DER))


def sync_and_remember(store: Store, address: Address, watch: terminal.Progress | None = None) -> SyncOutcome:
    """One sync; what came of it is remembered for `sync status`.

    Raises:
        SanadError: as `sync_once`.
    """

    def seen(progress: SyncProgress) -> None:
        if watch is not None:
            left = progress.entries_left + progress.blobs_left
            watch(progress.entries_sent, progress.entries_sent + left)

    try:
        outcome = sync_once(store, address, now_s=lambda: int(time.time()), watch=seen)
    except SanadError as error:
        store.remember(**{LAST_TROUBLE: str(error)})
        raise
    store.remember(**{LAST_AT: store.now(), LAST_TROUBLE: trouble(outcome)})
    if outcome.complete:
        courier.all_there(store, outcome.size)
    return outcome


@dataclass(slots=True)
class Carrier:
    """Sessions of the node service: long streams, or small requests for a while where something holds streams back."""

    store: Store
    address: Address
    timing: Timing
    bounded_until: float = 0.0

    def session(self, answered: Callable[[], None]) -> SyncOutcome:
        """One session, which ends when the service does, or breaks; what came of it is remembered for `sync status`.

        Raises:
            SanadError: as `sync_once`.
        """
        if self.timing.monotonic_s() < self.bounded_until:
            return sync_and_remember(self.store, self.address)
        told = _Told(self.store)
        try:
            return follow(
                self.store,
                self.address,
                now_s=lambda: int(time.time()),
                timing=self.timing,
                answered=answered,
                heard=told,
            )
        except HeldBack as error:
            self.bounded_until = self.timing.monotonic_s() + BOUNDED_S
            self.store.remember(**{LAST_TROUBLE: str(error)})
            raise
        except SanadError as error:
            self.store.remember(**{LAST_TROUBLE: str(error)})
            raise


class _Told:
    """Remembers where things stand, when that has changed in what people are told, or now and then."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: tuple[str, float] | None = None

    def __call__(self, outcome: SyncOutcome) -> None:
        words, now = trouble(outcome), time.monotonic()
        if self._last is None or self._last[0] != words or now - self._last[1] > REMEMBER_EVERY_S:
            self._last = words, now
            self._store.remember(**{LAST_AT: self._store.now(), LAST_TROUBLE: words})
            if outcome.complete:
                courier.all_there(self._store, outcome.size)


def sync_and_raise(
    store: Store, address: Address, watch: terminal.Progress | None = None
) -> tuple[SyncOutcome, Raising]:
    """A sync, timestamps for what was countersigned, and a sync of what that wrote.

    Raises:
        SanadError: as `sync_once`, or this node's disk.
    """
    outcome = sync_and_remember(store, address, watch)
    raised = raise_pending(store, address)
    if not raised.numbers:
        return outcome, raised
    after = sync_and_remember(store, address, watch)
    sums = {
        name: getattr(outcome, name) + getattr(after, name)
        for name in ("entries_sent", "blob_bytes_sent", "orders_taken")
    }
    return replace(after, **sums), raised


def trouble(outcome: SyncOutcome) -> str:
    """What people must know of an outcome that is not complete; empty when all is well."""
    if outcome.complete:
        return ""
    if outcome.missing:
        return (
            f"{len(outcome.missing)} sealed files are missing or damaged on this box. Check the disk; call central IT."
        )
    if outcome.size == outcome.cosigned_size:
        return f"All entries are countersigned; {outcome.wanted} sealed files are still on their way."
    return "Not everything is countersigned yet. Sync again."


@app.command("now")
def now(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Carry everything to central now. Exit 0 only when all of it is countersigned and every sealed file is there."""
    with node_store(home) as store:
        require_enrolled(store)
        address = central_address(store.layout.home)
        with terminal.progress("Syncing") as watch:
            outcome, raised = sync_and_raise(store, address, watch)
        standing = raising_standing(store)
    values = {
        "size": outcome.size,
        "cosigned_size": outcome.cosigned_size,
        "entries_sent": outcome.entries_sent,
        "blob_bytes_sent": outcome.blob_bytes_sent,
        "orders_taken": outcome.orders_taken,
        "missing": list(outcome.missing),
        "lists_trouble": outcome.lists_trouble or None,
        "raised": list(raised.numbers),
        "raising": standing.values,
        "complete": outcome.complete,
    }
    words = f"{outcome.cosigned_size} of {outcome.size} entries are countersigned by central. {trouble(outcome)}"
    if raised.numbers:
        words += f"\n{len(raised.numbers)} certificates were given a timestamp."
    terminal.answer(values, "\n".join(filter(None, (words.rstrip(), standing.words))), as_json=as_json)
    if outcome.lists_trouble:
        terminal.note(f"The public lists are not up to date. {outcome.lists_trouble}")
    if not outcome.complete:
        sys.exit(terminal.EXIT_REFUSED)


@app.command("status")
def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Say in one line whether all is well, and if not, what to do."""
    with node_store(home) as store:
        head = store.head()
        last_at, last_trouble = store.local(LAST_AT), store.local(LAST_TROUBLE) or ""
        enrolled = is_enrolled(store)
        lists = lists_standing(store) if enrolled else None
        raising = raising_standing(store)
    waiting = head.size - head.cosigned_size
    values = {
        "enrolled": enrolled,
        "size": head.size,
        "cosigned_size": head.cosigned_size,
        "waiting": waiting,
        "last_complete_contact": last_at,
        "trouble": last_trouble or None,
        "lists": None if lists is None else lists.values,
        "raising": raising.values,
    }
    if not enrolled:
        words = str(NotEnrolledYet())
    elif last_trouble:
        words = f"{waiting} entries wait for central. {last_trouble}"
    elif waiting:
        words = f"{waiting} entries wait for central; last contact {last_at or 'never'}."
    else:
        words = f"All {head.size} entries are at central; last contact {last_at}."
    if lists is not None:
        words += f"\n{lists.words}"
    if raising.words:
        words += f"\n{raising.words}"
    terminal.answer(values, words, as_json=as_json)
