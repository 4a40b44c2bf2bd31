"""Scanners by SANE, through its program `scanimage`.

A program of its own, because backends are of many makers: one that hangs is ended when its time is over, and one that
crashes takes nothing of ours with it. Pages pass through a folder in memory (`/dev/shm`), never through a disk.

SANE names a scanner on USB by its address on the bus (`epson2:libusb:001:004`), which changes at every replug.
So it is written down by serial number or port (`epson2:libusb:04b8:0142:serial:X7`), and looked up for each call.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from PIL import Image

from devices import programs, usb
from devices.contracts import (
    ANSWER_LIMIT_S,
    MAX_SCAN_PAGES,
    SCAN_LIMIT_S,
    SCAN_STALL_LIMIT_S,
    Identity,
    Kind,
    ScanColour,
    ScanEnd,
    ScannedPage,
    ScanSource,
    Status,
)
from devices.errors import DeviceFault, NotInstalled, Refused, TimedOut, Unplugged
from devices.finding import Which
from devices.pictures import MAX_PIXELS
from devices.scans import finish

MEMORY: Final = Path("/dev/shm")  # noqa: S108 -- in memory on purpose: a page must not reach a disk unsealed
LOOK_LIMIT_S: Final = 8.0
"""Backends that ask the network wait three to four seconds for an answer."""
OPEN_LIMIT_S: Final = 15.0
A4_MM: Final = (210.0, 297.0)
NO_DOCUMENTS: Final = 7
CODES: Final[dict[int, tuple[Status, str, str]]] = {
    3: (Status.BUSY, "The scanner is in use.", "Wait a moment, then try again."),
    6: (Status.JAMMED, "A page jammed in the scanner.", "Open it, take the paper out, and scan the rest again."),
    NO_DOCUMENTS: (Status.PAPER_OUT, "There is no paper in the feeder.", "Put the pages into the feeder."),
    8: (Status.COVER_OPEN, "The scanner's cover is open.", "Close it, then scan again."),
    9: (Status.FAULT, "The connection to the scanner failed.", "Pull its cable out, put it in again."),
    10: (Status.FAULT, "The scanner is out of memory.", "Switch it off and on again."),
    11: (Status.OFFLINE, "This program may not use the scanner.", "Central IT must put it into the group `scanner`."),
}
"""SANE's status codes (SANE standard 1.06, 4.2.7), which `scanimage` gives as its exit code."""
STOPPED: Final[dict[programs.Stopped, tuple[Status, str, str]]] = {
    programs.Stopped.LATE: (Status.UNKNOWN, "The scanner took too long.", "Switch it off and on; scan again."),
    programs.Stopped.STALLED: (
        Status.UNKNOWN,
        "The scanner gave nothing any more.",
        "Switch it off and on; scan again.",
    ),
    programs.Stopped.CANCELLED: (Status.READY, "The scan was stopped at the counter.", "Take out what lies in it."),
}
CRASHED: Final = (
    Status.UNKNOWN,
    "The scanner's driver stopped working.",
    "Switch the scanner off and on; if it stays, call central IT.",
)
"""`scanimage` was ended by a signal: a backend crashed. Whether the scanner is there, nobody said."""
GONE: Final = (Status.UNPLUGGED, "The scanner is not connected.", "Check its cable and its power.")
ON_BUS: Final = re.compile(r"(.+:libusb):(\d{3}):(\d{3})")
"""SANE's name of a scanner on USB: backend, bus and address."""
WRITTEN: Final = re.compile(r"(.+:libusb):([0-9a-f]{4}):([0-9a-f]{4}):(serial|port):(.+)")
OPTION: Final = re.compile(r"^\s+(--[a-z-]+|-[xy]) (.+?)(?: \[(.*)\])?(?: \[\w+\])*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FoundScanner:
    """A scanner that SANE finds: SANE's name of it now, and the name to write down, which outlives a replug."""

    identity: Identity
    name: str
    written: str


def scanners() -> list[FoundScanner]:
    """The scanners that SANE finds; none where SANE is not installed.

    Raises:
        TimedOut, Refused: SANE did not say which there are.
    """
    if shutil.which("scanimage") is None:
        return []
    try:
        code, out = _run(["-f", "%d\t%v\t%m%n"], LOOK_LIMIT_S)
    except TimedOut:
        raise TimedOut(
            "SANE does not say which scanners there are: one of its drivers hangs.",
            "Switch the scanners off and on; look again.",
        ) from None
    if code:
        sentence = "SANE stopped working while it looked for scanners."
        raise Refused(sentence, "Switch the scanners off and on; if it stays, call central IT.")
    rows = [line.split("\t") for line in out.decode("utf-8", "replace").splitlines() if line.count("\t") == 2]
    entries = usb.entries() if any(ON_BUS.fullmatch(name) for name, _, _ in rows) else []
    return [_found(name, f"{vendor} {model}".strip(), entries) for name, vendor, model in rows]


def _found(name: str, model: str, entries: Sequence[usb.UsbEntry]) -> FoundScanner:
    place = ON_BUS.fullmatch(name)
    here = [e for e in entries if place and (e.handle.bus, e.handle.address) == (int(place[2]), int(place[3]))]
    if place is None or not here:
        return FoundScanner(Identity(Kind.SCANNER, "", "", model, "", name), name, name)
    entry = here[0]
    numbers = (f"{entry.vendor:04x}", f"{entry.product:04x}")
    where = f"serial:{entry.serial}" if entry.serial else f"port:{entry.port}"
    identity = Identity(Kind.SCANNER, *numbers, model, entry.serial, entry.port)
    return FoundScanner(identity, name, f"{place[1]}:{':'.join(numbers)}:{where}")


def name_now(written: str) -> str:
    """What SANE calls a scanner now that was written down.

    Raises:
        Unplugged: it is on USB, and not plugged in.
        NotInstalled: it is on USB, and libusb is not on this machine.
    """
    place = WRITTEN.fullmatch(written)
    if place is None:
        return written
    where = (place[5], "") if place[4] == "serial" else ("", place[5])
    entry = usb.find(Which(int(place[2], 16), int(place[3], 16), *where))
    if entry is None:
        raise Unplugged(*GONE[1:])
    return f"{place[1]}:{entry.handle.bus:03}:{entry.handle.address:03}"


@dataclass(frozen=True, slots=True)
class Options:
    """What a scanner can be set to: the words of each choice, and its area in mm."""

    sources: tuple[str, ...]
    modes: tuple[str, ...]
    area_mm: tuple[float, float]


class SaneScanner:
    """One scanner.

    Args:
        name: SANE's name of it, as `scanimage -L` tells, or as it was written down.
        more: further options for `scanimage`, as a model may need.
        limit_s: how long one scan may last.
        stall_s: how long it may give nothing.
        memory: a folder in memory, for the pages on their way.
    """

    def __init__(
        self,
        name: str,
        more: Sequence[str] = (),
        *,
        limit_s: float = SCAN_LIMIT_S,
        stall_s: float = SCAN_STALL_LIMIT_S,
        memory: Path = MEMORY,
    ) -> None:
        if name.startswith("-"):
            raise Refused("That is no scanner's name.", "Take one from `sanad devices list`.")
        self.identity = Identity(Kind.SCANNER, "", "", "", "", name)
        self._name = name
        self._more = tuple(more)
        self._limit_s = limit_s
        self._stall_s = stall_s
        self._memory = memory
        self._lock = threading.Lock()

    def close(self) -> None:
        """Nothing is kept open."""

    def status(self) -> Status:
        """Whether it can be opened; SANE does not tell about paper before a scan."""
        if not self._lock.acquire(timeout=ANSWER_LIMIT_S):
            return Status.BUSY
        try:
            code, _ = _run(["-d", name_now(self._name), "-n"], OPEN_LIMIT_S)
        except Unplugged:
            return Status.UNPLUGGED
        except DeviceFault:
            return Status.UNKNOWN
        finally:
            self._lock.release()
        return Status.READY if code == 0 else _failure(code)[0]

    def scan(
        self,
        source: ScanSource,
        colour: ScanColour,
        *,
        resolution_dpi: int = 200,
        paged: Callable[[int], None] = lambda _pages: None,
        cancelled: threading.Event | None = None,
    ) -> ScanEnd:
        """Scan one page from the glass, or all pages from the feeder.

        A scan that gives nothing at all for a while is stopped, long before its time is over: scanners, and their
        backends, do hang in the middle of a page.

        Raises:
            DeviceFault: SANE is not there, the scanner is not there, or it has no such source.
        """
        with self._lock:
            name = name_now(self._name)
            options = self._options(name)
            chosen = self._chosen(options, source, colour, resolution_dpi)
            if not self._memory.is_dir():
                raise NotInstalled("There is no folder in memory for scanned pages.", "Mount /dev/shm.")
            with tempfile.TemporaryDirectory(prefix="sanad-scan-", dir=self._memory) as folder:
                count = 1 if source is ScanSource.FLATBED else MAX_SCAN_PAGES
                batch = [f"--batch={folder}/%04d.pnm", f"--batch-count={count}", "--format=pnm"]
                progress = _Progress(Path(folder), paged)
                watched = programs.Watched(progress.look, self._stall_s, cancelled or threading.Event())
                ran = _start(["-d", name, *chosen, *self._more, *batch], self._limit_s, watched)
                kept = _finished(progress.pages(), colour, resolution_dpi)
        return _end(kept, ran)

    def _options(self, name: str) -> Options:
        code, out = _run(["-d", name, "-A"], OPEN_LIMIT_S)
        if code:
            status, sentence, step = _failure(code)
            raise (Unplugged if status is Status.UNPLUGGED else Refused)(sentence, step)
        found = {name: values for name, values, _ in OPTION.findall(out.decode("utf-8", "replace"))}
        return Options(
            tuple(found.get("--source", "").split("|")) if "--source" in found else (),
            tuple(found.get("--mode", "").split("|")) if "--mode" in found else (),
            (_limit_mm(found.get("-x", "")), _limit_mm(found.get("-y", ""))),
        )

    def _chosen(self, options: Options, source: ScanSource, colour: ScanColour, resolution_dpi: int) -> list[str]:
        out = [f"--resolution={resolution_dpi}"]
        words = ("flatbed", "normal") if source is ScanSource.FLATBED else ("feeder", "adf")
        named = [name for name in options.sources if any(word in name.lower() for word in words)]
        if named:
            one_sided = [name for name in named if "duplex" not in name.lower()]
            out.append(f"--source={(one_sided or named)[0]}")
        elif options.sources or source is ScanSource.FEEDER:
            raise Refused("This scanner has no such source.", "Use the glass, or another scanner.")
        shades = ("gray", "grey") if colour is ScanColour.GREY else ("color", "colour")
        mode = [name for name in options.modes if any(shade in name.lower() for shade in shades)]
        if mode:
            out.append(f"--mode={mode[0]}")
        for letter, has, wants in zip("xy", options.area_mm, A4_MM, strict=True):
            if has:
                out += [f"-{letter}", f"{min(has, wants):g}"]
        return out


class _Progress:
    """How far a scan is: the pages in its folder, and the bytes of the one that is coming."""

    def __init__(self, folder: Path, paged: Callable[[int], None]) -> None:
        self._folder = folder
        self._paged = paged
        self._told = 0

    def pages(self) -> list[Path]:
        """The pages that are through."""
        return sorted(self._folder.glob("*.pnm"))

    def look(self) -> tuple[int, ...]:
        """The size of every file; tells of each page that has come since."""
        through = len(self.pages())
        if through > self._told:
            self._told = through
            self._paged(through)
        sizes = []
        for file in self._folder.iterdir():
            with suppress(FileNotFoundError):  # a page that is through gets another name
                sizes.append(file.stat().st_size)
        return tuple(sorted(sizes))


@dataclass(slots=True)
class _Kept:
    """What came of the pages of a scan."""

    pages: list[ScannedPage] = field(default_factory=list)
    blank: int = 0
    torn: int = 0
    """They did not come whole."""
    large: int = 0


def _finished(files: Sequence[Path], colour: ScanColour, resolution_dpi: int) -> _Kept:
    """Finish the pages that came whole."""
    kept = _Kept()
    for file in files:
        try:
            with Image.open(file, formats=["PPM"]) as image:
                if image.width * image.height > MAX_PIXELS:
                    kept.large += 1
                    continue
                image.load()
                page = finish(image, colour, resolution_dpi)
        except Image.DecompressionBombError:
            kept.large += 1
        except (OSError, ValueError):
            kept.torn += 1
        else:
            kept.blank += page is None
            kept.pages += [] if page is None else [page]
    return kept


def _end(kept: _Kept, ran: programs.Ran) -> ScanEnd:
    pages, blank = tuple(kept.pages), kept.blank
    if ran.stopped is not None:
        return ScanEnd(pages, blank, *STOPPED[ran.stopped])
    code = ran.code or 0
    if code and not (code == NO_DOCUMENTS and (pages or blank or kept.torn or kept.large)):
        return ScanEnd(pages, blank, *_failure(code))
    said = f"Pages scanned: {len(pages)}."
    if kept.large:
        step = "Scan what is missing with fewer dots per inch, or a smaller paper."
        return ScanEnd(pages, blank, Status.UNKNOWN, f"{said} {kept.large} too large to keep.", step)
    if kept.torn:
        return ScanEnd(pages, blank, Status.UNKNOWN, f"{said} {kept.torn} did not come whole.", "Scan these again.")
    if not pages and not blank:
        return ScanEnd((), 0, *CODES[NO_DOCUMENTS])
    left_out = f" {blank} empty ones were left out." if blank else ""
    return ScanEnd(pages, blank, Status.READY, said + left_out)


def _failure(code: int) -> tuple[Status, str, str]:
    """What an exit code of `scanimage` says; a negative one is the signal that ended it."""
    return CRASHED if code < 0 else CODES.get(code, GONE)


def _limit_mm(values: str) -> float:
    """The upper end of `0..215.9mm`, or 0."""
    found = re.match(r"[\d.]+\.\.([\d.]+)mm", values)
    return float(found[1]) if found else 0.0


def _run(arguments: Sequence[str], limit_s: float) -> tuple[int, bytes]:
    """Run `scanimage`; answers its exit code and what it wrote. Its whole process group ends with its time."""
    ran = _start(arguments, limit_s)
    if ran.code is None:
        raise TimedOut("The scanner does not answer.", "Check that it is switched on.")
    return ran.code, ran.out


def _start(arguments: Sequence[str], limit_s: float, watched: programs.Watched | None = None) -> programs.Ran:
    try:
        return programs.run(["scanimage", *arguments], limit_s, watched=watched)
    except OSError:
        raise NotInstalled("SANE is not installed on this machine.", "Install the package sane-utils.") from None
