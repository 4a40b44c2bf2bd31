"""The number of a receipt: gap-free for each centre and year, made at the centre, offline.

`R-CENTRE-YEAR-SEQUENCE-CHECK`, for example `R-PEW01-2026-000042-8`. The check character is ISO 7064 MOD 37,36 over the
rest without its hyphens, the `R` too: so neither of a receipt and a tracking number is read as the other.
The year is UTC's, as in a tracking number.
"""

from __future__ import annotations

import re
from typing import Final

from stdnum.iso7064 import mod_37_36

from appliance.casework.tracking import MAX_CODE, MIN_CODE, SEQUENCE_DIGITS, centre_code

_MARK: Final = "R"
_FORM: Final = re.compile(rf"({_MARK})-([A-Z0-9]{{{MIN_CODE},{MAX_CODE}}})-([0-9]{{4}})-([0-9]{{6,}})-([A-Z0-9])")


def receipt_number(centre: str, year: int, sequence: int) -> str:
    """The number of the `sequence`th receipt (from 1) of `centre` in `year`.

    Raises:
        OperatorError: the centre's code does not make one.
    """
    code = centre_code(centre)
    number = f"{sequence:0{SEQUENCE_DIGITS}d}"
    check = mod_37_36.calc_check_digit(f"{_MARK}{code}{year}{number}")
    return f"{_MARK}-{code}-{year}-{number}-{check}"


def is_receipt_number(text: str) -> bool:
    """Whether the form and the check character are right."""
    found = _FORM.fullmatch(text)
    return found is not None and bool(mod_37_36.is_valid("".join(found.groups())))
