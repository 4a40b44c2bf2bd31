"""What central's orders do to the tables: the same on both sides, whatever was erased, and never back to older ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.journal import kinds as k
from appliance.journal.entry import Entry, make_entry, read_entry
from appliance.journal.ids import NOBODY, EntityId, JournalId, Kind, entity_id, journal_id, orders_of
from appliance.journal.tree import EMPTY, root_at
from appliance.records import folding
from appliance.records import tables as t
from appliance.records.database import Database, Tx
from appliance.records.folding import Folder
from appliance.records.folds import ORDER_FOLDS
from appliance.records.log import Log
from tests.support.specimens import SPECIMENS

JOURNAL = journal_id(bytes(32))
SANA, CASE, DECISION, CONFLICT, SESSION = (entity_id(bytes([n]) * 16) for n in range(1, 6))
AT = "2026-11-22T09:00:00.000Z"
UNTIL = "2026-12-06T09:00:00.000Z"
HASH = "ab" * 32


def made(
    journal: JournalId, seq: int, body: k.Body | bytes, about: str = NOBODY, kind: str = "", by: str = SANA
) -> Entry:
    encoded = body if isinstance(body, bytes) else k.encode_body(body)
    return make_entry(
        journal=journal,
        seq=seq,
        at=AT,
        by=by,
        kind=Kind(kind or (body.KIND if isinstance(body, k.Body) else "")),
        about=EntityId(about),
        body=encoded,
        salt=seq.to_bytes(16, "big"),
    )


def order(seq: int, body: k.Body | bytes, kind: str = "") -> Entry:
    return made(orders_of(JOURNAL), seq, body, NOBODY, kind, by="central")


def logged(entries: Sequence[Entry], orders: Sequence[Entry]) -> Tx:
    tx = Database.in_memory((t.LOG, t.FOLDED))
    for journal, its in ((JOURNAL, entries), (orders_of(JOURNAL), orders)):
        log = Log(tx, journal)
        log.set_head(log.append(its, EMPTY), b"a note")
    return tx


def applied(orders: Sequence[Entry], size: int) -> k.OrdersApplied:
    tx = logged([], orders)
    root = root_at(size, Log(tx, orders_of(JOURNAL)).read_node)
    return k.OrdersApplied(size=size, root=root.hex())


def folded(orders: Sequence[Entry], before: Sequence[Entry] = (), after: Sequence[Entry] = ()) -> Tx:
    """The tables where `orders` hold, all at once, between what the node wrote before and after."""
    taken = [made(JOURNAL, len(before), applied(orders, len(orders)))] if orders else []
    entries = [*before, *taken, *after]
    tx = logged(entries, orders)
    Folder(tx, tx, JOURNAL).fold(entries)
    return tx


def rows(tx: Tx, table: str) -> list[Mapping[str, object]]:
    found = next(each for each in t.FOLDED.sorted_tables if each.name == "folded_" + table)
    return [dict(zip(found.columns.keys(), row, strict=True)) for row in dict(folding.table_rows(tx))[found.name]]


def operator(login: str = "sana", about: str = SANA, seq: int = 0) -> Entry:
    return made(JOURNAL, seq, k.OperatorAdded(login=login, name="SPECIMEN Sana", roles=("supervisor",)), about)


def named(login: str = "omar", about: str = SANA) -> k.OperatorNamed:
    return k.OperatorNamed(
        operator=about, login=login, name="SPECIMEN Omar", roles=("officer",), secret_sha256=HASH, until=UNTIL
    )


def drafted(seq: int = 0) -> Entry:
    return made(JOURNAL, seq, k.ApplicationDrafted(service="fard"), CASE)


def decided(**values: str) -> k.DecisionGiven:
    said = {"decision": DECISION, "application": CASE, "decides": "answer", "office": "police", "step": "police"}
    return k.DecisionGiven(**{**said, **values})  # type: ignore[arg-type]


# Every order


def test_every_order_is_kept_and_shown_also_one_of_a_newer_kind_and_it_blocks_none_behind_it() -> None:
    orders = [
        order(0, b'{"colour":"green"}', "counter.painted"),
        order(1, b'{"name":7}', "setting.ordered"),
        order(2, k.SettingOrdered(name="sync.megabytes_per_day", value="500")),
    ]
    tx = folded(orders)
    assert [(row["seq"], row["kind"]) for row in rows(tx, "given_orders")] == [
        (0, "counter.painted"),
        (1, "setting.ordered"),
        (2, "setting.ordered"),
    ]
    assert [row["name"] for row in rows(tx, "ordered_settings")] == ["sync.megabytes_per_day"]


def test_every_kind_that_only_central_gives_is_an_order() -> None:
    given = {kind for kind in k.KINDS if kind in ORDER_FOLDS}
    areas = "orders numbers service setting lists operator officer decision number conflict blobs node"
    assert {each.split(".")[0] for each in given} == set(areas.split())


# Services


def published(version: int, digest: str = HASH) -> k.ServicePublished:
    return k.ServicePublished(service="permit", version=version, digest=digest, content="x")


def newest(tx: Tx) -> Mapping[str, object]:
    return max(rows(tx, "services"), key=lambda row: int(str(row["version"])))


def test_an_older_version_that_comes_later_changes_nothing() -> None:
    tx = folded([order(0, published(7)), order(1, published(3, "cd" * 32)), order(2, published(7, "ef" * 32))])
    assert (newest(tx)["version"], newest(tx)["digest"]) == (7, HASH)
    assert {row["seq"] for row in rows(tx, "service_files")} == {0, 1, 2}


def test_a_service_that_was_withdrawn_is_not_brought_back_by_an_older_version() -> None:
    tx = folded([order(0, k.ServiceWithdrawn(service="permit", version=9)), order(1, published(8))])
    assert newest(tx)["digest"] == ""


# Settings


def test_the_newest_order_for_a_setting_counts_until_it_is_released() -> None:
    orders = [order(0, k.SettingOrdered(name="a", value="1")), order(1, k.SettingOrdered(name="a", value="2"))]
    assert [(row["value"], row["seq"]) for row in rows(folded(orders), "ordered_settings")] == [("2", 1)]
    assert rows(folded([*orders, order(2, k.SettingReleased(name="a"))]), "ordered_settings") == []


# Operators


def test_whom_central_names_may_sign_in_by_a_one_time_secret_until_a_password_is_set() -> None:
    tx = folded([order(0, named())])
    (row,) = rows(tx, "operators")
    assert (row["login"], row["active"], row["password_hash"], row["secret_sha256"]) == ("omar", 1, "", HASH)
    (row,) = rows(
        folded([order(0, named())], after=[made(JOURNAL, 1, k.OperatorPasswordSet(password_hash="h"), SANA)]),
        "operators",
    )
    assert (row["password_hash"], row["secret_sha256"]) == ("h", "")


def test_a_login_that_somebody_has_stays_theirs_and_is_a_case_for_people() -> None:
    tx = folded([order(0, named("sana", CASE))], before=[operator("sana")])
    assert [row["about"] for row in rows(tx, "operators")] == [SANA]
    (case,) = rows(tx, "conflicts")
    assert (case["conflict"], case["what"], case["named"], case["settled_at"]) == (CASE, "login", "sana", "")


def test_naming_somebody_twice_changes_nothing_nor_does_it_bring_back_who_was_erased() -> None:
    (row,) = rows(folded([order(0, named()), order(1, named("other"))]), "operators")
    assert row["login"] == "omar"
    gone = [operator(), made(JOURNAL, 1, k.SubjectErased(reason="left"), SANA)]
    assert rows(folded([order(0, named())], before=gone), "operators") == []


def test_blocking_ends_open_sessions_and_is_not_lifted_by_the_node() -> None:
    opened = k.SessionOpened(role="supervisor", counter="1", expires_at=UNTIL)
    before = [operator(), made(JOURNAL, 1, opened, SESSION)]
    after = [made(JOURNAL, 3, k.OperatorChanged(roles=("supervisor",), active=True, reason="back"), SANA)]
    blocked = [order(0, k.OperatorBlocked(operator=SANA, reason="left"))]
    tx = folded(blocked, before, after)
    (row,) = rows(tx, "operators")
    assert (row["active"], row["blocked"], row["blocked_reason"]) == (1, 1, "left")
    assert rows(tx, "sessions")[0]["closed_at"] == AT
    again = folded([*blocked, order(1, k.OperatorUnblocked(operator=SANA, reason="back"))], before)
    assert rows(again, "operators")[0]["blocked"] == 0
    assert rows(again, "sessions")[0]["closed_at"] == AT


def test_roles_that_central_gives_hold_until_others_are_given() -> None:
    orders = [order(0, k.OperatorRolesOrdered(operator=SANA, roles=("officer", "auditor"), reason="moved"))]
    assert rows(folded(orders, [operator()]), "operators")[0]["roles"] == "officer auditor"


# Decisions


def state(tx: Tx) -> object:
    (row,) = rows(tx, "decisions")
    return row["state"]


def test_a_decision_hangs_on_its_application_and_is_carried_out_contested_or_settled_once() -> None:
    carried = made(JOURNAL, 2, k.DecisionCarriedOut(decision=DECISION), CASE)
    contested = made(JOURNAL, 2, k.DecisionContested(decision=DECISION, reason="It was withdrawn."), CASE)
    settled = made(JOURNAL, 3, k.ConflictSettled(conflict=DECISION, how="The office was told."), CASE)
    given = [order(0, decided(outcome="positive"))]
    assert state(folded(given, [drafted()])) == "open"
    assert state(folded(given, [drafted()], [carried])) == "carried out"
    assert state(folded(given, [drafted()], [contested])) == "contested"
    assert state(folded(given, [drafted()], [contested, settled])) == "settled"
    late = made(JOURNAL, 3, k.DecisionContested(decision=DECISION, reason="Late."), CASE)
    assert state(folded(given, [drafted()], [carried, late])) == "carried out"
    (row,) = rows(folded(given, [drafted()], [contested, settled]), "decisions")
    assert (row["reason"], row["settlement"], row["settled_by"]) == ("It was withdrawn.", "The office was told.", SANA)


def test_a_decision_on_what_was_erased_or_never_here_leaves_no_row() -> None:
    given = [order(0, decided())]
    assert rows(folded(given), "decisions") == []
    erased = made(JOURNAL, 1, k.SubjectErased(reason="asked to"), CASE)
    assert rows(folded(given, [drafted(), erased]), "decisions") == []
    later = made(JOURNAL, 2, k.SubjectErased(reason="asked to"), CASE)
    assert rows(folded(given, [drafted()], [later]), "decisions") == []


def test_central_takes_back_only_what_was_not_carried_out() -> None:
    orders = [order(0, decided()), order(1, k.DecisionWithdrawn(decision=DECISION, application=CASE, reason="Wrong."))]
    assert state(folded(orders, [drafted()])) == "withdrawn"
    first = made(JOURNAL, 1, applied(orders, 1))
    carried = made(JOURNAL, 2, k.DecisionCarriedOut(decision=DECISION), CASE)
    entries = [drafted(), first, carried, made(JOURNAL, 3, applied(orders, 2))]
    tx = logged(entries, orders)
    Folder(tx, tx, JOURNAL).fold(entries)
    assert state(tx) == "carried out"


# Numbers


def test_a_disputed_number_is_settled_once_here_or_at_central() -> None:
    disputed = k.NumberDisputed(conflict=CONFLICT, number="PEW01-000002-K", other=CASE, other_centre="PEW01")
    settled = made(JOURNAL, 1, k.ConflictSettled(conflict=CONFLICT, how="Issued anew."))
    closed = k.ConflictClosed(conflict=CONFLICT, how="Elsewhere.")
    (row,) = rows(folded([order(0, disputed)], after=[settled]), "conflicts")
    assert (row["settled_by"], row["settlement"]) == (SANA, "Issued anew.")
    (row,) = rows(folded([order(0, disputed), order(1, closed)], after=[settled]), "conflicts")
    assert (row["settled_by"], row["settlement"]) == ("central", "Elsewhere.")


# The same on both sides

BODIES: Sequence[k.Body] = (
    *(published(version) for version in (1, 2, 2)),
    k.ServiceWithdrawn(service="permit", version=2),
    named(),
    named("sana", CASE),
    k.OperatorBlocked(operator=SANA, reason="x"),
    k.OperatorUnblocked(operator=SANA, reason="x"),
    k.OperatorRolesOrdered(operator=SANA, roles=("officer",), reason="x"),
    decided(outcome="positive"),
    k.DecisionWithdrawn(decision=DECISION, application=CASE, reason="x"),
    k.NumberDisputed(conflict=CONFLICT, number="P-1", other=CASE, other_centre="P"),
    k.ConflictClosed(conflict=CONFLICT, how="x"),
    k.SettingOrdered(name="a", value="1"),
    k.SettingReleased(name="a"),
)
OWN = (
    (k.OperatorAdded.KIND, SANA),
    (k.SessionOpened.KIND, SESSION),
    (k.ApplicationDrafted.KIND, CASE),
    (k.SubjectErased.KIND, CASE),
    (k.SubjectErased.KIND, SANA),
    (k.ServiceUsed.KIND, NOBODY),
)


def own(seq: int, drawn: int) -> Entry:
    about_case = (
        k.DecisionCarriedOut(decision=DECISION),
        k.DecisionContested(decision=DECISION, reason="x"),
        k.ConflictSettled(conflict=DECISION, how="x"),
    )
    if drawn < len(OWN):
        kind, about = OWN[drawn]
        return made(JOURNAL, seq, SPECIMENS[kind]("x"), about)
    drawn -= len(OWN)
    if drawn < len(about_case):
        return made(JOURNAL, seq, about_case[drawn], CASE)
    return made(JOURNAL, seq, k.ConflictSettled(conflict=CONFLICT, how="x"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(BODIES), max_size=12), st.lists(st.integers(-4, 9), max_size=14))
def test_orders_fold_to_the_same_tables_at_the_node_at_central_and_again(
    bodies: list[k.Body], drawn: list[int]
) -> None:
    orders = [order(seq, body) for seq, body in enumerate(bodies)]
    entries: list[Entry] = []
    taken = 0
    for each in drawn:
        if each < 0 and taken < len(orders):
            taken = min(len(orders), taken - each)
            entries.append(made(JOURNAL, len(entries), applied(orders, taken)))
        elif each >= 0:
            entries.append(own(len(entries), each))
    node = logged(entries, orders)
    for entry in entries:
        Folder(node, node, JOURNAL).fold([entry])
    archive, index = logged(without_the_erased(entries), orders), Database.in_memory((t.LOG, t.FOLDED))
    folding.fold_range(index, archive, JOURNAL, 0, len(entries))
    assert list(folding.table_rows(index)) == list(folding.table_rows(node))
    before = list(folding.table_rows(node))
    folding.refold(node, node, [JOURNAL])
    assert list(folding.table_rows(node)) == before
    assert len(rows(node, "given_orders")) == taken


def without_the_erased(entries: Sequence[Entry]) -> list[Entry]:
    erased = {each.header.about: each.header.seq for each in entries if each.header.kind == k.SubjectErased.KIND}
    return [
        read_entry(each.header_bytes, None, None)
        if each.header.about != NOBODY and each.header.seq < erased.get(each.header.about, -1)
        else each
        for each in entries
    ]


@pytest.mark.parametrize("kind", sorted(ORDER_FOLDS))
def test_an_order_that_is_taken_up_twice_changes_nothing(kind: str) -> None:
    orders = [order(0, SPECIMENS[kind]("x"))]
    once = made(JOURNAL, 1, applied(orders, 1))
    entries = [drafted(), once, made(JOURNAL, 2, applied(orders, 1))]
    tx = logged(entries, orders)
    Folder(tx, tx, JOURNAL).fold(entries[:2])
    before = {table.name: dict(folding.table_rows(tx))[table.name] for table in t.FOLDED.sorted_tables}
    Folder(tx, tx, JOURNAL).fold(entries[2:])
    after = {table.name: dict(folding.table_rows(tx))[table.name] for table in t.FOLDED.sorted_tables}
    changed = {name for name in after if before[name] != after[name]}
    assert changed == {t.timeline.name, t.unreadable.name}


# Quarantine


def test_a_node_is_in_quarantine_from_the_order_on_until_the_one_that_lets_it_out() -> None:
    stopped = order(0, k.NodeQuarantined(cause="person", reason="Its box was stolen.", by="ayesha"))
    said = {"since": AT, "cause": "person", "reason": "Its box was stolen.", "by": "ayesha"}
    assert rows(folded([stopped]), "quarantines") == [{"journal": JOURNAL, **said, "seq": 0}]
    released = order(1, k.NodeReleased(reason="It was found.", by="ayesha"))
    assert rows(folded([stopped, released]), "quarantines") == []
    again = order(2, k.NodeQuarantined(cause="a cause of newer software", by="central"))
    assert [row["seq"] for row in rows(folded([stopped, released, again]), "quarantines")] == [2]
