"""An old database page put back: SQLCipher itself does not see it, verifying the home does.

A store is copied, used on, and then each of its pages that changed is put back to what it was, one at a time.
"""

from __future__ import annotations

from datetime import timedelta

from sqlcipher3 import dbapi2

from appliance.journal.errors import IntegrityError
from appliance.store.verify import verify_home
from tests.integration.store.conftest import Bench
from tests.support import casework as applications
from tests.support.pages import PAGE, decrypted, free_pages


def use(bench: Bench, turns: int) -> None:
    """What a centre does in a day, a little of everything."""
    for turn in range(turns):
        case = bench.application(purpose="study", address=f"House {turn}, Street 1 " * 20)
        bench.paper(case, f"scan {turn}".encode())
        decide = (applications.approve, applications.send_back, applications.reject)[turn % 3]
        decide(bench.store, bench.officer, case, f"reason {turn}")
        if turn % 4 == 0:
            applications.erase(bench.store, bench.supervisor, case, "asked to")
    bench.central.order()
    bench.take_orders()
    bench.countersign()
    bench.store.remember(last_contact=str(bench.clock() + timedelta(minutes=turns)))


def is_found(bench: Bench) -> bool:
    try:
        return not verify_home(bench.store.layout, bench.key).ok
    except IntegrityError:
        return True


def contents(bench: Bench) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, as SQLCipher reads it, and what its own check says of pages, trees and indexes."""
    connection = dbapi2.connect(str(bench.store.layout.database))
    try:
        connection.execute(f"PRAGMA key = \"x'{bench.key.hex()}'\"")
        tables = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name, sql").fetchall()
        found = {"": tables, "check": connection.execute("PRAGMA integrity_check").fetchall()}
        for name, sql in tables:
            if (sql or "").startswith("CREATE TABLE"):
                found[name] = connection.execute(f'SELECT * FROM "{name}"').fetchall()
        return found
    finally:
        connection.close()


def put_back(bench: Bench, older: bytes, newer: bytes) -> tuple[set[int], set[int]]:
    """Put each page that changed back to what it was, one at a time; answers which changed, and which went unseen.

    A page that changes no row when it is put back counts as seen: it was written again with the same cells, and differs
    in its IV, or in bytes between the cells that nothing reads.
    """
    database = bench.store.layout.database
    now = contents(bench)
    assert now["check"] == [("ok",)]
    changed, missed = set(), set()
    for at in range(0, min(len(older), len(newer)), PAGE):
        if older[at : at + PAGE] != newer[at : at + PAGE]:
            changed.add(at // PAGE + 1)
            database.write_bytes(newer[:at] + older[at : at + PAGE] + newer[at + PAGE :])
            if not is_found(bench) and contents(bench) != now:
                missed.add(at // PAGE + 1)
    database.write_bytes(newer)
    assert not is_found(bench)
    return changed, missed


def test_every_old_page_put_back_is_found_but_those_that_nothing_uses(bench: Bench) -> None:
    bench.central.open_orders()
    use(bench, 30)
    bench.store._database.checkpoint()
    database = bench.store.layout.database
    older = database.read_bytes()
    earlier = [entry.header.about for entry in bench.store.entries(0, bench.store.head().size)]
    use(bench, 16)
    for about in earlier:
        with bench.store.read() as tx:
            known = tx._connection.execute("SELECT 1 FROM folded_people WHERE about = ?", (about,)).fetchone()
        if known:
            applications.erase(bench.store, bench.supervisor, about, "asked to")  # type: ignore[arg-type]
            break
    bench.store._database.checkpoint()
    bench.store.close()
    newer = database.read_bytes()
    changed, missed = put_back(bench, older, newer)
    assert len(changed) > 30
    assert not missed, "a page that is in use was put back unseen"


def test_every_old_page_put_back_after_a_countersignature_that_added_no_entry_is_found(bench: Bench) -> None:
    """Nothing in the journal changed: only the head, and what covers it, tells."""
    bench.countersign()
    bench.person()
    bench.store._database.checkpoint()
    database = bench.store.layout.database
    older = database.read_bytes()
    bench.countersign()
    bench.store.remember(last_contact="today")
    bench.store._database.checkpoint()
    bench.store.close()
    changed, missed = put_back(bench, older, database.read_bytes())
    assert len(changed) >= 2
    assert not missed


def test_sqlcipher_itself_does_not_see_an_old_page(bench: Bench) -> None:
    """Why the tree must: the page's HMAC is as good as it was."""
    bench.person()
    bench.store._database.checkpoint()
    database = bench.store.layout.database
    older = database.read_bytes()
    bench.store.remember(x="y")
    bench.store._database.checkpoint()
    bench.store.close()
    newer = database.read_bytes()
    changed = [at for at in range(PAGE, len(older), PAGE) if older[at : at + PAGE] != newer[at : at + PAGE]]
    assert changed
    for at in changed:
        database.write_bytes(newer[:at] + older[at : at + PAGE] + newer[at + PAGE :])
        connection = dbapi2.connect(str(database))
        connection.execute(f"PRAGMA key = \"x'{bench.key.hex()}'\"")
        assert connection.execute("PRAGMA cipher_integrity_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
        assert is_found(bench)


def test_the_pages_that_nothing_uses_are_those_that_sqlite_counts(bench: Bench) -> None:
    use_and_drop = "CREATE TABLE many (x); INSERT INTO many SELECT zeroblob(5000) FROM entries; DROP TABLE many"
    with bench.store._database.write() as tx:
        for statement in use_and_drop.split("; "):
            tx._connection.execute(statement)
        (counted,) = tx._connection.execute("PRAGMA freelist_count").fetchone()
    bench.store._database.checkpoint()
    data = bench.store.layout.database.read_bytes()
    assert counted > 10
    assert len(free_pages(data, bench.key)) == counted
    assert decrypted(data[:PAGE], bench.key, first=True)[2:4] == b"\x02\x02", "WAL, as the file format has it"
