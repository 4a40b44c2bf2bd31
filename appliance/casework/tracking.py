"""The tracking number of an application: made at the centre, offline; read out over the telephone.

`CENTRE-YEAR-SEQUENCE-CHECK`, for example `PEW01-2026-000042-K`. The check character is ISO 7064 MOD 37,36 over the rest
without its hyphens: it catches every single wrong character and every swap of two neighbours.
"""

from __future__ import annotations

import re
from typing import Final

from stdnum.iso7064 import mod_37_36

SEQUENCE_DIGITS: Final = 6
_FORM: Final = re.compile(r"([A-Z0-9]{2,20})-(\d{4})-(\d{6,})-([A-Z0-9])")


def tracking_number(centre: str, year: int, sequence: int) -> str:
    """The number of the `sequence`th application (from 1) of `centre` in `year`."""
    code = re.sub(r"[^A-Z0-9]", "", centre.upper())
    number = f"{sequence:0{SEQUENCE_DIGITS}d}"
    return f"{code}-{year}-{number}-{mod_37_36.calc_check_digit(f'{code}{year}{number}')}"


def is_tracking_number(text: str) -> bool:
    """Whether the form and the check character are right."""
    found = _FORM.fullmatch(text)
    return found is not None and bool(mod_37_36.is_valid("".join(found.groups())))
