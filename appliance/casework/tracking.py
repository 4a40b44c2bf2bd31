"""The tracking number of an application: made at the centre, offline; read out over the telephone.

`CENTRE-YEAR-SEQUENCE-CHECK`, for example `PEW01-2026-000042-T`. The check character is ISO 7064 MOD 37,36 over the rest
without its hyphens: it catches every single wrong character and every swap of two neighbours.
"""

from __future__ import annotations

import re
from typing import Final

from stdnum.iso7064 import mod_37_36

from appliance.journal.errors import OperatorError

SEQUENCE_DIGITS: Final = 6
MIN_CODE: Final = 2
MAX_CODE: Final = 20
_FORM: Final = re.compile(rf"([A-Z0-9]{{{MIN_CODE},{MAX_CODE}}})-([0-9]{{4}})-([0-9]{{6,}})-([A-Z0-9])")


def tracking_number(centre: str, year: int, sequence: int) -> str:
    """The number of the `sequence`th application (from 1) of `centre` in `year`.

    Raises:
        OperatorError: the centre's code does not make one.
    """
    code = centre_code(centre)
    number = f"{sequence:0{SEQUENCE_DIGITS}d}"
    return f"{code}-{year}-{number}-{mod_37_36.calc_check_digit(f'{code}{year}{number}')}"


def centre_code(centre: str) -> str:
    """The letters and digits of a centre's code, as they begin its tracking numbers.

    Raises:
        OperatorError: there are not 2 to 20 of them.
    """
    code = re.sub(r"[^A-Z0-9]", "", centre.upper())
    if not MIN_CODE <= len(code) <= MAX_CODE:
        raise OperatorError(
            f"A centre's code has {MIN_CODE} to {MAX_CODE} letters A to Z and digits.",
            "Central gives the centre another code, and invites this box again.",
        )
    return code


def is_tracking_number(text: str) -> bool:
    """Whether the form and the check character are right."""
    found = _FORM.fullmatch(text)
    return found is not None and bool(mod_37_36.is_valid("".join(found.groups())))
