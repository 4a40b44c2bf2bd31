"""`sanad sync …`: carry what central lacks now, and say where things stand."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.casework.decisions import CarriedOut
from appliance.journal.errors import IntegrityError, OperatorError
from appliance.records.failures import of_os
from appliance.store import carried
from appliance.store.store import Store
from provisioning import obeying, terminal
from provisioning.carrier import stuck, sync_and_remember, trouble
from provisioning.enrolled import NotEnrolledYet, is_begun, is_enrolled, require_enrolled
from provisioning.listsstanding import lists_standing
from provisioning.making import KEYS
from provisioning.obeying import carry_out_due
from provisioning.opening import HomeOption, JsonOption, node_store
from provisioning.raising import Raising, raise_pending, raising_standing
from provisioning.settings import NODE_FILE, NodeSettings, load
from sync.link import Address, best_congestion_control
from sync.outcome import SyncOutcome

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
    central = load(NodeSettings, home / NODE_FILE).central
    return Address(central.url, authority.public_bytes(Encoding.DER), central.proxy)


def sync_and_raise(
    store: Store, address: Address, watch: terminal.Progress | None = None
) -> tuple[SyncOutcome, Raising, CarriedOut]:
    """A sync, what came down by it carried out, timestamps for what was countersigned, and a sync of what that wrote.

    Raises:
        SanadError: as `sync_once`, or this node's disk.
    """
    outcome = sync_and_remember(store, address, watch)
    obeyed = carry_out_due(store.layout.home, store) if outcome.orders_taken else CarriedOut((), ())
    raised = raise_pending(store, address)
    if not (raised.numbers or obeyed.done or obeyed.contested):
        return outcome, raised, obeyed
    after = sync_and_remember(store, address, watch)
    sums = {
        name: getattr(outcome, name) + getattr(after, name)
        for name in ("entries_sent", "blob_bytes_sent", "orders_taken")
    }
    return replace(after, **sums), raised, obeyed


def _in_the_way(outcome: SyncOutcome) -> str:
    items = stuck(outcome)
    if not items:
        return trouble(outcome)
    files = "1 sealed file is" if len(items) == 1 else f"{len(items):,} sealed files are"
    return f"{files} missing or damaged on this box. {items[0].next_step}"


@app.command("now")
def now(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Carry everything to central now. Exit 0 only when all of it is countersigned and every sealed file is there."""
    with node_store(home) as store:
        require_enrolled(store)
        address = central_address(store.layout.home)
        with terminal.progress("Syncing") as watch:
            outcome, raised, obeyed = sync_and_raise(store, address, watch)
        standing = raising_standing(store)
    values = {
        "size": outcome.size,
        "cosigned_size": outcome.cosigned_size,
        "entries_sent": outcome.entries_sent,
        "blob_bytes_sent": outcome.blob_bytes_sent,
        "orders_taken": outcome.orders_taken,
        "missing": list(outcome.missing),
        "lists_trouble": outcome.lists_trouble or None,
        "carried_out": list(obeyed.done),
        "contested": list(obeyed.contested),
        "raised": list(raised.numbers),
        "raising": standing.values,
        "complete": outcome.complete,
    }
    words = f"{outcome.cosigned_size} of {outcome.size} entries are countersigned by central. {_in_the_way(outcome)}"
    if raised.numbers:
        words += f"\n{len(raised.numbers)} certificates were given a timestamp."
    said = filter(None, (words.rstrip(), obeying.words(obeyed), standing.words))
    terminal.answer(values, "\n".join(said), as_json=as_json)
    if outcome.lists_trouble:
        terminal.note(f"The public lists are not up to date. {outcome.lists_trouble}")
    if not outcome.complete:
        sys.exit(terminal.EXIT_REFUSED)


@app.command("status")
def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Say in one line whether all is well, and if not, what to do."""
    with node_store(home) as store:
        enrolled = is_enrolled(store)
        standing = carried.carried(store, enrolled=enrolled)
        lists = lists_standing(store) if enrolled else None
        raising = raising_standing(store)
        now = store.clock()
    values = standing.values | {
        "well": standing.well(now),
        "line": standing.words(now),
        "congestion_control": best_congestion_control(),
        "lists": None if lists is None else lists.values,
        "raising": raising.values,
    }
    words = [standing.words(now), *standing.details, "" if lists is None else lists.words, raising.words]
    terminal.answer(values, "\n".join(filter(None, words)), as_json=as_json)


@app.command("pause")
def pause(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Send nothing until `sanad sync resume`: for a link that is paid by the byte. Work goes on; nothing is lost."""
    _set_paused(home, paused=True, as_json=as_json)


@app.command("resume")
def resume(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Go on sending."""
    _set_paused(home, paused=False, as_json=as_json)


def _set_paused(home: Path | None, *, paused: bool, as_json: bool) -> None:
    with node_store(home) as store:
        if paused != carried.is_paused(store):
            carried.pause(store, paused=paused)
        standing = carried.carried(store, enrolled=is_enrolled(store))
        now = store.clock()
    terminal.answer({"paused": paused, "waiting": standing.waiting}, standing.words(now), as_json=as_json)
