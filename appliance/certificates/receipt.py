"""A receipt: laid out once, in the citizen's language, as a picture that every printer and screen shows alike.

Its code leads to the case, and proves that the receipt is from this centre: number, tracking number, sum, day and
whether it is void, signed by the centre's key (ECDSA P-256, deterministic by RFC 6979: printed again it is the same).

    SANAD-R1:R-PEW01-2026-000042-8:PEW01-2026-000042-T:20000:PKR:2026-11-22:PAID:<r and s, 64 bytes, base32>

Every letter is one of QR's alphanumeric set. What the code does not say, it does not prove: payer, lines, mode.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from PIL import Image

from appliance.certificates.codes import draw_code
from appliance.certificates.signer import load_key
from appliance.certificates.typesetting import typesetter
from appliance.certificates.wording import PAYMENT_MODES, say_date, say_money, words
from appliance.journal.errors import BugError, IntegrityError

TEMPLATE: Final = "receipt.typ"
WIDTH_DOTS: Final = 576
"""Of an 80 mm printer's line, at 203 dots an inch."""
MIN_WIDTH_DOTS: Final = 360
MAX_WIDTH_DOTS: Final = 1200
MAX_LINES: Final = 64
MAX_TEXT: Final = 400
"""Characters of a receipt's code."""
# A dot is black or white. Darker than the middle, thin strokes of Nastaliq stay whole.
_THRESHOLD: Final = 150
_MAX_MODULE_DOTS: Final = 7
_SCALAR: Final = 32
_DOTS_PER_INCH: Final = 72.0
"""So that a point of the layout is a dot of the printer."""

MARK: Final = "SANAD-R1:"
"""What the code of a receipt begins with."""
_PAID: Final = "PAID"
_VOID: Final = "VOID"
_FORM: Final = re.compile(
    r"SANAD-R1:(?P<number>[A-Z0-9-]{1,48}):(?P<tracking>[A-Z0-9-]{1,48}):(?P<total>0|[1-9][0-9]{0,15})"
    r":(?P<currency>PKR|INR):(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2}):(?P<state>PAID|VOID)"
)


class NotOurReceipt(IntegrityError):
    """A code that is on no receipt of this centre."""

    def __init__(self) -> None:
        super().__init__(
            "This receipt's code is not signed by this centre.", "Keep the paper, and call the supervisor."
        )


@dataclass(frozen=True, slots=True)
class ReceiptClaim:
    """What the code of a receipt says."""

    number: str
    tracking: str
    total_minor: int
    currency: str
    day: str
    """When the fee was taken, as in ISO 8601."""
    void: bool = False

    @property
    def text(self) -> str:
        """What is signed."""
        state = _VOID if self.void else _PAID
        return f"SANAD-R1:{self.number}:{self.tracking}:{self.total_minor}:{self.currency}:{self.day}:{state}"


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """One thing that was paid for."""

    label: Mapping[str, str]
    minor: int


@dataclass(frozen=True, slots=True)
class ReceiptRecord:
    """What a receipt shows."""

    number: str
    centre: str
    """The centre's code."""
    centre_name: str
    service: Mapping[str, str]
    """Its title, by language."""
    tracking: str
    payer: str
    lines: tuple[ReceiptLine, ...]
    total_minor: int
    currency: str
    mode: str
    """How it was paid: `cash`, `challan`, `psid`, `online`, `other`, or words of the caller's."""
    reference: str
    taken_at: str
    """ISO 8601 with the offset of the centre's clock, as it is to be printed."""
    taken_by: str
    due: str | None
    """The promised day, ISO 8601."""
    language: str
    qr_text: str
    """`receipt_text`."""
    specimen: bool = False
    marks: tuple[str, ...] = field(default=())
    """In English capitals: SIMULATED, DUPLICATE."""
    void: bool = False


def receipt_text(claim: ReceiptClaim, key: bytes) -> str:
    """What the code of a receipt says.

    Args:
        claim: the receipt.
        key: the centre's, PKCS #8, DER.

    Raises:
        IntegrityError: the key cannot be read. BugError: something in the claim has another form.
    """
    if _FORM.fullmatch(claim.text) is None:
        raise BugError("A receipt's code cannot say this.")
    signature = load_key(key).sign(claim.text.encode("ascii"), ec.ECDSA(SHA256(), deterministic_signing=True))
    r, s = decode_dss_signature(signature)
    raw = r.to_bytes(_SCALAR) + s.to_bytes(_SCALAR)
    return f"{claim.text}:{base64.b32encode(raw).decode('ascii').rstrip('=')}"


