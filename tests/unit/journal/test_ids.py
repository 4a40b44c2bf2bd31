"""Identifiers."""

from __future__ import annotations

import pytest

from appliance.journal import ids
from appliance.journal.errors import BugError
from appliance.journal.ids import JournalId
from tests.unit.journal import build


def test_an_entity_is_26_characters_of_base32_and_depends_on_all_16_bytes() -> None:
    # RFC 4648, section 10, lower case and without padding.
    assert ids.entity_id(b"foobar" + bytes(10)).startswith("mzxw6ytbo")
    seen = {ids.entity_id(bytes(16 * [0])[:at] + b"\x01" + bytes(15 - at)) for at in range(16)}
    assert len(seen) == 16
    assert all(ids.ENTITY_ID.fullmatch(each) for each in seen)


@pytest.mark.parametrize("wrong", [b"", b"1" * 15, b"1" * 17])
def test_an_entity_is_made_from_16_bytes_only(wrong: bytes) -> None:
    with pytest.raises(BugError):
        ids.entity_id(wrong)


def test_the_journal_of_the_zero_key_is_what_the_command_line_computes() -> None:
    # (printf 'sanad journal v1'; head -c 32 /dev/zero) | sha256sum | head -c 32 | xxd -r -p | base32
    assert ids.journal_id(bytes(32)) == "jskmwfd4z2cxzbbxq6thk4relu"


def test_a_journal_names_its_key_and_no_other() -> None:
    key = build.journal_signer().verifier.public
    journal = ids.journal_id(key)
    assert ids.may_sign(journal, key)
    assert not ids.may_sign(journal, build.journal_signer("other").verifier.public)
    assert ids.may_sign(ids.orders_of(journal), build.journal_signer("other").verifier.public)
    with pytest.raises(BugError):
        ids.journal_id(key[:31])


def test_an_origin_leads_back_to_its_journal() -> None:
    journal = ids.journal_id(bytes(32))
    orders = ids.orders_of(journal)
    assert ids.origin(journal) == f"sanad/journal/{journal}"
    assert ids.origin(orders) == f"sanad/orders/{journal}"
    assert ids.journal_of(ids.origin(journal)) == journal
    assert ids.journal_of(ids.origin(orders)) == orders


@pytest.mark.parametrize(
    "origin",
    ["", "sanad/journal/", "sanad/journal/short", f"sanad/journal/{'a' * 26}\n", f"sanad/central/{'a' * 26}", "a" * 26,
     f"sanad/journal/{'a' * 26}.orders", f"sanad/orders/{'A' * 26}", f"sanad/journal/sanad/journal/{'a' * 26}"],
)  # fmt: skip
def test_other_origins_name_no_journal(origin: str) -> None:
    assert ids.journal_of(origin) is None


@pytest.mark.parametrize("wrong", ["", "a" * 25, "a" * 27, "a" * 26 + "\n", "a" * 26 + ".orders.orders", "A" * 26])
def test_what_is_no_journal_has_no_origin_and_no_orders(wrong: str) -> None:
    with pytest.raises(BugError):
        ids.origin(JournalId(wrong))
    with pytest.raises(BugError):
        ids.orders_of(JournalId(wrong))
    with pytest.raises(BugError):
        ids.orders_of(JournalId("a" * 26 + ".orders"))
