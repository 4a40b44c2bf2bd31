"""What a citizen writes, as it comes: strokes in braille dots, the whole pad always in view.

Samples are put in from the thread that listens to the pad; they are drawn a few times a second.
"""

from __future__ import annotations

import threading
from typing import Final

from rich.text import Text
from textual.widget import Widget

from devices.contracts import PadCapability, PenSample

LOOK_EVERY_S: Final = 0.05
_BITS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Unicode 15, block Braille Patterns: the bit of each dot, by row and column of the cell."""
_BLANK: Final = 0x2800

Dot = tuple[int, int]


class Ink(Widget):
    """The strokes of one capture."""

    def __init__(self) -> None:
        super().__init__(id="ink")
        self._lock = threading.Lock()
        self._pad_size: tuple[int, int] = (1, 1)
        self._samples: list[PenSample] = []
        self._drawn = 0

    def on_mount(self) -> None:
        """Look for new ink from now on."""
        self.set_interval(LOOK_EVERY_S, self._look)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is written."""
        with self._lock:
            return not any(sample.down for sample in self._samples)

    def on_pad(self, capability: PadCapability) -> None:
        """Which pad it is written on; from any thread."""
        with self._lock:
            self._pad_size = (max(capability.max_x, 1), max(capability.max_y, 1))

    def add(self, sample: PenSample) -> None:
        """One more sample; from any thread."""
        with self._lock:
            self._samples.append(sample)

    def erase(self) -> None:
        """The citizen begins anew; from any thread."""
        with self._lock:
            self._samples.clear()

    def _look(self) -> None:
        with self._lock:
            count = len(self._samples)
        if count != self._drawn:
            self._drawn = count
            self.refresh()

    def render(self) -> Text:
        """All strokes, as large as there is room."""
        with self._lock:
            samples, size = list(self._samples), self._pad_size
        return strokes_in_braille(samples, size, self.size.width, self.size.height)


def strokes_in_braille(samples: list[PenSample], size: tuple[int, int], columns: int, lines: int) -> Text:
    """Strokes as text, two dots wide and four high a cell.

    Args:
        samples: what the pen said.
        size: of the pad, in its own units.
        columns, lines: how many cells there are.
    """
    if columns < 1 or lines < 1:
        return Text()
    width, height = columns * 2, lines * 4
    scale = min((width - 1) / size[0], (height - 1) / size[1])
    cells = [[_BLANK] * columns for _ in range(lines)]
    before: Dot | None = None
    for sample in samples:
        here = (round(sample.x * scale), round(sample.y * scale))
        for x, y in _between(before or here, here) if sample.down else ():
            cells[min(y, height - 1) // 4][min(x, width - 1) // 2] |= _BITS[y % 4][x % 2]
        before = here if sample.down else None
    return Text("\n".join("".join(map(chr, row)) for row in cells), no_wrap=True, end="")


def _between(start: Dot, end: Dot) -> list[Dot]:
    """The dots of a straight line, both ends among them."""
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    return [
        (
            start[0] + round((end[0] - start[0]) * step / steps),
            start[1] + round((end[1] - start[1]) * step / steps),
        )
        for step in range(steps + 1)
    ]
