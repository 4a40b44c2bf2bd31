"""What a file handed over as a scanned paper is, by its content and never by its name, and whether it can be taken in.

`media_type` looks at the first bytes only. `inspect_paper` has the whole file read by a confined process (see
`appliance.casework.paperworker`); whatever a file does to that process, the answer here is a `Paper` or a sentence.

Nothing here says that a paper is genuine, and nothing looks for harmful programs in it: a file is kept byte for byte as
it came, as evidence.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from appliance.casework.paperworker import limits
from appliance.casework.paperworker.apart import protections, read_apart
from appliance.casework.paperworker.confinement import Held
from appliance.casework.paperworker.limits import MAX_PAPER_BYTES
from appliance.casework.paperworker.message import Answer, Note, Pixels, Verdict
from appliance.journal.errors import OperatorError

__all__ = [
    "MAX_PAPER_BYTES",
    "NOTES",
    "Held",
    "Note",
    "Paper",
    "PaperRefused",
    "check_size",
    "inspect_paper",
    "media_type",
    "protections",
]

# A PDF may have some bytes before its header (ISO 32000-1, annex H, note 13).
_PDF_WITHIN: Final = 1024
_PDF_START: Final = b"%PDF-"
_STARTS: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
_MIB: Final = 1024 * 1024

NOTES: Final[Mapping[Note, str]] = {
    Note.SCRIPT: "It holds a script. Sanad never runs it; open it elsewhere only with scripts switched off.",
    Note.FILES_INSIDE: "Other files lie inside it. They are kept with it, and nobody has looked at them.",
    Note.STARTS_PROGRAM: "It asks its reader to start a program. Sanad never does; do not open it elsewhere.",
    Note.RESTRICTED: "Its maker forbade some uses, such as printing; it opens without a password.",
    Note.FORM_OF_TWO_KINDS: "It is a form that Adobe's reader may show differently. What is seen here is what counts.",
    Note.LEAD_IN: "Something stands before its beginning. Other programs may take it for something else.",
    Note.OVERSIZED: "A page of it is larger than the largest map sheet. Printed, it comes out smaller.",
}
"""What to tell whoever looks at a paper with such a note."""

_AGAIN: Final = "Scan the paper again."
_REFUSALS: Final[Mapping[Verdict, tuple[str, str]]] = {
    Verdict.BROKEN: ("This file is damaged, or ends too early.", "Scan the paper again, or ask for the file again."),
    Verdict.NO_PAGES: (
        "This PDF is damaged, or has no pages.",
        "Scan the paper again, or ask for the file again.",
    ),
    Verdict.NOTHING_ON_IT: ("There is nothing on any page of this PDF.", _AGAIN),
    Verdict.TOO_MANY_PAGES: (
        f"This file has more than {limits.MAX_PAGES} pages.",
        "Hand it over in parts, each a file of its own.",
    ),
    Verdict.PAGE_BROKEN: (
        "Page {page} of this file cannot be read.",
        "Scan the paper again, or ask for the file again.",
    ),
    Verdict.PAGE_TOO_LARGE: (
        "Page {page} of this file is far larger than any paper.",
        "Print it to A4, as a PDF or on paper, and hand that over.",
    ),
    Verdict.TOO_MANY_PIXELS: (
        f"A picture in this file has more than {limits.MAX_PIXELS // 1_000_000} million dots.",
        "Scan the paper again with fewer dots an inch; 300 are enough.",
    ),
    Verdict.TOO_SMALL: ("This picture is too small to be a paper.", _AGAIN),
    Verdict.LOCKED: (
        "This PDF is locked with a password.",
        "Ask its owner to open it and save or print it without the password.",
    ),
    Verdict.NEEDS_ITS_OWN_READER: (
        "This PDF is a form that only Adobe's reader can show (LiveCycle, XFA).",
        "Ask its owner to open it there and print it, as a PDF or on paper.",
    ),
    Verdict.MOVES: ("This is a moving picture.", _AGAIN),
    Verdict.TWO_KINDS: (
        "This file is a picture and a PDF at once, so that two people could see two papers in it.",
        "Do not take the file. Ask for the paper itself, and scan it.",
    ),
    Verdict.TOO_MUCH_MEMORY: (
        "Reading this file took more memory than any paper needs, and was stopped.",
        "Scan the paper again with fewer dots an inch.",
    ),
    Verdict.TOO_LONG: (
        "Reading this file took longer than any paper needs, and was stopped.",
        "Scan the paper again, or hand it over in parts.",
    ),
    Verdict.FORBIDDEN: (
        "While it was read, this file tried to do what no paper does, and was stopped. Nothing was harmed.",
        "Do not take the file, and tell central IT. Ask for the paper itself, and scan it.",
    ),
    Verdict.CRASHED: (
        "This file cannot be read: it is damaged, or made wrongly. Nothing was harmed.",
        "Ask for the paper itself, and scan it.",
    ),
}


class PaperRefused(OperatorError):
    """The file cannot be taken in as a paper."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A file that can be taken in, and how its first page looks.

    `width_px` and `height_px` are those of the first page of a picture as it is shown, None for a PDF. `thumbnail_png`
    is at most `limits.THUMBNAIL_PX` wide and high, and empty if none was asked for. `sha256` is of the file, in
    hexadecimal.
    """

    media_type: str
    pages: int
    width_px: int | None
    height_px: int | None
    thumbnail_png: bytes
    sha256: str
    notes: tuple[Note, ...] = ()


def check_size(content: bytes) -> None:
    """Refuse what is no paper by its size alone.

    Raises:
        PaperRefused: it is empty, or larger than `MAX_PAPER_BYTES`.
    """
    if not content:
        raise PaperRefused("The file is empty.", _AGAIN)
    if len(content) > MAX_PAPER_BYTES:
        raise PaperRefused(
            f"The file is larger than {MAX_PAPER_BYTES // _MIB} MiB.", "Scan it again with fewer dots an inch."
        )


def media_type(content: bytes) -> str:
    """`application/pdf`, `image/jpeg`, `image/png` or `image/tiff`.

    Raises:
        PaperRefused: it is none of them, empty, or too large; the sentence says what to do.
    """
    check_size(content)
    pdf = _PDF_START in content[:_PDF_WITHIN]
    for start, found in _STARTS:
        if content.startswith(start):
            if pdf:
                raise PaperRefused(*_REFUSALS[Verdict.TWO_KINDS])
            return found
    if pdf:
        return "application/pdf"
    raise PaperRefused("This is not a PDF, JPEG, PNG or TIFF file.", "Scan the paper, or ask for it as one of these.")


def inspect_paper(content: bytes, *, thumbnail: bool = True) -> Paper:
    """Read a file in a confined process, whole; takes 0.1 s for a common paper and never more than `limits.WALL_S`.

    It may be called from any thread, and may be interrupted: the process is ended either way.

    Raises:
        PaperRefused: it cannot be taken in; the sentence says why and what to do.
        DeviceError: this machine cannot start or confine the process.
    """
    kind = media_type(content)
    answer = read_apart(content, kind)
    if answer.verdict != Verdict.SHOWN:
        raise _refusal(answer)
    return Paper(
        media_type=kind,
        pages=answer.pages,
        width_px=answer.width_px or None,
        height_px=answer.height_px or None,
        thumbnail_png=_png(answer.thumbnail) if thumbnail else b"",
        sha256=hashlib.sha256(content).hexdigest(),
        notes=tuple(note for note in Note if note in answer.notes),
    )


def draw_page(content: bytes, kind: str, page: int) -> Pixels:
    """One page of a paper that was taken in, from 1, at 150 dots an inch; drawn by the confined process, too.

    Raises:
        PaperRefused: there is no such page, or it cannot be drawn.
        DeviceError: this machine cannot start or confine the process.
    """
    answer = read_apart(content, kind, page=page)
    if answer.verdict != Verdict.SHOWN:
        raise _refusal(answer)
    return answer.thumbnail


def _refusal(answer: Answer) -> PaperRefused:
    sentence, next_step = _REFUSALS[answer.verdict]
    return PaperRefused(sentence.format(page=answer.pages), next_step)


def _png(pixels: Pixels) -> bytes:
    """PNG (ISO/IEC 15948): 8-bit colour, filter 0."""
    row = 3 * pixels.width
    rows = b"".join(b"\0" + pixels.rgb[at : at + row] for at in range(0, len(pixels.rgb), row))
    header = struct.pack(">IIBBBBB", pixels.width, pixels.height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