def verify_receipt_text(text: str, public: ec.EllipticCurvePublicKey) -> ReceiptClaim:
    """Read the code of a receipt, and see that this centre signed it.

    Args:
        text: what a reader gave.
        public: the centre's public key.

    Raises:
        NotOurReceipt: it is no receipt's code, was changed, or is another centre's.
    """
    claimed, _, encoded = text.strip()[:MAX_TEXT].rpartition(":")
    found = _FORM.fullmatch(claimed)
    try:
        raw = base64.b32decode(encoded + "=" * (-len(encoded) % 8))
        if found is None or len(raw) != 2 * _SCALAR:
            raise NotOurReceipt
        signature = encode_dss_signature(int.from_bytes(raw[:_SCALAR]), int.from_bytes(raw[_SCALAR:]))
        public.verify(signature, claimed.encode("ascii"), ec.ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        raise NotOurReceipt from None
    return ReceiptClaim(
        number=found["number"],
        tracking=found["tracking"],
        total_minor=int(found["total"]),
        currency=found["currency"],
        day=found["day"],
        void=found["state"] == _VOID,
    )


def render_receipt(record: ReceiptRecord, *, width_dots: int = WIDTH_DOTS) -> bytes:
    """Draw a receipt.

    Args:
        record: what it shows.
        width_dots: of the printer's line.

    Returns:
        A PNG in black and white, as wide as the line.

    Raises:
        BugError: the lines do not make the sum, or something is out of its bounds.
        FontsMissing: a font is not on this machine.
    """
    if sum(line.minor for line in record.lines) != record.total_minor:
        raise BugError("The lines of a receipt do not make its sum.")
    if not 0 < len(record.lines) <= MAX_LINES or not MIN_WIDTH_DOTS <= width_dots <= MAX_WIDTH_DOTS:
        raise BugError("A receipt is out of its bounds.")
    (page,) = typesetter().pages(TEMPLATE, _page(record, width_dots), {}, dots_per_inch=_DOTS_PER_INCH)
    with Image.open(io.BytesIO(page)) as drawn:
        dots = drawn.convert("L").point(lambda level: 255 if level >= _THRESHOLD else 0).convert("1")
    out = io.BytesIO()
    dots.save(out, "PNG")
    return out.getvalue()


def _page(record: ReceiptRecord, width_dots: int) -> dict[str, object]:
    language = record.language
    code = draw_code(record.qr_text)
    mode = words(record.mode, language) if record.mode in PAYMENT_MODES else record.mode
    rows = [
        ("receipt_number", record.number),
        ("taken_at", _moment(record.taken_at, language)),
        ("service", _in(record.service, language)),
        ("payer", record.payer),
    ]
    after = [("mode", mode), ("reference", record.reference), ("taken_by", record.taken_by)]
    if record.due is not None:
        after.append(("due", say_date(record.due, language)))
    marks = dict.fromkeys([*(["SPECIMEN"] if record.specimen else []), *record.marks])
    return {
        "width": width_dots,
        "lang": language,
        "title": words("receipt", language),
        "title_en": words("receipt", "en"),
        "centre_name": record.centre_name,
        "centre": record.centre,
        "rows": [{"label": words(what, language), "value": value} for what, value in rows if value],
        "lines": [
            {"label": _in(line.label, language), "value": say_money(line.minor, record.currency)}
            for line in record.lines
        ],
        "total": {"label": words("total", language), "value": say_money(record.total_minor, record.currency)},
        "after": [{"label": words(what, language), "value": value} for what, value in after if value],
        "tracking_label": words("tracking", language),
        "tracking": record.tracking,
        "keep": words("keep", language),
        "marks": list(marks),
        "void": list(dict.fromkeys([words("void", "en"), words("void", language)])) if record.void else [],
        "void_lang": language,
        "qr": code.svg,
        "qr_dots": code.modules * min(_MAX_MODULE_DOTS, width_dots // code.modules),
    }


def _in(text: Mapping[str, str], language: str) -> str:
    return text.get(language) or text.get("en") or next(iter(text.values()), "")


def _moment(iso: str, language: str) -> str:
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        raise BugError("A receipt's time is none.") from None
    return f"{say_date(moment.date().isoformat(), language)}, {moment:%H:%M}"
