"""`sanad devices …`: what is plugged in, and whether it works. No enrolled home is needed."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from PIL import Image

from appliance.journal.errors import DeviceError, OperatorError
from devices import discovery, opening, signatures
from devices.addresses import IPP, TCP, read_address
from devices.contracts import (
    Align,
    CaptureEnd,
    Cut,
    JobEnd,
    Kind,
    Line,
    Picture,
    QrCode,
    ReceiptPart,
    ReceiptPrinter,
    ScanColour,
    Scanner,
    ScanSource,
    SignaturePad,
    SigningScreen,
    Status,
)
from devices.discovery import Found
from devices.errors import DeviceFault
from devices.paper import draw_receipt
from devices.pictures import to_png
from provisioning import settings, terminal

SAMPLE: Final = (
    Line("Sanad", Align.CENTER, bold=True, large=True),
    Line("This is a test of the receipt printer.", Align.CENTER),
    Line("If you can read this, it works."),
    QrCode("SANAD TEST"),
    Cut(),
)
DEFAULT_HOME: Final = Path("~/.local/share/sanad").expanduser()
SAMPLE_TEXT: Final = "This is a test of the signature pad."

JsonOption = Annotated[bool, typer.Option("--json", help="Answer in one line of JSON.")]
HomeOption = Annotated[Path | None, typer.Option("--home", help="Not needed: devices are the machine's.")]
NodeHomeOption = Annotated[Path, typer.Option("--home", envvar="SANAD_HOME", help="The node's home.")]
CounterOption = Annotated[str, typer.Option("--counter", help="The counter's name in node.toml.")]
OutOption = Annotated[Path, typer.Option("--out", help="Where the picture goes.")]
DeviceArgument = Annotated[
    str, typer.Argument(help="A serial number or a port from `devices list`, or tcp:HOST[:PORT].")
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
        found = discovery.discover()
    terminal.answer({"devices": [one.row() for one in found]}, _table(found), as_json=as_json)


@app.command("test")
def try_device(
    device: DeviceArgument,
    out: OutOption = Path("device-test.png"),
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a test receipt, take a test signature, or scan a page; a picture of it is written to a file."""
    del home
    with _told():
        kind, (end, sentence, next_step), picture = _try_out(device)
    if picture is not None:
        out.write_bytes(picture.png)
    written = str(out.resolve()) if picture is not None else None
    values = {
        "kind": kind.value,
        "outcome": end.value,
        "sentence": sentence,
        "next_step": next_step,
        "picture": written,
    }
    words = f"{sentence} {next_step}".rstrip() + (f"\nThe picture is {written}." if written else "")
    terminal.answer(values, words, as_json=as_json)
    if end not in (JobEnd.PRINTED, JobEnd.SENT_UNCONFIRMED, CaptureEnd.ACCEPTED, Status.READY):
        sys.exit(terminal.EXIT_REFUSED)


@app.command("assign")
def assign_device(
    device: DeviceArgument,
    counter: CounterOption = "1",
    home: NodeHomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Write into node.toml that a counter uses this device."""
    with _told():
        address = _address(device)
    settings.assign_device(home / settings.NODE_FILE, counter, address)
    kind = read_address(address)[0].value
    values = {"counter": counter, "kind": kind, "address": address}
    terminal.answer(values, f"Counter {counter} uses {address} as its {kind}.", as_json=as_json)


def _table(found: list[Found]) -> str:
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


Tried = tuple[Kind, tuple[JobEnd | CaptureEnd | Status, str, str], Picture | None]


def _try_out(device: str) -> Tried:
    address = _address(device)
    match read_address(address)[0]:
        case Kind.RECEIPT_PRINTER:
            return _try_printer(opening.open_receipt_printer(address))
        case Kind.SIGNATURE_PAD:
            return _try_pad(opening.open_pad(address))
        case Kind.SCANNER:
            return _try_scanner(opening.open_scanner(address))
        case _:
            raise OperatorError(
                "A device of that kind cannot be tried from here.", "Use the system's own printer test."
            )


def _address(device: str) -> str:
    """What was said is an address already, or names a device that is plugged in."""
    return device if device.startswith((TCP, *IPP)) else _found(device).written()


def _found(device: str) -> Found:
    found = _named(device, discovery.discover_plugged()) or _named(device, discovery.discover())
    if len(found) != 1:
        what = "No device" if not found else "More than one device"
        raise OperatorError(f"{what} has that serial number or port.", "Look it up with `sanad devices list`.")
    return found[0]


def _named(device: str, found: list[Found]) -> list[Found]:
    return [one for one in found if device in (one.identity.serial, one.identity.port)]


def _try_scanner(scanner: Scanner) -> Tried:
    end = scanner.scan(ScanSource.FLATBED, ScanColour.GREY)
    picture = None
    if end.pages:
        with Image.open(io.BytesIO(end.pages[0].jpeg), formats=["JPEG"]) as page:
            picture = to_png(page)
    return Kind.SCANNER, (end.status, end.sentence, end.next_step), picture


def _try_printer(printer: ReceiptPrinter) -> Tried:
    parts: tuple[ReceiptPart, ...] = SAMPLE
    outcome = printer.print(parts)
    sent = draw_receipt(parts, printer.width_dots) if outcome.sent_bytes else None
    return Kind.RECEIPT_PRINTER, (outcome.end, outcome.sentence, outcome.next_step), sent


def _try_pad(pad: SignaturePad) -> Tried:
    terminal.note("Sign on the pad, and tap Accept there.")
    screen = SigningScreen(hashlib.sha256(SAMPLE_TEXT.encode()).digest(), (SAMPLE_TEXT,))
    outcome = pad.capture(screen)
    drawn = None if outcome.signature is None else signatures.to_picture(outcome.signature)
    return Kind.SIGNATURE_PAD, (outcome.end, outcome.sentence, outcome.next_step), drawn
