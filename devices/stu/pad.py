"""The driver of Wacom STU pads over USB.

Everything goes by feature reports; pictures by report 26, as the bulk endpoint is not documented openly. Identity,
brightness and keys lie in the pad's non-volatile memory and are never written. Captures are not encrypted on the cable.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from PIL import Image

from devices.collecting import Button, Collector, DeviceClock
from devices.contracts import (
    ANSWER_LIMIT_S,
    CAPTURE_LIMIT_S,
    CaptureEnd,
    CaptureOutcome,
    Identity,
    Kind,
    PadCapability,
    PenSample,
    Picture,
    SampleClock,
    Signature,
    SigningScreen,
    Status,
)
from devices.errors import DeviceFault, Garbled, Refused, TimedOut, Unplugged
from devices.finding import Which
from devices.pictures import open_picture
from devices.stu import screen as screens
from devices.stu.reports import (
    GARBLED_STEP,
    PRODUCTS,
    VENDOR,
    Encoding,
    EncodingFlag,
    PadReport,
    PenMode,
    Product,
    Report,
    State,
    best_encoding,
    image_blocks,
    read_capability,
    read_model,
    read_report,
    rectangle,
)
from devices.usb import UsbInterface, UsbPort

GET_REPORT: Final = (0xA1, 0x01)
SET_REPORT: Final = (0x21, 0x09)
FEATURE: Final = 0x0300
READ_SLICE_S: Final = 0.1
"""How long one wait for the pen lasts, so that cancelling is noticed soon."""
READY_LIMIT_S: Final = 5.0
READY_STEP_S: Final = 0.01
PICTURE_LIMIT_S: Final = 30.0
"""How long a picture may take to the pad: in colour it has thousands of blocks, each of which may take its time."""
SILENCE_S: Final = 2.0
"""After so long without a report the pad is asked whether it is still there."""
MAX_GARBAGE: Final = 32
MAX_STALE_REPORTS: Final = 1000
AGAIN: Final = "Ask the citizen to sign again."


def pad_interface(interfaces: tuple[UsbInterface, ...]) -> UsbInterface | None:
    """The interface that the pen reports on."""
    return next((i for i in interfaces if i.endpoint_in), None)


@dataclass(slots=True)
class _Capture:
    """One capture under way."""

    collector: Collector
    mode: PenMode
    clock: DeviceClock = field(default_factory=DeviceClock)
    form: int = 0
    sequence: int | None = None
    lost: int = 0
    garbage: int = 0
    began_s: float | None = None


class StuPad:
    """One Wacom STU pad.

    Args:
        which: the pad on the bus.
        clock: monotonic seconds.
        colour: send coloured pictures where the pad takes them; slower.
        silence_s: after so long without a report the pad is asked whether it is still there.
        picture_s: how long a picture may take to the pad.
    """

    def __init__(
        self,
        which: Which,
        *,
        clock: Callable[[], float] = time.monotonic,
        colour: bool = False,
        silence_s: float = SILENCE_S,
        picture_s: float = PICTURE_LIMIT_S,
    ) -> None:
        if which.vendor != VENDOR or which.product not in PRODUCTS:
            raise Refused("This signature pad is not supported.", "See docs/devices.md.")
        self._product: Product = PRODUCTS[which.product]
        self._port = UsbPort(which, "signature pad", pad_interface)
        self._clock = clock
        self._colour = colour
        self._silence_s = silence_s
        self._picture_s = picture_s
        self._lock = threading.Lock()
        self._shown: tuple[int, bytes] | None = None
        self._identity = Identity(
            Kind.SIGNATURE_PAD,
            f"{which.vendor:04x}",
            f"{which.product:04x}",
            self._product.name,
            which.serial,
            which.port,
        )

    @property
    def identity(self) -> Identity:
        """Which pad this is; the model's name as the pad told it, once it was asked."""
        return self._identity

    def close(self) -> None:
        """Let go of the pad."""
        with self._lock:
            self._port.close()

    def status(self) -> Status:
        """How the pad is now."""
        if not self._lock.acquire(timeout=ANSWER_LIMIT_S):
            return Status.BUSY
        try:
            return Status.READY if self._state() in (State.READY, State.CAPTURE) else Status.BUSY
        except Unplugged:
            return Status.UNPLUGGED
        except DeviceFault:
            return Status.UNKNOWN
        finally:
            self._lock.release()

    def identify(self) -> Identity:
        """Ask the pad for its model and serial number.

        Raises:
            DeviceFault: it is not there or does not answer.
        """
        with self._lock:
            model = read_model(self._get(Report.INFORMATION, 16)) or self._product.name
            self._identity = replace(self._plugged(), model=model)
            return self._identity

    def capability(self) -> PadCapability:
        """What the pad can do."""
        with self._lock:
            return self._capability()[0]

    def can_say(self, text: str) -> bool:
        """Whether the font has every character."""
        return screens.can_say(text)

    def show(self, picture: Picture | None) -> None:
        """Show a picture between captures, or nothing."""
        with self._lock:
            if picture is None:
                self._clear()
                return
            capability, flags = self._capability()
            whole = Image.new("RGB", (capability.width_px, capability.height_px), "white")
            image = open_picture(picture)
            image.thumbnail(whole.size, Image.Resampling.LANCZOS)
            whole.paste(image, ((whole.width - image.width) // 2, (whole.height - image.height) // 2))
            self._upload(whole, flags)

    def capture(
        self,
        screen: SigningScreen,
        *,
        seen: Callable[[PenSample], None] = lambda _sample: None,
        erased: Callable[[], None] = lambda: None,
        cancelled: threading.Event | None = None,
        accepted: threading.Event | None = None,
        cleared: threading.Event | None = None,
        limit_s: float = CAPTURE_LIMIT_S,
    ) -> CaptureOutcome:
        """Show what is signed, and collect the pen until a button on the pad ends it."""
        del accepted, cleared
        with self._lock:
            capability, flags = self._capability()
            self._identity = self._plugged()
            picture = screens.draw(screen, capability)
            places = screens.layout(capability.width_px, capability.height_px)
            buttons = {b: screens.in_pad_units(box, capability) for b, box in places.buttons.items()}
            try:
                mode = self._begin(picture, flags, (0, 0, capability.width_px - 1, capability.height_px - 1))
            except DeviceFault:
                self._end()  # what the citizen was to sign does not stay on the screen
                raise
            capture = _Capture(Collector(buttons, seen, erased), mode)
            end = self._clock() + min(limit_s, CAPTURE_LIMIT_S)
            try:
                return self._collect(capture, screen, capability, picture, flags, end, cancelled or threading.Event())
            except Unplugged:
                return _void("The pad was pulled out while the citizen signed; that signature is void.",
                             f"Put the pad's cable in again. {AGAIN}")  # fmt: skip
            except DeviceFault as fault:
                return _void(f"{fault.sentence} That signature is void.", f"{fault.next_step} {AGAIN}".strip())
            finally:
                self._end()

    # --- a capture ----------------------------------------------------------------------------------------------------

    def _begin(self, picture: Image.Image, flags: EncodingFlag, area: tuple[int, int, int, int]) -> PenMode:
        self._set(Report.INKING, b"\x00")
        self._upload(picture, flags)
        mode = self._product.mode
        if mode is not PenMode.NONE and not self._try_set(Report.PEN_MODE, bytes((mode,))):
            mode = PenMode.NONE
        self._try_set(Report.WRITING_AREA, rectangle(*area))
        for _ in range(MAX_STALE_REPORTS):
            if not self._port.read(0.005):
                break
        self._set(Report.INKING, b"\x01")
        return mode

    def _end(self) -> None:
        """Leave an empty screen behind; a pad that is gone has one anyway."""
        try:
            self._set(Report.INKING, b"\x00")
            self._clear()
        except DeviceFault:
            self._shown = None

    def _collect(
        self,
        capture: _Capture,
        screen: SigningScreen,
        capability: PadCapability,
        picture: Image.Image,
        flags: EncodingFlag,
        end: float,
        cancelled: threading.Event,
    ) -> CaptureOutcome:
        heard = self._clock()
        while not cancelled.is_set():
            now = self._clock()
            if now >= end:
                return CaptureOutcome(CaptureEnd.TIMED_OUT, None, "The citizen did not sign in time.", AGAIN)
            data = self._port.read(min(READ_SLICE_S, end - now))
            if not data:
                if now - heard > self._silence_s:
                    self._state()  # raises where nobody is there any more
                    heard = now
                continue
            heard = now
            sample = self._sample(capture, data, capability)
            tapped = capture.collector.take(sample) if sample else None
            self._shown = None  # ink stands on the picture from now on
            if capture.collector.full:
                return _void("The signature was too long.", AGAIN)
            if tapped is Button.CANCEL:
                return CaptureOutcome(CaptureEnd.CANCELLED, None, "The citizen cancelled on the pad.", AGAIN)
            if tapped is Button.CLEAR:
                self._set(Report.INKING, b"\x00")
                self._upload(picture, flags)
                self._set(Report.INKING, b"\x01")
            elif tapped is Button.ACCEPT:
                return CaptureOutcome(
                    CaptureEnd.ACCEPTED,
                    Signature(
                        self._identity,
                        capability,
                        screen.document_sha256,
                        SampleClock.HOST if capture.form and not _timed(capture) else SampleClock.DEVICE,
                        capture.collector.ink,
                        capture.lost,
                    ),
                    "The citizen signed.",
                )
        return CaptureOutcome(CaptureEnd.CANCELLED, None, "The signature was cancelled at the counter.", "")

    def _sample(self, capture: _Capture, data: bytes, capability: PadCapability) -> PenSample | None:
        """One sample; None for a report that cannot be, of which a few are forgiven."""
        report = read_report(data, capture.mode)
        if (
            report is None
            or report.x > capability.max_x
            or report.y > capability.max_y
            or report.pressure > capability.max_pressure
            or capture.form not in (0, report.form)
        ):
            capture.garbage += 1
            if capture.garbage > MAX_GARBAGE:
                raise Garbled("The signature pad sends reports that cannot be.", GARBLED_STEP)
            return None
        capture.form = report.form
        self._count_lost(capture, report)
        now = self._clock()
        capture.began_s = now if capture.began_s is None else capture.began_s
        host_ms = round((now - capture.began_s) * 1000)
        t_ms = host_ms if report.time_ms is None else capture.clock.at(report.time_ms, host_ms)
        return PenSample(t_ms, report.x, report.y, report.pressure, report.down)

    def _count_lost(self, capture: _Capture, report: PadReport) -> None:
        if report.sequence is None:
            return
        if capture.sequence is not None:
            capture.lost += (report.sequence - capture.sequence - 1) % 65536
        capture.sequence = report.sequence

    def _plugged(self) -> Identity:
        """The pad that is plugged in now: at an assigned port that may be another than before."""
        entry = self._port.entry
        return replace(self._identity, serial=entry.serial or self._port.which.serial, port=entry.port)

    # --- the pad ------------------------------------------------------------------------------------------------------

    def _get(self, report: Report, length: int) -> bytes:
        answer = self._port.control_in(*GET_REPORT, FEATURE | report, length + 1, ANSWER_LIMIT_S)
        if not answer or answer[0] != report:
            raise Garbled("The signature pad answered something else than it was asked.", GARBLED_STEP)
        return answer[1:]

    def _set(self, report: Report, payload: bytes) -> None:
        self._port.control_out(*SET_REPORT, FEATURE | report, bytes((report,)) + payload, ANSWER_LIMIT_S)

    def _try_set(self, report: Report, payload: bytes) -> bool:
        """Set what not every model has; false where it refuses."""
        try:
            self._set(report, payload)
        except Refused:
            return False
        return True

    def _state(self) -> State:
        payload = self._get(Report.STATUS, 4)
        try:
            return State(payload[0])
        except (ValueError, IndexError):
            raise Garbled("The signature pad is in a state that nobody knows.", GARBLED_STEP) from None

    def _ready(self) -> None:
        end = self._clock() + READY_LIMIT_S
        while self._state() not in (State.READY, State.CAPTURE):
            if self._clock() >= end:
                raise TimedOut("The signature pad stays busy.", "Pull its cable out, put it in again.")
            time.sleep(READY_STEP_S)

    def _capability(self) -> tuple[PadCapability, EncodingFlag]:
        return read_capability(self._get(Report.CAPABILITY, 16))

    def _clear(self) -> None:
        self._shown = None
        self._set(Report.CLEAR_SCREEN, b"\x00")
        self._ready()

    def _upload(self, image: Image.Image, flags: EncodingFlag) -> None:
        """Send a picture, unless the pad shows it already."""
        encoding = best_encoding(flags, self._product, colour=self._colour)
        pixels = screens.encode(image, encoding)
        wanted = (self._port.generation, hashlib.sha256(pixels).digest())
        if self._shown == wanted:
            return
        self._shown = None
        self._ready()
        end = self._clock() + self._picture_s
        self._set(Report.IMAGE_START, bytes((encoding,)))
        try:
            for block in image_blocks(pixels):
                if self._clock() >= end:
                    raise TimedOut("The signature pad takes its picture too slowly.", GARBLED_STEP)
                self._set(Report.IMAGE_BLOCK, block)
        except DeviceFault:
            self._abandon()
            raise
        self._set(Report.IMAGE_END, b"\x00")
        self._ready()
        self._shown = wanted

    def _abandon(self) -> None:
        try:
            self._set(Report.IMAGE_END, b"\x01")
        except DeviceFault:
            self._port.close()


def _timed(capture: _Capture) -> bool:
    return capture.form == 0x34 or (capture.form == 0x30 and capture.mode is PenMode.TIME)


def _void(sentence: str, next_step: str) -> CaptureOutcome:
    return CaptureOutcome(CaptureEnd.VOID, None, sentence, next_step)


__all__ = ["Encoding", "StuPad", "pad_interface"]
