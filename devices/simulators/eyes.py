"""Scanner, camera and code reader that are not there: they see what they are given, marked SIMULATED."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from devices.contracts import Code, Identity, Kind, Picture, ScanColour, ScanEnd, ScanSource, Status
from devices.errors import Unplugged
from devices.pictures import open_picture, to_png
from devices.scans import finish
from devices.simulators.fates import SIMULATED, Fate, Fated

MARK_PX: Final = 28


class _Eye(Fated):
    """What they share."""

    def __init__(self, kind: Kind, name: str, fate: Fate) -> None:
        self.fate = fate
        self._name = name
        self.identity = Identity(kind, "", "", f"{SIMULATED} {name}", SIMULATED, SIMULATED.lower(), simulated=True)

    def status(self) -> Status:
        """As told."""
        return {Fate.UNPLUGGED: Status.UNPLUGGED, Fate.FAILS: Status.JAMMED, Fate.SILENT: Status.UNKNOWN}.get(
            self.fate, Status.READY
        )

    def close(self) -> None:
        """There is nothing to let go of."""

    def _there(self) -> None:
        if self.fate is Fate.UNPLUGGED:
            raise Unplugged(f"The {self._name} is not connected.", "Check its cable and its power.")


class SimulatedScanner(_Eye):
    """Scans the pages that lie in it; a page in the feeder is taken once, the one on the glass stays."""

    def __init__(self, pages: Sequence[Picture] = (), fate: Fate = Fate.WORKS) -> None:
        super().__init__(Kind.SCANNER, "scanner", fate)
        self._laid_in = tuple(pages)
        self.pages = deque(pages)

    def befall(self, fate: str) -> None:
        """Tell it; the pages that it began with lie in it again."""
        super().befall(fate)
        self.pages = deque(self._laid_in)

    def scan(
        self,
        source: ScanSource,
        colour: ScanColour,
        *,
        resolution_dpi: int = 200,
        paged: Callable[[int], None] = lambda _pages: None,
        cancelled: threading.Event | None = None,
    ) -> ScanEnd:
        """Scan what lies in it; `FAILS` jams after the first page, `REFUSES` has no documents."""
        self._there()
        if not self.pages or self.fate is Fate.REFUSES:
            return ScanEnd((), 0, Status.PAPER_OUT, f"{SIMULATED}: there is no paper in the scanner.", "Put paper in.")
        taken: list[Picture] = []
        if source is ScanSource.FLATBED:
            taken.append(self.pages[0])
        else:
            stop = cancelled or threading.Event()
            while self.pages and not (self.fate is Fate.FAILS and taken) and not stop.is_set():
                taken.append(self.pages.popleft())
                paged(len(taken))
        finished = [finish(_marked(page), colour, resolution_dpi) for page in taken]
        pages = tuple(page for page in finished if page is not None)
        blank = len(finished) - len(pages)
        if self.fate is Fate.FAILS:
            step = "Take the paper out, and scan the rest again."
            return ScanEnd(pages, blank, Status.JAMMED, f"{SIMULATED}: a page jammed.", step)
        return ScanEnd(pages, blank, Status.READY, f"{SIMULATED}: {len(pages)} pages were scanned.")


class SimulatedCamera(_Eye):
    """Sees one picture."""

    def __init__(self, view: Picture, fate: Fate = Fate.WORKS) -> None:
        super().__init__(Kind.CAMERA, "camera", fate)
        self.view = view

    def snap(self) -> Picture:
        """Take the picture."""
        self._there()
        return to_png(_marked(self.view))


class SimulatedCodeReader(_Eye):
    """Reads the codes that are put before it, one a call."""

    def __init__(self, codes: Sequence[Code] = (), fate: Fate = Fate.WORKS) -> None:
        super().__init__(Kind.CODE_READER, "code reader", fate)
        self.codes = deque(codes)

    def read(self, *, cancelled: threading.Event | None = None, limit_s: float = 30.0) -> Code | None:
        """The next code, or None where there is none: it never waits."""
        del limit_s
        self._there()
        if (cancelled is not None and cancelled.is_set()) or self.fate is not Fate.WORKS or not self.codes:
            return None
        return self.codes.popleft()


def _marked(picture: Picture) -> Image.Image:
    image = open_picture(picture)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, image.width, MARK_PX + 8), fill="black")
    pen.text((8, 4), SIMULATED, fill="white", font=ImageFont.load_default(MARK_PX))
    return image
