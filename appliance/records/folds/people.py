"""Citizens."""

from __future__ import annotations

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import Ops, folds, row
from appliance.records.statements import add_once

_ADD_PERSON = add_once(t.people)


@folds(k.PersonAdded)
def _person_added(header: Header, body: k.PersonAdded) -> Ops:
    yield (
        _ADD_PERSON,
        row(
            header,
            name=body.name,
            name_native=body.name_native,
            born=body.born,
            identity_kind=body.identity_kind,
            identity_number=body.identity_number,
            added_at=header.at,
        ),
    )
