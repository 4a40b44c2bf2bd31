"""Another print of a certificate that was printed before: the pages as they were issued, marked as a duplicate.

It is made from the signed file itself, so that what it shows cannot differ from what was signed, however old; the file
is only read. What comes out is for a printer: it carries no signature and no attachments. Its code is the certificate's
own, and reads as such.
"""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from typing import Final

from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader

from appliance.certificates.typesetting import typesetter
from appliance.certificates.wording import say_date
from appliance.journal.errors import BugError, IntegrityError

TEMPLATE: Final = "duplicate.typ"
MARK: Final = "DUPLICATE"
MAX_PAGES: Final = 60


def render_duplicate(signed: bytes, *, number: str, copy: int, on: date, centre: str) -> bytes:
    """A PDF of the certificate's pages with the mark, the copy's number, and when and where it is printed.

    Args:
        signed: the signed certificate.
        number: the certificate's.
        copy: which one it is, from 2; the first is no duplicate.
        on: the day.
        centre: that prints it, by its code.

    Raises:
        IntegrityError: it is no PDF of as many pages as a certificate can have.
        FontsMissing: a font is not on this machine.
        BugError: the first copy is no duplicate.
    """
    if copy < 2:
        raise BugError("The first copy of a certificate is no duplicate.")
    data = {
        "title": f"{number}, copy {copy}",
        "mark": MARK,
        "line": f"{MARK} · copy {copy} of {number} · printed on {say_date(on.isoformat(), 'en')} at {centre}",
        "pages": _pages(signed),
    }
    at = datetime(on.year, on.month, on.day, tzinfo=UTC)
    # PDF/A takes in no pages of another file; this one goes to a printer, and is kept by nobody.
    return typesetter().pdf(TEMPLATE, data, {"certificate": signed}, at=at, archival=False)


def _pages(signed: bytes) -> int:
    try:
        pages = int(PdfFileReader(io.BytesIO(signed)).root["/Pages"]["/Count"])
    except (PdfError, KeyError, TypeError, ValueError):
        pages = 0
    if not 1 <= pages <= MAX_PAGES:
        raise IntegrityError("The sealed certificate is no PDF that can be printed.", "Run `sanad journal verify`.")
    return pages
