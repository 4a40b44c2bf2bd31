"""From reports of a pen to strokes and buttons, whatever pad they come from; no device and no clock here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from devices.contracts import MAX_SAMPLES, PenSample

MIN_INK_SAMPLES: Final = 3
"""Less ink than this is no signature, and accepting it does nothing."""
WRAP: Final = 1 << 16


class Button(Enum):
    """What a citizen can tap."""

    ACCEPT = "accept"
    CLEAR = "clear"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; right and bottom lie just outside."""

    left: int
    top: int
    right: int
    bottom: int

    def __contains__(self, point: tuple[int, int]) -> bool:
        return self.left <= point[0] < self.right and self.top <= point[1] < self.bottom


@dataclass(slots=True)
class DeviceClock:
    """Milliseconds since the first sample, from a 16-bit counter of milliseconds that wraps every 65.5 seconds.

    The host's clock only tells how often the counter went round while the pen was away.
    """

    _raw: int = -1
    _host_ms: int = 0
    _t_ms: int = 0

    def at(self, raw: int, host_ms: int) -> int:
        """The time of a sample."""
        if self._raw < 0:
            self._raw, self._host_ms = raw, host_ms
            return 0
        passed = (raw - self._raw) % WRAP
        passed += WRAP * max(0, round((host_ms - self._host_ms - passed) / WRAP))
        self._t_ms += passed
        self._raw, self._host_ms = raw, host_ms
        return self._t_ms


@dataclass(slots=True)
class Collector:
    """Keeps the ink of one capture, and tells which button was tapped.

    A pen that goes down inside a button and comes up inside the same button taps it, and leaves no ink. A stroke that
    began outside is ink wherever it goes. Between strokes one sample with the pen up is kept.

    Args:
        buttons: where the buttons are, in pad units.
        seen: called for each sample kept.
        erased: called when all of them are thrown away.
    """

    buttons: Mapping[Button, Box]
    seen: Callable[[PenSample], None] = lambda _sample: None
    erased: Callable[[], None] = lambda: None
    samples: list[PenSample] = field(default_factory=list)
    full: bool = False
    _was_down: bool = False
    _tapping: Button | None = None

    @property
    def has_ink(self) -> bool:
        """Whether enough was written to be a signature."""
        return sum(1 for sample in self.samples if sample.down) >= MIN_INK_SAMPLES

    @property
    def writing(self) -> bool:
        """Whether the pen is down on a stroke now."""
        return self._was_down and self._tapping is None

    @property
    def ink(self) -> tuple[PenSample, ...]:
        """All that is kept, in milliseconds since the first of it."""
        began = self.samples[0].t_ms if self.samples else 0
        return tuple(replace(sample, t_ms=sample.t_ms - began) for sample in self.samples)

    def take(self, sample: PenSample) -> Button | None:
        """Take one sample; answers the button that was tapped with it."""
        point = (sample.x, sample.y)
        began, self._was_down = sample.down and not self._was_down, sample.down
        if began:
            self._tapping = next((b for b, box in self.buttons.items() if point in box), None)
        if self._tapping is not None:
            if sample.down:
                return None
            tapped, self._tapping = self._tapping, None
            return self._act(tapped) if point in self.buttons[tapped] else None
        if sample.down or (self.samples and self.samples[-1].down):
            self._keep(sample)
        return None

    def clear(self) -> None:
        """Throw the ink away; the citizen begins anew."""
        self.samples.clear()
        self.erased()

    def _act(self, button: Button) -> Button | None:
        if button is Button.CLEAR:
            self.clear()
        if button is Button.ACCEPT and not self.has_ink:
            return None
        return button

    def _keep(self, sample: PenSample) -> None:
        if len(self.samples) >= MAX_SAMPLES:
            self.full = True
            return
        self.samples.append(sample)
        self.seen(sample)
