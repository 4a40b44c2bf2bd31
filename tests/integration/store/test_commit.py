"""The one commit: nothing is lost between processes, nothing stays of what is refused, and nobody is told too early."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from appliance.access.session import Role, mint
from appliance.journal import kinds as k
from appliance.journal.checkpoint import open_checkpoint
from appliance.journal.entry import Entry
from appliance.journal.errors import BugError, IntegrityError, OperatorError
from appliance.journal.ids import BlobDigest, EntityId
from appliance.journal.verify import verify_entries
from appliance.records import folding
from appliance.records.database import Database
from appliance.records.log import Log
from appliance.store.commit import MAX_DRAFTS, OtherVersion, Pen
from appliance.store.layout import Layout
from appliance.store.store import Draft, Moment, Store
from appliance.store.verify import verify_home
from tests.integration.store.conftest import Bench
from tests.support import casework as applications
from tests.support.nodes import SteadyClock, halt

PROCESSES = 4
THREADS = 2
ACTS = 12


def only(person: Draft, _: Moment) -> list[Draft]:
    return [person]


def draft(bench: Bench, name: str = "Gul Khan") -> Draft:
    return Draft(k.PersonAdded(name=name), bench.store.new_id())


# Several writers


@dataclass(frozen=True)
class Task:
    """What another process is told to do."""

    home: Path
    key: bytes
    session: dict[str, str]
    application: str
    name: str

    def run(self) -> list[tuple[int, bytes]]:
        """Write people and papers from several threads; answers what was acknowledged."""
        store = Store(Layout(self.home), self.key, clock=SteadyClock(), random=os.urandom, halt=halt)
        session = mint(
            id=self.session["id"],
            actor=self.session["actor"],
            role=Role.OPERATOR,
            counter="1",
            expires_at=self.session["expires_at"],
        )

        def write(number: int) -> list[tuple[int, bytes]]:
            told: list[tuple[int, bytes]] = []
            for turn in range(ACTS):
                person = Draft(k.PersonAdded(name=f"{self.name} {number} {turn}"), store.new_id())
                made = store.commit(session, partial(only, person))
                told += [(each.header.seq, each.header_bytes) for each in made]
            applications.add_paper(
                store,
                session,
                EntityId(self.application),
                label=self.name,
                media_type="image/png",
                content=os.urandom(999),
            )
            return told

        with store.closing(), ThreadPoolExecutor(THREADS) as pool:
            return [each for told in pool.map(write, range(THREADS)) for each in told]


def test_four_processes_with_threads_lose_nothing(bench: Bench) -> None:
    application = bench.application()
    before = bench.store.head().size
    session = {name: getattr(bench.operator, name) for name in ("id", "actor", "expires_at")}
    tasks = [Task(bench.home, bench.key, session, application, f"writer {n}") for n in range(PROCESSES)]
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        told = [each for one in pool.map(Task.run, tasks) for each in one]
    entries = list(bench.store.entries(0, bench.store.head().size))
    assert [each.header.seq for each in entries] == list(range(len(entries)))
    assert len(entries) == before + PROCESSES * THREADS * (ACTS + 1)
    assert {seq for seq, _ in told} <= {each.header.seq for each in entries}
    assert all(entries[seq].header_bytes == header for seq, header in told)
    report = verify_home(bench.store.layout, bench.key)
    assert report.ok, report.reasons


def test_threads_share_one_store(bench: Bench) -> None:
    before = bench.store.head().size

    def write(_: int) -> int:
        return bench.store.commit(bench.operator, lambda _: [draft(bench), draft(bench)])[0].header.seq

    with ThreadPoolExecutor(8) as pool:
        first = sorted(pool.map(write, range(40)))
    assert first == list(range(before, before + 80, 2))
    with bench.store.read() as tx:
        log = Log(tx, bench.store.journal)
        head = log.head()
        assert head is not None
        rows = list(log.rows(0, head.size))
    assert verify_entries(rows, key=bench.store.verifier, head=head.checkpoint).consistent


def test_the_connections_of_threads_that_ended_are_closed(bench: Bench) -> None:
    for _ in range(20):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(bench.store.head).result()
    opened = [fd for fd in Path("/proc/self/fd").iterdir() if str(fd.resolve()) == str(bench.store.layout.database)]
    assert len(opened) <= 3


# All or nothing


class Refused(Exception):
    """An act that thinks better of it."""


def raising(bench: Bench) -> Callable[[Moment], list[Draft]]:
    def act(moment: Moment) -> list[Draft]:
        raise Refused

    return act


FAULTS: dict[str, tuple[Callable[[Bench], Callable[[Moment], list[Draft]]], type[Exception]]] = {
    "it raises": (raising, Refused),
    "a body outside its limits": (
        lambda bench: lambda _: [draft(bench), Draft(k.PersonAdded(name="x" * 300), bench.store.new_id())],
        BugError,
    ),
    "a subject that is none": (lambda bench: lambda _: [Draft(k.PersonAdded(name="x"), "Gul Khan")], BugError),
    "more entries than one act may write": (
        lambda bench: lambda _: [draft(bench) for _ in range(MAX_DRAFTS + 1)],
        BugError,
    ),
    "a blob that was not put": (
        lambda bench: lambda _: [Draft(k.PersonAdded(name="x"), bench.store.new_id(), (BlobDigest("ab" * 32),))],
        BugError,
    ),
    "a blob with a hostile name": (
        lambda bench: lambda _: [Draft(k.PersonAdded(name="x"), bench.store.new_id(), (BlobDigest("../" * 22),))],
        BugError,
    ),
    "erasing beside other entries": (
        lambda bench: lambda _: [draft(bench), Draft(k.SubjectErased(reason="x"), bench.store.new_id())],
        OperatorError,
    ),
}


@pytest.mark.parametrize(("fault", "error"), FAULTS.values(), ids=FAULTS)
def test_an_act_that_fails_changes_nothing(
    bench: Bench, fault: Callable[[Bench], Callable[[Moment], list[Draft]]], error: type[Exception]
) -> None:
    before = bench.state()
    with pytest.raises(error):
        bench.store.commit(bench.operator, fault(bench))
    assert bench.state() == before
    bench.store.commit(bench.operator, lambda _: [draft(bench)])
    assert verify_home(bench.store.layout, bench.key).ok


STEPS = ("append", "fold", "stamp", "set_head")


@pytest.mark.parametrize("step", STEPS)
def test_a_commit_that_breaks_at_any_step_changes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    owner: object = {"append": Log, "set_head": Log, "fold": folding.Folder, "stamp": folding}[step]
    genuine = getattr(owner, step)

    def broken(*args: object, **kwargs: object) -> None:
        genuine(*args, **kwargs)
        raise Refused

    before = bench.state()
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, broken)
        with pytest.raises(Refused):
            bench.store.commit(bench.operator, lambda _: [draft(bench)])
    assert bench.state() == before
    bench.store.commit(bench.operator, lambda _: [draft(bench)])
    assert verify_home(bench.store.layout, bench.key).ok


def test_an_act_that_writes_nothing_leaves_nothing(bench: Bench) -> None:
    before = bench.state()
    assert bench.store.commit(bench.operator, lambda _: []) == []
    assert bench.state() == before


def test_a_transaction_inside_another_one_is_refused_at_once(bench: Bench) -> None:
    """It would wait for itself."""
    for inner in (
        lambda: bench.store.commit(bench.operator, lambda _: [draft(bench)]),
        bench.store.head,
        lambda: bench.store.remember(x="y"),
    ):

        def act(_: Moment, inner: Callable[[], object] = inner) -> list[Draft]:
            inner()
            return []

        with pytest.raises(BugError, match="inside another"):
            bench.store.commit(bench.operator, act)
    assert bench.store.commit(bench.operator, lambda _: [draft(bench)])


# Order


@pytest.fixture
def other(bench: Bench) -> Iterator[Store]:
    """The same home, opened a second time."""
    store = bench.reopen()
    yield store
    store.close()


def test_nobody_is_told_before_the_commit_and_everybody_after_it(
    bench: Bench, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    genuine = Pen.write

    def write(self: Pen, *args: object) -> object:
        made = genuine(self, *args)  # type: ignore[arg-type]
        seen.append(other.head().size)
        return made

    before = bench.store.head().size
    monkeypatch.setattr(Pen, "write", write)
    bench.store.commit(bench.operator, lambda _: [draft(bench)])
    assert seen == [before]
    assert other.head().size == before + 1


def test_the_statements_of_a_commit_come_in_their_order(bench: Bench) -> None:
    said: list[str] = []
    connection = bench.store._database._connection()
    connection.set_trace_callback(said.append)
    bench.store.commit(bench.operator, lambda _: [draft(bench)])
    connection.set_trace_callback(None)
    assert said[0] == "BEGIN IMMEDIATE"
    assert said[-1] == "COMMIT"
    writes = [text.split()[2 if text.startswith("INSERT") else 1] for text in said if text.startswith(("INS", "UPD"))]
    assert writes == ["entries", "folded_timeline", "folded_people", "folded_searchable", "stamps", "heads"]


def test_a_blob_is_on_the_disk_before_an_entry_names_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    genuine = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        genuine(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    digest = bench.store.put_blob(b"a scan")
    assert [name.removeprefix(".")[:2] for name in synced] == [digest[:2], digest[:2]]
    assert synced[0].startswith(f".{digest}.")
    assert synced[0].endswith(".part")
    assert synced[1] == digest[:2]


def test_the_writers_lock_is_held_while_an_act_looks(bench: Bench, other: Store) -> None:
    """What an act saw still holds when it is written: a second writer waits."""
    with ThreadPoolExecutor(1) as pool:

        def act(_: Moment) -> list[Draft]:
            waiting.append(pool.submit(other.commit, bench.operator, lambda _: [draft(bench, "second")]))
            assert not waiting[0].done()
            return [draft(bench, "first")]

        waiting: list[Future[list[Entry]]] = []
        first = bench.store.commit(bench.operator, act)[0]
        second = waiting[0].result()[0]
    assert (first.header.seq, second.header.seq) == (bench.store.head().size - 2, bench.store.head().size - 1)


# What the disk is told


def test_each_connection_is_durable_and_leaves_nothing_in_clear(bench: Bench) -> None:
    def asked(name: str) -> object:
        with bench.store.read() as tx:
            row = tx._connection.execute(f"PRAGMA {name}").fetchone()
        return row[0]

    def check() -> None:
        assert asked("journal_mode") == "wal"
        assert asked("synchronous") == 2, "FULL"
        assert asked("secure_delete") == 1
        assert asked("temp_store") == 2, "MEMORY"
        assert asked("trusted_schema") == 0
        assert str(asked("cipher_version")).startswith("4.")

    check()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(check).result()


def test_the_head_is_signed_and_over_all_entries(bench: Bench) -> None:
    bench.store.commit(bench.operator, lambda _: [draft(bench), draft(bench)])
    head = bench.store.head()
    signed = open_checkpoint(head.checkpoint, bench.store.verifier)
    assert (signed.size, signed.root) == (head.size, head.root)


# Other openings of the same store


def test_a_store_that_was_folded_again_elsewhere_is_used_on(bench: Bench, other: Store) -> None:
    bench.person()
    other.refold()
    bench.person()
    with bench.store.read() as tx:
        assert len(dict(folding.table_rows(tx))["folded_people"]) == 2
    assert verify_home(bench.store.layout, bench.key).ok


def test_a_process_of_an_older_version_writes_no_more_once_a_newer_one_folded(
    bench: Bench, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(folding, "VERSION", "9-newer")
        other.refold()
    before = bench.state()
    with pytest.raises(OtherVersion) as caught:
        bench.person()
    assert "start it again" in caught.value.next_step
    assert bench.state() == before


def test_a_store_whose_tree_is_not_that_of_its_head_takes_no_entry(bench: Bench) -> None:
    with Database(bench.store.layout.database, bench.key, lock=bench.store.layout.lock).write() as tx:
        tx._connection.execute("UPDATE entries SET nodes = zeroblob(length(nodes))")
    fresh = bench.reopen()
    before = bench.state()
    with pytest.raises(IntegrityError), fresh.closing():
        fresh.commit(bench.operator, lambda _: [draft(bench)])
    assert bench.state() == before


def test_a_closed_store_is_used_no_more(bench: Bench) -> None:
    bench.store.close()
    with pytest.raises(BugError):
        bench.person()


def test_a_store_is_not_used_across_a_fork(bench: Bench) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            bench.store.head()
        except BugError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_the_clock_is_asked_inside_the_commit(bench: Bench) -> None:
    bench.clock.advance(timedelta(minutes=3))
    (entry,) = bench.store.commit(bench.operator, lambda moment: [Draft(k.PersonAdded(name=moment.at), "c" * 26)])
    assert entry.header.at == "2026-11-22T09:03:00.000Z"
    assert entry.body is not None
    assert entry.header.at.encode() in entry.body


def test_two_entries_of_the_same_words_do_not_share_a_salt(bench: Bench) -> None:
    made = bench.store.commit(bench.operator, lambda _: [draft(bench), draft(bench)])
    assert made[0].salt != made[1].salt
    assert made[0].header.body != made[1].header.body


def test_what_is_told_is_what_is_stored(bench: Bench) -> None:
    (made,) = bench.store.commit(bench.operator, lambda _: [draft(bench)])
    (read,) = bench.store.entries(made.header.seq, made.header.seq + 1)
    assert read == made


def test_a_person_is_found_by_another_opening(bench: Bench, other: Store) -> None:
    bench.person("Sana Gul")
    with other.read() as tx:
        assert [row[2] for row in dict(folding.table_rows(tx))["folded_people"]] == ["Sana Gul"]


def test_an_act_may_name_a_blob_that_another_entry_names(bench: Bench) -> None:
    case = bench.application()
    digest = BlobDigest(bench.paper(case))
    bench.store.commit(bench.operator, lambda _: [Draft(k.PersonAdded(name="x"), bench.store.new_id(), (digest,))])
    assert verify_home(bench.store.layout, bench.key).ok


def test_an_orphan_is_not_named(bench: Bench) -> None:
    """It is collected at the next start, so an entry could come to name nothing."""
    digest = bench.store.put_blob(b"a scan that nobody kept")
    bench.store.give_up_blob(digest)
    with pytest.raises(BugError):
        bench.store.commit(bench.operator, lambda _: [Draft(k.PersonAdded(name="x"), bench.store.new_id(), (digest,))])


def test_applications_are_numbered_without_a_gap_or_a_repetition(bench: Bench) -> None:
    numbers = []
    person = bench.person()
    for _ in range(3):
        made = applications.submit_application(bench.store, bench.operator, service="d", applicant=person, fields={})
        numbers.append(made.tracking.split("-")[1:3])
        applications.erase(bench.store, bench.supervisor, made.application, "asked to")
    assert numbers == [["2026", "000001"], ["2026", "000002"], ["2026", "000003"]]


def test_the_journals_first_entry_opens_it(bench: Bench) -> None:
    (first,) = bench.store.entries(0, 1)
    assert (first.header.kind, first.header.by, first.header.about) == ("journal.opened", "node", "-")
