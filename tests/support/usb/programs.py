"""Programs under test: they use the real drivers, and order the bus about by writing lines."""

from __future__ import annotations

import io
import json
import queue
import sys
import threading
from collections.abc import Callable

from PIL import Image, ImageDraw

from devices import hotplug, signatures
from devices.contracts import (
    Align,
    CaptureOutcome,
    Cut,
    Identity,
    JobOutcome,
    Kind,
    Line,
    OpenDrawer,
    PenSample,
    Picture,
    QrCode,
    Raster,
    SigningScreen,
)
from devices.errors import DeviceFault, Unprintable
from devices.escpos.encode import ReceiptEncoder
from devices.escpos.links import UsbLink
from devices.escpos.printer import EscposPrinter, Limits
from devices.evdev.pad import EvdevPad
from devices.finding import Which
from devices.sane import SaneScanner, name_now, scanners
from devices.stu.pad import StuPad
from devices.v4l2.camera import V4l2Camera
from tests.support.usb.pens import PenTablet
from tests.support.usb.printers import PRODUCT, VENDOR, SmallPrinter

PORT = "1-1"
LIMITS = Limits(answer_s=1.0, stall_s=1.0, job_s=60.0, confirm_s=20.0)
RECEIPT = (
    Line("Citizen Facilitation Centre", Align.CENTER, bold=True, large=True),
    Line("Fee: Rs 1,200 – café €5"),
    QrCode("https://sanad.example/t/CFC01-2026-000017-K"),
    Cut(),
    OpenDrawer(),
)


def order(do: str, **values: object) -> None:
    """Have something done on the bus, and wait until it is."""
    # Not `sys.stdout`: a console under test keeps that for itself.
    print(json.dumps({"do": do, "port": PORT, **values}), flush=True, file=sys.__stdout__)
    sys.stdin.readline()


def answer(value: object) -> None:
    """Give the result."""
    print(json.dumps({"result": value}), flush=True, file=sys.__stdout__)


def picture(width: int, height: int) -> Picture:
    """A slanted stroke in a frame: every row differs."""
    image = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width - 1, height - 1), outline=0)
    draw.line((0, 0, width - 1, height - 1), fill=0, width=9)
    out = io.BytesIO()
    image.save(out, "PNG")
    return Picture(out.getvalue())


def printer() -> EscposPrinter:
    """The printer at the port."""
    identity = Identity(Kind.RECEIPT_PRINTER, f"{VENDOR:04x}", f"{PRODUCT:04x}", "TM-T88V", "R1", PORT)
    return EscposPrinter(identity, UsbLink(Which(VENDOR, PRODUCT)), ReceiptEncoder(), limits=LIMITS)


def told(outcome: JobOutcome) -> dict[str, object]:
    """An outcome as JSON."""
    return {"end": outcome.end.value, "status": outcome.status.value, "sent": outcome.sent_bytes,
            "total": outcome.total_bytes, "sentence": outcome.sentence, "step": outcome.next_step}  # fmt: skip


def receipt() -> None:
    """Print the receipt."""
    answer(told(printer().print(RECEIPT)))


def long_receipt() -> None:
    """Print a receipt of some 40 kB."""
    answer(told(printer().print([Line("Long"), Raster(picture(576, 600)), Line("End"), Cut()])))


def small_receipt() -> None:
    """Print on the cheap printer: twice, to see that it is asked only once."""
    vendor, product = SmallPrinter.ids
    identity = Identity(Kind.RECEIPT_PRINTER, f"{vendor:04x}", f"{product:04x}", "", "", PORT)
    encoder = ReceiptEncoder("POS-5890", 384)
    small = EscposPrinter(identity, UsbLink(Which(vendor, product)), encoder, limits=LIMITS)
    first = small.print([Line("Receipt"), QrCode("https://sanad.example/t/17", 4), Cut()])
    answer({"job": told(first), "answers": small.answers, "status": small.status().value})


def twice() -> None:
    """Print; have the counter seen to; print again with the same object."""
    device = printer()
    first = device.print([Line("First"), Raster(picture(576, 600)), Cut()])
    for name in sys.argv[2:]:
        if name in ("unplug", "plug"):
            order(name)
        else:
            order("tell", name=name)
    second = device.print(RECEIPT)
    answer({"first": told(first), "second": told(second), "status": device.status().value})


