"""Identity numbers: what is kept of one, how it is shown, and by what two are compared.

An Aadhaar number is never kept whole: its last four digits are, and a keyed hash of all twelve, by which the same
number is known again at this centre and which says nothing without the centre's own key. Every other number is kept as
it stands on the paper. `docs/identity.md` says why.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stdnum.in_ import aadhaar

from appliance.catalogue import Service
from appliance.catalogue.answers import MASKED_AADHAAR
from appliance.journal.errors import OperatorError

AADHAAR: Final = "aadhaar"
CNIC: Final = "cnic"
CNIC_DIGITS: Final = 13
AADHAAR_DIGITS: Final = 12
_MARK_DOMAIN: Final = b"sanad identity mark v1\0"


@dataclass(frozen=True, slots=True)
class KeptNumber:
    """What is kept of an identity number.

    Attributes:
        number: as it is stored and shown: masked where it may not be kept whole.
        mark: 64 hexadecimal digits that stand for the whole number; empty where it is kept whole, or is not known.
    """

    number: str
    mark: str = ""


def kept(kind: str, number: str, key: bytes) -> KeptNumber:
    """What is kept of a number as somebody typed it.

    Args:
        kind: `cnic`, `aadhaar`, `passport`, or whatever the paper is called.
        number: as typed; an Aadhaar number may be masked already.
        key: the centre's own, 32 bytes.

    Raises:
        OperatorError: it cannot be a number of that kind.
    """
    typed = " ".join(number.split())
    if kind == CNIC and typed:
        return KeptNumber(_cnic(typed))
    if kind != AADHAAR or not typed:
        return KeptNumber(typed)
    masked = MASKED_AADHAAR.fullmatch(typed)
    if masked is not None:
        return KeptNumber(_masked(masked.group(1)))
    digits = re.sub(r"[- ]", "", typed)
    if not aadhaar.is_valid(digits):
        raise OperatorError(
            "That is no Aadhaar number: its digits do not fit together.",
            "Read it again from the card; where only the last four digits are known, type xxxx-xxxx-1234.",
        )
    return KeptNumber(_masked(digits[-4:]), mark_of(digits, key))


def mark_of(digits: str, key: bytes) -> str:
    """What stands for a whole Aadhaar number at this centre: HMAC-SHA256 under its own key."""
    return hmac.new(key, _MARK_DOMAIN + digits.encode(), hashlib.sha256).hexdigest()


def masked_answers(service: Service, answers: Mapping[str, str]) -> dict[str, str]:
    """The answers of a form as they are kept: of an Aadhaar number, the last four digits.

    Args:
        service: whose form.
        answers: by field, as `normalise_answers` makes them.
    """
    hidden = {field.id for field in service.fields if field.kind == AADHAAR}
    return {
        name: _masked(answer[-4:]) if name in hidden and len(answer) == AADHAAR_DIGITS else answer
        for name, answer in answers.items()
    }


def could_be_aadhaar(digits: str) -> bool:
    """Whether twelve digits fit together as an Aadhaar number's do."""
    return len(digits) == AADHAAR_DIGITS and bool(aadhaar.is_valid(digits))


def _masked(last_four: str) -> str:
    return f"xxxx-xxxx-{last_four}"


def _cnic(typed: str) -> str:
    digits = re.sub(r"[- ]", "", typed)
    if len(digits) != CNIC_DIGITS or not (digits.isascii() and digits.isdigit()):
        raise OperatorError(f"A CNIC number has {CNIC_DIGITS} digits.", "Read it again from the card.")
    return f"{digits[:5]}-{digits[5:12]}-{digits[12]}"
