"""`sanad console`: the operators' console on this terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from appliance.journal.errors import DeviceError, OperatorError, SanadError
from appliance.store.store import Store
from provisioning import terminal
from provisioning.centre import centre_of, renewing
from provisioning.harden import describe
from provisioning.opening import HomeOption, home_of, node_store
from provisioning.settings import NODE_FILE, Counter, NodeSettings, load

if TYPE_CHECKING:
    from appliance.casework.signatures import Signed
    from devices.contracts import Code, Picture, Signature
    from tui.desk import Desk, Devices

COUNTER: Final = "1"
"""The counter of a centre whose settings name none."""
MAX_FAULTS: Final = 20
"""Faults that are told after the console ended."""


def console(home: HomeOption = None) -> None:
    """Open the operators' console. It needs a terminal of at least 80 columns and 24 lines."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise OperatorError("The console needs a terminal.", "Start it in one, without redirecting.")
    place = home_of(home)
    with node_store(home) as store:
        run_console(place, store)


def run_console(home: Path, store: Store, devices: Mapping[str, Devices] | None = None) -> None:
    """Run the console on an open store until somebody quits.

    Args:
        home: the node's home.
        store: its open store.
        devices: by counter, in place of those that `node.toml` names.

    Raises:
        OperatorError: the settings or a service file are wrong.
    """
    from tui.app import SanadConsole

    faults: list[str] = []
    app = SanadConsole(desk_of(home, store, lambda error: faults.append(describe(error)), devices))
    app.run()
    for each in faults[-MAX_FAULTS:]:
        terminal.note(each)
    if app.return_code:
        terminal.note("The console ended by a fault in Sanad. Drafts are kept: start it again.")
        raise typer.Exit(terminal.EXIT_BUG)


def desk_of(
    home: Path,
    store: Store,
    report: Callable[[BaseException], None],
    devices: Mapping[str, Devices] | None = None,
) -> Desk:
    """What a console is given at this node.

    Raises:
        OperatorError: the settings or a service file are wrong.
    """
    from tui.desk import Desk
    from tui.keymap import KEYS

    settings = load(NodeSettings, home / NODE_FILE)
    unknown = settings.console.keys.keys() - KEYS.keys()
    if unknown:
        raise OperatorError(
            f"{NODE_FILE}: console.keys: there is no action {min(unknown)}.", "See docs/console.md for their names."
        )
    return Desk(
        centre_of(settings, home, store),
        tuple(each.name for each in settings.counters) or (COUNTER,),
        {each.name: _devices(each) for each in settings.counters if each.devices} if devices is None else devices,
        settings.console.keys,
        report,
        _translate,
        _seal,
        _draw,
        _read_codes,
        _follow,
        renewing(home, store),
    )


def _devices(counter: Counter) -> Devices:
    from devices import opening
    from devices.contracts import Kind
    from devices.wedge import Wedge
    from tui.desk import Devices

    at = counter.devices
    return Devices(
        pad=opening.open_pad(at[Kind.SIGNATURE_PAD]) if Kind.SIGNATURE_PAD in at else None,
        receipts=opening.open_receipt_printer(at[Kind.RECEIPT_PRINTER]) if Kind.RECEIPT_PRINTER in at else None,
        pages=opening.open_page_printer(at[Kind.PAGE_PRINTER]) if Kind.PAGE_PRINTER in at else None,
        scanner=opening.open_scanner(at[Kind.SCANNER]) if Kind.SCANNER in at else None,
        camera=opening.open_camera(at[Kind.CAMERA]) if Kind.CAMERA in at else None,
        reader=opening.open_code_reader(at[Kind.CODE_READER]) if Kind.CODE_READER in at else None,
        wedge=Wedge if Kind.CODE_READER in at else None,
    )


def _translate(error: Exception) -> SanadError | None:
    from devices.errors import DeviceFault

    return DeviceError(error.sentence, error.next_step) if isinstance(error, DeviceFault) else None


def _seal(signature: Signature, purpose: str) -> Signed:
    from appliance.casework.signatures import Signed
    from devices import signatures

    strokes = signatures.to_bytes(signature)
    return Signed(
        purpose=purpose,
        document_sha256=signature.document_sha256.hex(),
        binding=signatures.binding(signature.document_sha256, strokes).hex(),
        strokes=strokes,
        pad=signature.pad.model or "signature pad",
        simulated=signature.pad.simulated,
    )


def _read_codes(picture: Picture) -> tuple[Code, ...]:
    from devices.codes import read_picture

    return read_picture(picture)


def _follow(stop: threading.Event, tell: Callable[[], None]) -> None:
    from devices import hotplug
    from devices.errors import DeviceFault

    try:
        hotplug.follow(stop, lambda _: tell())
    except DeviceFault:
        return  # no libusb: each device says so itself when it is used


def _draw(strokes: bytes) -> bytes:
    from devices import signatures

    return signatures.to_picture(signatures.from_bytes(strokes)).png
