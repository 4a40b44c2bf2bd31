"""Signature pads: what they show, what they give, and how a capture may end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol, runtime_checkable

from devices.contracts.common import CAPTURE_LIMIT_S, Device, Identity, Picture

TEXT_SHARE: Final = 0.45
"""The upper part of a pad's screen, which holds what is signed."""
BUTTON_SHARE: Final = 0.2
"""The lower part, which holds the buttons."""


@dataclass(frozen=True, slots=True)
class PadCapability:
    """What a pad can do. Coordinates are in pad units, the screen in pixels.

    A pen of the kernel has no screen of ours (0 × 0), even where it is built into a monitor: nothing is shown on it.
    """

    max_x: int
    max_y: int
    max_pressure: int
    width_px: int
    height_px: int
    rate_hz: int = 0
    resolution_lpi: int = 0

    @property
    def has_screen(self) -> bool:
        """Whether it shows what is signed, and buttons. Where not, the counter shows both (`capture`, `accepted`)."""
        return self.width_px > 0 and self.height_px > 0

    @property
    def text_px(self) -> tuple[int, int]:
        """How wide and high what is signed may be on the screen."""
        return self.width_px, round(self.height_px * TEXT_SHARE)

    @property
    def buttons_px(self) -> tuple[int, int]:
        """How wide and high the row of buttons is."""
        return self.width_px, self.height_px - round(self.height_px * (1 - BUTTON_SHARE))


class SampleClock(Enum):
    """Whose clock stamped the samples."""

    DEVICE = "device"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class PenSample:
    """One report of the pen: milliseconds since the first one, position and pressure in pad units.

    `down` is whether the pen touched; a sample with `down` false is the pen in the air near the pad.
    """

    t_ms: int
    x: int
    y: int
    pressure: int
    down: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as data, with the pad it was made on and the hash of the document that was shown.

    The pad showed it where it has a screen (`capability.has_screen`), else the counter did. `lost` counts reports that
    the pad numbered and that never arrived; for a pen of the kernel, how often the kernel had to throw some away.
    """

    pad: Identity
    capability: PadCapability
    document_sha256: bytes
    clock: SampleClock
    samples: tuple[PenSample, ...]
    lost: int = 0


@dataclass(frozen=True, slots=True)
class SigningScreen:
    """What the citizen signs, as the pad shows it.

    `document_sha256` is the hash of that document, 32 bytes. `lines` is shown as text where the pad's font has its
    characters; `picture` (at most `PadCapability.text_px`) stands instead of the lines for any other script. The
    buttons' words are drawn below; they must be Latin, and `buttons` may be a picture of the whole row
    (`PadCapability.buttons_px`) in three equal parts: cancel, clear, accept.
    """

    document_sha256: bytes
    lines: tuple[str, ...] = ()
    picture: Picture | None = None
    accept: str = "Accept"
    clear: str = "Clear"
    cancel: str = "Cancel"
    buttons: Picture | None = None


class CaptureEnd(Enum):
    """How a capture ended; only `ACCEPTED` gives a signature."""

    ACCEPTED = "accepted"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed out"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class CaptureOutcome:
    """How a capture ended. `signature` is there if and only if it was accepted."""

    end: CaptureEnd
    signature: Signature | None
    sentence: str
    next_step: str = ""


@runtime_checkable
class SignaturePad(Device, Protocol):
    """A pad, or a pen tablet, that a citizen signs on."""

    def capability(self) -> PadCapability:
        """What the pad can do.

        Raises:
            DeviceFault: it is not there or does not answer.
        """

    def can_say(self, text: str) -> bool:
        """Whether the pad's own font has every character; a picture is needed where it has not.

        True for a pad without a screen: it needs no picture.
        """

    def show(self, picture: Picture | None) -> None:
        """Show a picture between captures, or nothing. The same picture is not sent twice.

        A pad without a screen shows nothing, and does not complain.

        Raises:
            DeviceFault: it is not there or does not answer.
        """

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
        """Show what is signed, and collect the pen until a button ends it.

        Args:
            screen: what the citizen sees and signs.
            seen: called for each sample that is kept, in the calling thread, so that the console can draw it.
            erased: called there when all that was kept is thrown away, as the citizen begins anew.
            cancelled: set by another thread to end the capture as `CANCELLED`.
            accepted: set by another thread when the citizen is done. Only a pad without a screen heeds it, as nobody
                can accept on it: the stroke under way is waited for, and without ink it is cleared again and nothing
                happens. On all others the citizen accepts.
            cleared: set by another thread when the citizen wants to begin anew; cleared again once the ink is gone. It
                is heeded as `accepted` is.
            limit_s: the longest it may take; then it ends as `TIMED_OUT`.

        Returns:
            The outcome; a pad pulled out or gone silent in the middle is `VOID`.

        Raises:
            DeviceFault: the capture could not even be started.
        """
