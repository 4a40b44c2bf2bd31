"""An officer's key in the tables: certified once and ended for good, in whatever order the two come."""

from __future__ import annotations

from sqlalchemy import select

from appliance.certificates.signer import kid
from appliance.journal import kinds as k
from appliance.journal.entry import make_entry
from appliance.journal.ids import CENTRAL, NOBODY, EntityId, Kind, entity_id, journal_id, orders_of
from appliance.records import tables as t
from appliance.records.database import Database, Tx
from appliance.records.folds import FOLDS, ORDER_FOLDS

JOURNAL = journal_id(bytes(32))
KEY, OFFICER = entity_id(b"the officers key"), entity_id(b"one of officers.")
MADE = k.OfficerKeyMade(csr=b"request", storage="sealed")
CERTIFIED = k.OfficerKeyCertified(key=KEY, certificate=b"certificate")
REVOKED = k.OfficerKeyRevoked(reason="forgotten")
_ROW = select(
    t.officer_keys.c.operator,
    t.officer_keys.c.state,
    t.officer_keys.c.certificate,
    t.officer_keys.c.kid,
    t.officer_keys.c.certified_at,
    t.officer_keys.c.revoked_at,
    t.officer_keys.c.reason,
)


def folded(*bodies: k.Body) -> tuple[object, ...] | None:
    """The key's row after these entries and orders, each a minute after the other."""
    tx = Database.in_memory((t.LOG, t.FOLDED))
    for minute, body in enumerate(bodies):
        fold_one(tx, minute, body)
    rows = tx.all(_ROW, {})
    return tuple(rows[0]) if rows else None


def fold_one(tx: Tx, minute: int, body: k.Body) -> None:
    order = ORDER_FOLDS.get(body.KIND)
    entry = make_entry(
        journal=JOURNAL if order is None else orders_of(JOURNAL),
        seq=minute,
        at=f"2026-11-22T09:{minute:02}:00.000Z",
        by=OFFICER if order is None else CENTRAL,
        kind=Kind(body.KIND),
        about=KEY if order is None else EntityId(NOBODY),
        body=k.encode_body(body),
        salt=bytes(16),
    )
    for statement, values in (order or FOLDS[body.KIND]).ops(entry.header, body):
        tx.run(statement, values)


NAMED = kid(b"certificate").hex()


def test_a_key_is_asked_for_and_then_certified() -> None:
    assert folded(MADE) == (OFFICER, "asked", b"", "", "", "", "")
    assert folded(MADE, CERTIFIED) == (
        *(OFFICER, "certified", b"certificate", NAMED),
        *("2026-11-22T09:01:00.000Z", "", ""),
    )


def test_a_second_certificate_says_nothing() -> None:
    second = k.OfficerKeyCertified(key=KEY, certificate=b"another")
    assert folded(MADE, CERTIFIED, second) == folded(MADE, CERTIFIED)


def test_a_key_that_was_ended_stays_so_and_still_shows_the_certificate_that_was_on_its_way() -> None:
    assert folded(MADE, REVOKED, CERTIFIED) == (
        *(OFFICER, "revoked", b"certificate", NAMED),
        *("2026-11-22T09:02:00.000Z", "2026-11-22T09:01:00.000Z", "forgotten"),
    )
    recalled = k.OfficerKeyRecalled(key=KEY, reason="compromised")
    assert folded(MADE, CERTIFIED, REVOKED, recalled) == folded(MADE, CERTIFIED, REVOKED)
    assert (folded(MADE, CERTIFIED, recalled) or ())[1] == "revoked"


def test_central_refuses_only_what_waits_for_its_word() -> None:
    refused = k.OfficerKeyRefused(key=KEY, reason="name")
    assert folded(MADE, refused) == (OFFICER, "refused", b"", "", "", "", "name")
    assert folded(MADE, CERTIFIED, refused) == folded(MADE, CERTIFIED)


def test_an_order_about_a_key_that_is_not_there_makes_none() -> None:
    assert folded(CERTIFIED, REVOKED) is None
