"""`sanad keys …`: the passphrases that open a home, and the change of the key behind them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from appliance.records.moment import at_text
from appliance.records.rekey import rekey
from appliance.sealing import slotfile, slots
from appliance.sealing.passphrase import calibrate
from appliance.sealing.slotfile import Slot, Slots
from appliance.sealing.slots import STORE_KEY_SIZE, Unlocked
from provisioning import terminal
from provisioning.keyservice import CENTRAL_SOCKET, NODE_SOCKET, AlreadyRunning, is_running
from provisioning.opening import HomeOption, JsonOption, home_of, real_clock
from provisioning.unlock import NEW_VARIABLE, changing, databases_of, open_home, read_passphrase

NEW_PROMPT = "New passphrase"
OLD_COPIES = "Backups and older copies of this home still open as before: keep them locked away, or destroy them."

app = typer.Typer(
    no_args_is_help=True, help="The passphrases that open a home, node's or central's, and the key behind them."
)


@app.command("list")
def list_slots(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show what opens this home: passphrases, and central's recovery key."""
    _show(slotfile.load(home_of(home)), as_json=as_json)


@app.command("add")
def add(
    label: Annotated[str, typer.Option(help="Whose passphrase it is.")] = "passphrase",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a passphrase. An existing one is asked for first."""
    place = home_of(home)
    opened = open_home(place)
    passphrase = read_passphrase(place, new=True, variable=NEW_VARIABLE, prompt=NEW_PROMPT)
    cost = calibrate(clock=time.monotonic)
    at = at_text(real_clock())
    _save(place, opened, slots.add_passphrase(opened, passphrase, label=label, at=at, random=os.urandom, cost=cost))
    _show(slotfile.load(place), as_json=as_json)


@app.command("change")
def change(slot_id: str, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Give a slot another passphrase. An existing one is asked for first."""
    place = home_of(home)
    opened = open_home(place)
    passphrase = read_passphrase(place, new=True, variable=NEW_VARIABLE, prompt=NEW_PROMPT)
    cost = calibrate(clock=time.monotonic)
    _save(place, opened, slots.change_passphrase(opened, slot_id, passphrase, random=os.urandom, cost=cost))
    _show(slotfile.load(place), as_json=as_json)
    terminal.note(
        f"{OLD_COPIES} `sanad keys rotate` makes the old passphrase useless for everything written from now on."
    )


@app.command("remove")
def remove(slot_id: str, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Take a passphrase, or central's recovery key, away."""
    place = home_of(home)
    opened = open_home(place)
    _save(place, opened, slots.remove(opened, slot_id))
    _show(slotfile.load(place), as_json=as_json)
    terminal.note(
        f"{OLD_COPIES} `sanad keys rotate` makes what was removed useless for everything written from now on."
    )


@app.command("rotate")
def rotate(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Encrypt the databases with a new key. Everything else of Sanad must be stopped; passphrases stay as they are."""
    place = home_of(home)
    if is_running(place, NODE_SOCKET) or is_running(place, CENTRAL_SOCKET):
        raise AlreadyRunning
    opened = open_home(place)
    new_key = os.urandom(STORE_KEY_SIZE)
    with changing(place, opened):
        begun = slots.begin_rotation(opened, new_key)
        slotfile.save(place, begun.slots)
        # From here on a failure or a power cut leaves both keys in the slots, until `open_home` looks which is right.
        for database in databases_of(place):
            rekey(database, opened.keys[0], new_key)
        slotfile.save(place, slots.finish_rotation(begun, new_key).slots)
    _show(slotfile.load(place), as_json=as_json)
    terminal.note(f"The new key is sealed to the slots above, and to nothing else. {OLD_COPIES}")


def _save(home: Path, opened: Unlocked, changed: Unlocked) -> None:
    with changing(home, opened):
        slotfile.save(home, changed.slots)


def _show(found: Slots, *, as_json: bool) -> None:
    rows = [{"id": slot.id, "kind": _kind(slot), "label": slot.label, "created": slot.created} for slot in found.slots]
    lines = [f"{row['id']}  {row['kind']:<10}  {row['created'][:10]}  {row['label']}" for row in rows]
    if found.rotating:
        lines.append("A change of the key was interrupted; it is settled when the home is next unlocked.")
    terminal.answer({"slots": rows, "rotating": found.rotating}, "\n".join(lines), as_json=as_json)


def _kind(slot: Slot) -> str:
    return str(slot.__struct_config__.tag)
