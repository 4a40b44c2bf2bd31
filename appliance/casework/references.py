"""What a citizen shows for money paid elsewhere: the number of a challan, a PSID, a bank's or a wallet's own number.

Nobody here can ask the bank; the number is written down once, in one spelling, so that it cannot pay twice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from appliance.journal.errors import OperatorError
from appliance.journal.kinds import PaymentMode

_DASHES_AND_SPACES: Final = re.compile(r"[\s‐‑‒–—_/.-]+")
# What is left of a number without its hyphens and spaces, and how to say it.
_FORMS: Final[Mapping[PaymentMode, tuple[re.Pattern[str], str]]] = {
    "challan": (re.compile(r"(?=.*[0-9])[A-Z0-9]{3,30}"), "A challan's number has 3 to 30 letters and digits."),
    "psid": (re.compile(r"[0-9]{8,24}"), "A PSID has 8 to 24 digits."),
    "online": (
        re.compile(r"(?=.*[0-9])[A-Z0-9]{4,40}"),
        "A transaction's number has 4 to 40 letters and digits.",
    ),
    "other": (re.compile(r"\w{3,60}"), "Say in 3 to 60 letters and digits what was paid with."),
}


def normal_reference(mode: PaymentMode, typed: str) -> str:
    """A reference in the one spelling by which it is compared: capitals and Western digits, nothing between them.

    Raises:
        OperatorError: it is none of this mode; cash has none.
    """
    if mode == "cash":
        if typed.strip():
            raise OperatorError("Cash has no reference.", "Leave it empty, or choose how it was paid.")
        return ""
    western = "".join(_western(char) for char in unicodedata.normalize("NFKC", typed))
    reference = _DASHES_AND_SPACES.sub("", western).upper()
    form, sentence = _FORMS[mode]
    if not form.fullmatch(reference):
        raise OperatorError(sentence, "Type it as it stands on the paper or the message.")
    return reference


def _western(char: str) -> str:
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)
