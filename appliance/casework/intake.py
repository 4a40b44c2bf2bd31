"""What a file handed over as a scanned paper is, by its content and never by its name.

It looks at the first bytes and the size only; nothing of the file is parsed here.
"""

from __future__ import annotations

from typing import Final

from appliance.journal.errors import OperatorError

MAX_PAPER_BYTES: Final = 32 * 1024 * 1024
# A PDF may have some bytes before its header (ISO 32000-1, annex H, note 13).
_PDF_WITHIN: Final = 1024

_STARTS: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)


class PaperRefused(OperatorError):
    """The file cannot be taken in as a paper."""


def check_size(content: bytes) -> None:
    """Refuse what is no paper by its size alone.

    Raises:
        PaperRefused: it is empty, or larger than `MAX_PAPER_BYTES`.
    """
    if not content:
        raise PaperRefused("The file is empty.", "Scan the paper again.")
    if len(content) > MAX_PAPER_BYTES:
        raise PaperRefused(
            f"The file is larger than {MAX_PAPER_BYTES // 1024 // 1024} MiB.", "Scan it again with fewer dots an inch."
        )


def media_type(content: bytes) -> str:
    """`application/pdf`, `image/jpeg`, `image/png` or `image/tiff`.

    Raises:
        PaperRefused: it is none of them, empty, or too large; the sentence says what to do.
    """
    check_size(content)
    for start, found in _STARTS:
        if content.startswith(start):
            return found
    if b"%PDF-" in content[:_PDF_WITHIN]:
        return "application/pdf"
    raise PaperRefused("This is not a PDF, JPEG, PNG or TIFF file.", "Scan the paper, or ask for it as one of these.")
