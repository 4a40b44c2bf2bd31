"""`sanad devices …`: what is plugged in, and whether it works. No enrolled home is needed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.journal.errors import DeviceError, OperatorError
from devices import discovery
from devices.addresses import ANY_READER, IPP, TCP, read_address
from devices.contracts import Kind
from devices.discovery import Found
from devices.errors import DeviceFault
from devices.ipp.transport import read_place, with_pin
from provisioning import devicetests, settings, terminal

DEFAULT_HOME: Final = Path("~/.local/share/sanad").expanduser()

JsonOption = Annotated[bool, typer.Option("--json", help="Answer in one line of JSON.")]
HomeOption = Annotated[Path | None, typer.Option("--home", help="Not needed: devices are the machine's.")]
NodeHomeOption = Annotated[Path, typer.Option("--home", envvar="SANAD_HOME", help="The node's home.")]
CounterOption = Annotated[str, typer.Option("--counter", help="The counter's name in node.toml.")]
OutOption = Annotated[Path, typer.Option("--out", help="Where the picture goes.")]
KindOption = Annotated[Kind | None, typer.Option("--kind", help="Where several have that serial number or port.")]
DeviceArgument = Annotated[
    str,
    typer.Argument(
        help="A serial number or a port from `devices list`, tcp:HOST[:PORT], ipp://HOST/PATH, or keys:any."
    ),
]

app = typer.Typer(no_args_is_help=True, help="The devices of this counter: list them, try them, assign them.")


@contextmanager
def _told() -> Iterator[None]:
    """What a device says is wrong, as an error that the command line tells."""
    try:
        yield
    except DeviceFault as fault:
        raise DeviceError(fault.sentence, fault.next_step) from None


@app.command("list")
def list_devices(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List every device that is plugged in, and how it is."""
    del home
    with _told():
        looked = discovery.discover()
    for trouble in looked.troubles:
        terminal.note(str(trouble))
    terminal.answer({"devices": [one.row() for one in looked.found]}, _table(looked.found), as_json=as_json)


@app.command("test")
def try_device(
    device: DeviceArgument,
    out: OutOption = Path("device-test.png"),
    kind: KindOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a test, take a signature or a picture, or scan a page; a picture of what came of it is written."""
    del home
    if not os.access(out.parent, os.W_OK) or out.is_dir():
        raise OperatorError(f"The picture cannot be written to {out}.", "Name a file in a folder of yours with --out.")
    with _told():
        tried = devicetests.try_device(_address(device, kind))
    if tried.picture is not None:
        out.write_bytes(tried.picture.png)
    written = str(out.resolve()) if tried.picture is not None else None
    values = {
        "kind": tried.kind.value,
        "outcome": tried.end.value,
        "sentence": tried.sentence,
        "next_step": tried.next_step,
        "picture": written,
    }
    words = f"{tried.sentence} {tried.next_step}".rstrip() + (f"\nThe picture is {written}." if written else "")
    terminal.answer(values, words, as_json=as_json)
    if not tried.well:
        sys.exit(terminal.EXIT_REFUSED)


@app.command("assign")
def assign_device(
    device: DeviceArgument,
    counter: CounterOption = "1",
    kind: KindOption = None,
    home: NodeHomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Write into node.toml that a counter uses this device."""
    with _told():
        address = _address(device, kind)
    settings.assign_device(home / settings.NODE_FILE, counter, address)
    named = read_address(address)[0].value
    values = {"counter": counter, "kind": named, "address": address}
    terminal.answer(values, f"Counter {counter} uses {address} as its {named}.", as_json=as_json)


def _table(found: Sequence[Found]) -> str:
    if not found:
        return "No device is plugged in that Sanad can serve."
    lines = []
    for one in found:
        who = one.identity
        name = " ".join(part for part in (who.model, who.serial) if part)
        lines.append(
            f"{who.kind.value:16} {who.vendor}:{who.product}  {who.port:8} {one.status.value:12} {name}".rstrip()
        )
        if one.sentence:
            lines.append(f"{'':16} {one.sentence} {one.next_step}".rstrip())
    return "\n".join(lines)


def _address(device: str, kind: Kind | None) -> str:
    """What was said is an address already, or names a device that there is."""
    if not device.startswith((*IPP, TCP)) and device != ANY_READER:
        return _found(device, kind).written()
    named = read_address(device)[0]
    if kind not in (None, named):
        raise OperatorError(f"{device} is the address of a {named.value}.", "Leave --kind out, or correct the address.")
    return with_pin(read_place(device)).written if named is Kind.PAGE_PRINTER else device


def _found(device: str, kind: Kind | None) -> Found:
    looked = discovery.discover_plugged()
    found = _named(device, kind, looked.found)
    if not found:
        looked = discovery.discover()
        found = _named(device, kind, looked.found)
    if not found and looked.troubles:
        raise OperatorError("No device was found that has that serial number or port.", str(looked.troubles[0]))
    if not found:
        raise OperatorError("No device has that serial number or port.", "Look it up with `sanad devices list`.")
    if len(found) > 1:
        step = "Give its port, or --kind." if kind is None else "Give its port."
        raise OperatorError("More than one device has that serial number or port.", step)
    return found[0]


def _named(device: str, kind: Kind | None, found: Sequence[Found]) -> list[Found]:
    named = [one for one in found if device in (one.identity.serial, one.identity.port)]
    return [one for one in named if kind in (None, one.identity.kind)]
