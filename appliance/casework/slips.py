"""Slips: the numbers that are printed in advance and handed out while there is no power.

`PEW01-S-000042-X`: centre, an S in the place of the year, number, check character (ISO 7064 MOD 37,36 over the rest
without its hyphens). No tracking number looks like one. Each is entered once, and again only where that came to
nothing. That it was entered is about nobody, so it stays when the application is erased.
"""

from __future__ import annotations

import re
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select
from stdnum.iso7064 import mod_37_36

from appliance.access.session import Session
from appliance.casework.lifecycle import Status
from appliance.casework.tracking import MAX_CODE, MIN_CODE, centre_code
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import JournalId
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.store.store import Draft, Moment, Store

MAX_SLIPS_AT_ONCE: Final = 500
MAX_NUMBER: Final = 999_999
_FORM: Final = re.compile(rf"([A-Z0-9]{{{MIN_CODE},{MAX_CODE}}})-?S-?([0-9]{{6}})-?([A-Z0-9])")

_CENTRE = select(t.centres.c.centre).where(t.centres.c.journal == bindparam("journal"))
_LAST = select(sa.func.max(t.slip_blocks.c.last)).where(t.slip_blocks.c.journal == bindparam("journal"))
_RESERVED = (
    select(t.slip_blocks.c.first)
    .where(
        t.slip_blocks.c.journal == bindparam("journal"),
        t.slip_blocks.c.first <= bindparam("number"),
        t.slip_blocks.c.last >= bindparam("number"),
    )
    .limit(1)
)
_USED = select(t.slips.c.application).where(
    t.slips.c.journal == bindparam("journal"), t.slips.c.number == bindparam("number")
)
_STATUS = select(t.applications.c.status).where(t.where_key(t.applications))


class BadSlip(OperatorError):
    """No slip that can be entered."""


def slip_text(code: str, number: int) -> str:
    """A slip as it is printed, of the centre with that code.

    Raises:
        OperatorError: the centre's code does not make one.
    """
    code, digits = centre_code(code), f"{number:06d}"
    return f"{code}-S-{digits}-{mod_37_36.calc_check_digit(f'{code}S{digits}')}"


def slip_number(code: str, text: str) -> int:
    """The number of a slip of the centre with that code, as somebody typed it from paper.

    Raises:
        BadSlip: mistyped, or another centre's.
    """
    found = _FORM.fullmatch(re.sub(r"\s", "", text.upper()))
    if found is None or not mod_37_36.is_valid(f"{found[1]}S{found[2]}{found[3]}"):
        raise BadSlip("That is not a number of a slip: a character is wrong.", "Read it from the slip again.")
    if found[1] != centre_code(code):
        raise BadSlip("That slip is another centre's.", "Enter it there.")
    return int(found[2])


def reserve_slips(store: Store, session: Session, count: int) -> list[str]:
    """Set numbers aside, to be printed for a day without power; answers them.

    Raises:
        OperatorError: none or too many at once, there are no more, or the session may not.
    """
    if not 1 <= count <= MAX_SLIPS_AT_ONCE:
        raise OperatorError(f"1 to {MAX_SLIPS_AT_ONCE} slips are set aside at once.", "Ask for fewer, and again.")
    reserved: list[str] = []

    def act(moment: Moment) -> list[Draft]:
        row = moment.tx.one(_LAST, {"journal": store.journal})
        first = 1 + (0 if row is None or row[0] is None else int(row[0]))
        last = first + count - 1
        if last > MAX_NUMBER:
            raise OperatorError("This centre has handed out all numbers of slips.", "Call central IT.")
        code = _code(moment.tx, store.journal)
        reserved[:] = [slip_text(code, number) for number in range(first, last + 1)]
        return [Draft(k.SlipsReserved(first=first, last=last))]

    store.commit(session, act)
    return reserved


def enter_slip(tx: Tx, journal: JournalId, text: str, application: str) -> list[Draft]:
    """What says that a slip is entered now, as this application; nothing where it was said before.

    Raises:
        BadSlip: mistyped, never set aside, or entered as another application that was not discarded.
    """
    number = slip_number(_code(tx, journal), text)
    names = {"journal": journal, "number": number}
    if tx.one(_RESERVED, names) is None:
        raise BadSlip("No slip of this number was ever printed here.", "Read it from the slip again.")
    used = tx.one(_USED, names)
    if used is None:
        return [Draft(k.SlipsUsed(number=number, application=application))]
    if used[0] == application:
        return []
    stands = tx.one(_STATUS, {"k_journal": journal, "k_about": used[0]})
    if stands is not None and stands[0] == Status.DISCARDED.value:
        return [Draft(k.SlipsUsed(number=number, application=application))]
    raise BadSlip("This slip was entered before.", "Look the application up; each slip is entered once.")


def _code(tx: Tx, journal: JournalId) -> str:
    row = tx.one(_CENTRE, {"journal": journal})
    return "" if row is None else str(row[0])
