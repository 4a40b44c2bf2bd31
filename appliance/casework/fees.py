"""What is owed for an application: its fee, less what was paid and what it is spared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import select

from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import JournalId
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.statements import found_by

_FEE: Final = select(t.applications.c.fee_minor, t.applications.c.currency).where(t.where_key(t.applications))
_PAID: Final = select(sa.func.coalesce(sa.func.sum(t.payments.c.total_minor - t.payments.c.refunded_minor), 0)).where(
    found_by(t.payments, "application"), t.payments.c.voided == 0
)
_EXEMPTED: Final = select(sa.func.coalesce(sa.func.sum(t.exemptions.c.minor), 0)).where(
    found_by(t.exemptions, "application"), t.exemptions.c.status == "approved"
)


@dataclass(frozen=True, slots=True)
class FeeState:
    """How a fee stands, in minor units. `paid_minor` is without void payments, and less what was given back."""

    due_minor: int
    paid_minor: int
    exempted_minor: int
    currency: k.Currency

    @property
    def owed_minor(self) -> int:
        """What is still to be paid; less than 0 where too much was."""
        return self.due_minor - self.exempted_minor - self.paid_minor

    @property
    def exempted(self) -> bool:
        """Whether some of it is spared."""
        return self.exempted_minor > 0

    @property
    def settled(self) -> bool:
        """Whether nothing is owed any more."""
        return self.owed_minor <= 0


def fee_state(tx: Tx, journal: JournalId, application: str) -> FeeState:
    """How the fee of an application stands; `due_minor` is what was reckoned when it was handed in.

    Raises:
        OperatorError: there is no such application.
    """
    row = tx.one(_FEE, {"k_journal": journal, "k_about": application})
    if row is None:
        raise OperatorError("There is no such application here.", "Look it up by its tracking number.")
    of_application = {"journal": journal, "application": application}
    paid, exempted = (tx.one(each, of_application) or (0,) for each in (_PAID, _EXEMPTED))
    return FeeState(int(row[0]), int(paid[0]), int(exempted[0]), row[1])