def refused() -> None:
    """A line in Urdu without a picture."""
    try:
        printer().print([Line("ڈومیسائل")])
    except Unprintable as error:
        answer(error.sentence)


DOCUMENT = bytes(range(32))
SCREEN = SigningScreen(DOCUMENT, ("I ask for a domicile certificate.", "Everything above is true."))


def pad() -> StuPad:
    """The pad at the port; its product number is the argument."""
    return StuPad(Which(0x056A, int(sys.argv[2], 16)), silence_s=0.5)


def told_capture(outcome: CaptureOutcome) -> dict[str, object]:
    """A capture as JSON."""
    return {"end": outcome.end.value, "sentence": outcome.sentence, "step": outcome.next_step,
            "signature": outcome.signature and signatures.to_bytes(outcome.signature).decode()}  # fmt: skip


def sign() -> None:
    """One capture, and what the pad says of itself."""
    device = pad()
    before = device.status().value
    identity = device.identify()
    outcome = told_capture(device.capture(SCREEN, limit_s=30))
    answer({**outcome, "before": before, "model": identity.model, "serial": identity.serial})


def sign_twice() -> None:
    """A capture that ends badly; then the pad is put in again, and the citizen signs."""
    device = pad()
    first = told_capture(device.capture(SCREEN, limit_s=30))
    gone = device.status().value
    order("unplug")
    order("plug")
    order("tell", name="script", value=json.loads(sys.argv[3]))
    answer({"first": first, "gone": gone, "second": told_capture(device.capture(SCREEN, limit_s=30))})


def sign_limits() -> None:
    """A capture that nobody ends in time, and one that the operator cancels."""
    device = pad()
    late = device.capture(SCREEN, limit_s=0.2).end.value
    cancelled = threading.Event()
    cancelled.set()
    answer([late, device.capture(SCREEN, cancelled=cancelled).end.value])


def show() -> None:
    """The same picture twice, then another, then nothing; in colour."""
    device = StuPad(Which(0x056A, int(sys.argv[2], 16)), colour=True)
    for size in ((60, 30), (60, 30), (90, 30)):
        device.show(picture(*size))
    device.show(None)
    answer(None)


def sign_fault() -> None:
    """A capture that cannot start."""
    device = pad()
    try:
        device.capture(SCREEN)
    except DeviceFault as fault:
        answer({"kind": type(fault).__name__, "step": fault.next_step, "status": device.status().value})


def pen() -> EvdevPad:
    """The pen tablet, by its serial number."""
    return EvdevPad(Which(*PenTablet.ids, "PEN1"))


def pen_captured(device: EvdevPad, enough: int, limit_s: float = 10) -> dict[str, object]:
    """One capture, accepted at the counter after so many samples."""
    accepted, samples = threading.Event(), []

    def seen(sample: PenSample) -> None:
        samples.append(sample)
        if len(samples) >= enough:
            accepted.set()

    return told_capture(device.capture(SCREEN, seen=seen, accepted=accepted, limit_s=limit_s))


def pen_sign() -> None:
    """One capture with a pen of the kernel, and what it says of itself; the argument is when it is accepted."""
    device = pen()
    before = device.status().value
    outcome = pen_captured(device, int(sys.argv[2]))
    can = device.capability()
    answer({**outcome, "before": before, "model": device.identity.model, "port": device.identity.port,
            "screen": can.has_screen, "lpi": can.resolution_lpi, "can": [can.max_x, can.max_y, can.max_pressure],
            })  # fmt: skip


def pen_sign_twice() -> None:
    """A capture that ends badly; then the tablet is put in again, and the citizen signs."""
    device = pen()
    first = pen_captured(device, 1000)
    order("unplug")
    gone = device.status().value
    order("plug")
    order("tell", name="script", value=json.loads(sys.argv[2]))
    answer({"first": first, "gone": gone, "second": pen_captured(device, int(sys.argv[3]))})


def pen_limits() -> None:
    """A capture that nobody ends in time, one that is cancelled, and one accepted before there is ink."""
    device = pen()
    late = device.capture(SCREEN, limit_s=0.2).end.value
    cancelled, accepted = threading.Event(), threading.Event()
    cancelled.set()
    accepted.set()
    stopped = device.capture(SCREEN, cancelled=cancelled).end.value
    answer([late, stopped, device.capture(SCREEN, accepted=accepted, limit_s=0.2).end.value, accepted.is_set()])


