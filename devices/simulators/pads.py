"""A signature pad that is not there: a specimen signature in place of a citizen's."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import replace

from PIL import ImageDraw, ImageFont

from devices.collecting import Collector
from devices.contracts import (
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
from devices.errors import Unplugged
from devices.pictures import open_picture, to_png
from devices.simulators.fates import SIMULATED, Fate, Fated
from devices.stu import screen as screens

CAPABILITY = PadCapability(10800, 6500, 1023, 800, 480, 200, 2540)
SAMPLE_MS = 5
LOOK_S = 0.02


class SimulatedPad(Fated):
    """Signs at once with a specimen; `SIMULATED` stands on its screen and in its name.

    Args:
        fate: what happens to the calls; `FAILS` voids captures, `SILENT` never signs, `UNPLUGGED` takes the pad away.
        has_screen: without one it is a pen, and the counter says when the citizen is done.
    """

    def __init__(self, fate: Fate = Fate.WORKS, *, has_screen: bool = True) -> None:
        name = f"{SIMULATED} {'pad' if has_screen else 'pen'}"
        self.identity = Identity(Kind.SIGNATURE_PAD, "", "", name, SIMULATED, SIMULATED.lower(), simulated=True)
        self._capability = CAPABILITY if has_screen else replace(CAPABILITY, width_px=0, height_px=0)
        self.fate = fate
        self.on_screen: Picture | None = None
        """What a person would see on the pad."""
        self.asked: SigningScreen | None = None
        """What it was last asked to show for a signature."""

    def status(self) -> Status:
        """As told."""
        return Status.UNPLUGGED if self.fate is Fate.UNPLUGGED else Status.READY

    def close(self) -> None:
        """There is nothing to let go of."""

    def capability(self) -> PadCapability:
        """A pad like an STU-530, or a pen."""
        self._there()
        return self._capability

    def can_say(self, text: str) -> bool:
        """As a real pad."""
        return not self._capability.has_screen or screens.can_say(text)

    def show(self, picture: Picture | None) -> None:
        """Show a picture, marked."""
        self._there()
        shows = picture is not None and self._capability.has_screen
        self.on_screen = _marked(picture) if picture is not None and shows else None

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
        """Sign with the specimen, or fail as told."""
        self._there()
        self.asked = screen
        cancelled, accepted, cleared = (event or threading.Event() for event in (cancelled, accepted, cleared))
        if self._capability.has_screen:
            self.on_screen = _marked(to_png(screens.draw(screen, CAPABILITY)))
        if cancelled.is_set() or (self.fate is Fate.SILENT and cancelled.wait(limit_s)):
            return CaptureOutcome(CaptureEnd.CANCELLED, None, "The signature was cancelled at the counter.")
        if self.fate is Fate.SILENT:
            return CaptureOutcome(CaptureEnd.TIMED_OUT, None, "The citizen did not sign in time.")
        collector = Collector({}, seen, erased)
        _write(collector)
        if self.fate is Fate.FAILS:
            return CaptureOutcome(
                CaptureEnd.VOID,
                None,
                "The pad was pulled out while the citizen signed; that signature is void.",
                "Put the pad's cable in again. Ask the citizen to sign again.",
            )
        if self.fate is Fate.REFUSES:
            return CaptureOutcome(CaptureEnd.CANCELLED, None, "The citizen cancelled on the pad.")
        if not self._capability.has_screen and not _done(collector, cancelled, accepted, cleared, limit_s):
            return CaptureOutcome(CaptureEnd.CANCELLED, None, "The signature was cancelled at the counter.")
        signature = Signature(
            self.identity, self._capability, screen.document_sha256, SampleClock.DEVICE, collector.ink
        )
        return CaptureOutcome(CaptureEnd.ACCEPTED, signature, f"{SIMULATED}: a specimen signature was taken.")

    def _there(self) -> None:
        if self.fate is Fate.UNPLUGGED:
            raise Unplugged("The signature pad is not connected.", "Check its cable and its power.")


def _write(collector: Collector) -> None:
    for sample in specimen():
        collector.take(sample)


def _done(
    collector: Collector,
    cancelled: threading.Event,
    accepted: threading.Event,
    cleared: threading.Event,
    limit_s: float,
) -> bool:
    """Wait for the counter; who clears gets the specimen again. False where it is cancelled, or nobody says so."""
    for _ in range(round(limit_s / LOOK_S)):
        if cancelled.wait(LOOK_S):
            return False
        if cleared.is_set():
            collector.clear()
            _write(collector)
            cleared.clear()
            accepted.clear()
        elif accepted.is_set():
            return True
    return False


def specimen() -> list[PenSample]:
    """A specimen signature: two strokes, always the same."""
    samples = []
    for i in range(120):
        x = 2200 + 45 * i
        y = 3900 + round(700 * math.sin(i / 6) * math.exp(-i / 90))
        samples.append(PenSample(i * SAMPLE_MS, x, y, 300 + round(500 * abs(math.sin(i / 9))), down=True))
    samples.append(PenSample(120 * SAMPLE_MS, samples[-1].x, samples[-1].y, 0, down=False))
    samples.extend(PenSample((140 + i) * SAMPLE_MS, 2600 + 110 * i, 4800 - 6 * i, 450, down=True) for i in range(40))
    samples.append(PenSample(180 * SAMPLE_MS, samples[-1].x, samples[-1].y, 0, down=False))
    return samples


def _marked(picture: Picture) -> Picture:
    image = open_picture(picture)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, image.height * 2 // 5 - 4, image.width, image.height * 2 // 5 + 34), fill="black")
    middle = (image.width // 2, image.height * 2 // 5 + 15)
    pen.text(middle, SIMULATED, fill="white", font=ImageFont.load_default(26), anchor="mm")
    return to_png(image)