def pen_fault() -> None:
    """A capture that cannot start; and then one that can."""
    device = pen()
    ends = []
    for _ in range(2):
        try:
            ends.append([device.capture(SCREEN, limit_s=0.1).end.value, ""])
        except DeviceFault as fault:
            ends.append([type(fault).__name__, fault.next_step])
        order("tell", name="free")
    answer({"ends": ends, "status": device.status().value})


def camera() -> V4l2Camera:
    """The camera, by its serial number."""
    return V4l2Camera(Which(0x046D, 0x0825, "CAM1"), limit_s=2)


def snapped(device: V4l2Camera) -> dict[str, str]:
    """A picture, or why there is none."""
    try:
        return {"png": device.snap().png.hex()}
    except DeviceFault as fault:
        return {"kind": type(fault).__name__, "step": fault.next_step}


def snap() -> None:
    """Take a picture; have things put right; take another."""
    device = camera()
    before = device.status().value
    first = snapped(device)
    gone = device.status().value
    for name in sys.argv[2:]:
        if name == "free":
            order("tell", name=name)
        else:
            order(name)
    answer({"before": before, "first": first, "gone": gone, "second": snapped(device), "model": device.identity.model})


def scanner() -> None:
    """How a scanner is written down, and what SANE calls it after a replug; `scanimage` is a stand-in on the path."""
    (found,) = scanners()
    names = [name_now(found.written)]
    order("unplug")
    status = SaneScanner(found.written).status().value
    order("plug")
    names.append(name_now(found.written))
    answer({"written": found.written, "port": found.identity.port, "names": names, "pulled": status})


def watch() -> None:
    """Look after each thing that happens on the bus; a printer keeps its serial number at another port."""
    watching = hotplug.Watch()
    device = EscposPrinter(
        Identity(Kind.RECEIPT_PRINTER, f"{VENDOR:04x}", f"{PRODUCT:04x}", "", "R1", PORT),
        UsbLink(Which(VENDOR, PRODUCT, "R1", PORT)),
        limits=LIMITS,
    )

    def look() -> list[list[str]]:
        return [sorted(plug.port for plug in plugs) for plugs in watching.look()]

    seen = {"first": look(), "still": look()}
    states = [device.status().value]
    order("unplug")
    seen["pulled"] = look()
    states.append(device.status().value)
    order("plug", port="1-7")
    seen["elsewhere"] = look()
    states.append(device.status().value)
    order("plug")
    answer({**seen, "again": look(), "status": states})


def follow() -> None:
    """Watch in the background while a pen and a camera are pulled out and put back."""
    changes: queue.Queue[hotplug.Change] = queue.Queue()
    stop = threading.Event()
    watching = threading.Thread(target=hotplug.follow, args=(stop, changes.put), kwargs={"every_s": 0.02})
    watching.start()

    def told(name: str, *ports: str) -> list[str]:
        """Wait until the USB device and the kernel's node at each port came or went; answers what else was told."""
        wanted = {(port, where) for port in ports for where in ("usb", "/sys")}
        other: list[str] = []
        while wanted:
            came, went = changes.get(timeout=20)
            right, wrong = (came, went) if name == "plug" else (went, came)
            wanted -= {(plug.port, "usb" if plug.address.startswith("usb") else "/sys") for plug in right}
            other += [plug.port for plug in wrong]
        return other

    others = told("plug", "1-1", "1-2")
    for port in ("1-1", "1-2"):
        for name in ("unplug", "plug"):
            order(name, port=port)
            others += told(name, port)
    stop.set()
    watching.join()
    answer(others)


PROGRAMS: dict[str, Callable[[], None]] = {
    "receipt": receipt,
    "long": long_receipt,
    "small": small_receipt,
    "twice": twice,
    "refused": refused,
    "sign": sign,
    "sign-twice": sign_twice,
    "sign-limits": sign_limits,
    "sign-fault": sign_fault,
    "show": show,
    "watch": watch,
    "snap": snap,
    "scanner": scanner,
    "follow": follow,
    "pen-sign": pen_sign,
    "pen-sign-twice": pen_sign_twice,
    "pen-limits": pen_limits,
    "pen-fault": pen_fault,
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]]()
