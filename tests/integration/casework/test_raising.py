"""Raising at a real store: each certificate once, by itself, and nothing lost wherever it is interrupted."""

from __future__ import annotations

import hashlib
import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import typst
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.casework import applications, revoking
from appliance.casework.cases import go_on
from appliance.casework.certificates import Certificate, State, certificates_of
from appliance.casework.raising import BATCH, marks, pending, pending_count, raise_some
from appliance.certificates.timestamps import Material
from appliance.certificates.timestamptokens import BadTimestamp
from appliance.journal import kinds as k
from appliance.journal.errors import NetworkError
from appliance.journal.ids import EntityId
from appliance.store.layout import Layout
from appliance.store.store import Store
from appliance.store.verify import verify_home
from sync.central.authority import Authority, key_bytes, load_key
from tests.support.desk import Desk
from tests.support.nodes import halt, real_clock
from tests.support.sealing_centre import Centre, new_centre
from tests.support.timestamps import LATER, Tsa, new_tsa


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("page") / "page.typ"
    file.write_text('#set document(title: "x", date: datetime(year: 2026, month: 1, day: 1))\nSPECIMEN')
    return typst.compile(str(file), pdf_standards=["a-3b"])


@pytest.fixture(scope="module")
def sealer() -> Centre:
    return new_centre()


@pytest.fixture(scope="module")
def tsa(sealer: Centre) -> Tsa:
    return new_tsa(sealer.authority)


@dataclass
class Issuing:
    """A desk that issues certificates: small ones."""

    desk: Desk
    sealer: Centre
    page: bytes
    issued: int = 0

    @property
    def store(self) -> Store:
        return self.desk.store

    def issue(self, pdf: bytes | None = None, *, wrong_hash: bool = False) -> EntityId:
        """Issue one; of another file where that is given."""
        application = self.desk.approved()
        signed = self.sealer.sign(self.page) if pdf is None else pdf
        blob = self.store.put_blob(signed)
        self.issued += 1
        body = k.ApplicationIssued(
            number=f"PEW01-{self.issued:06d}",
            record_sha256="ab" * 32,
            pdf_sha256="cd" * 32 if wrong_hash else hashlib.sha256(signed).hexdigest(),
            issued_on="2026-11-22",
        )
        go_on(self.store, self.desk.officer, application, lambda _, __: [body], blobs=(blob,))
        return application

    def countersign(self) -> None:
        self.desk.bench.countersign()

    def certificate(self, application: EntityId) -> Certificate:
        (found,) = certificates_of(self.store, application)
        return found

    def raised_entries(self) -> list[str]:
        entries = self.store.entries(0, self.store.head().size)
        return [entry.header.about for entry in entries if entry.header.kind == k.CertificateRaised.KIND]


@pytest.fixture
def issuing(desk: Desk, sealer: Centre, page: bytes) -> Issuing:
    return Issuing(desk, sealer, page)


def test_what_was_issued_and_countersigned_is_raised_by_the_node_itself(issuing: Issuing, tsa: Tsa) -> None:
    application = issuing.issue()
    assert not pending(issuing.store, 10), "central has not countersigned it"
    issuing.countersign()
    before = issuing.certificate(application)
    assert raise_some(issuing.store, tsa).numbers == ("PEW01-000001",)
    after = issuing.certificate(application)
    assert (after.level, after.blob, after.pdf_sha256) == ("B-LTA", before.blob, before.pdf_sha256)
    raised, sealed = (issuing.store.open_blob(each) for each in (after.raised_blob, after.blob))  # type: ignore[arg-type]
    assert raised.startswith(sealed)
    assert hashlib.sha256(raised).hexdigest() == after.raised_sha256
    *_, entry = issuing.store.entries(0, issuing.store.head().size)
    assert (entry.header.kind, entry.header.by, entry.header.about) == ("certificate.raised", "node", application)
    body = k.decode_body(entry.header.kind, entry.body or b"")
    assert isinstance(body, k.CertificateRaised)
    assert (body.stamped_at, body.tsa) == ("2026-11-22T12:30:00.000Z", "Specimen timestamps")
    assert not pending(issuing.store, 10)
    assert raise_some(issuing.store, tsa).numbers == ()
    assert verify_home(issuing.store.layout, issuing.desk.bench.key).ok


def test_many_are_raised_the_oldest_first_by_one_request_a_batch(issuing: Issuing, tsa: Tsa) -> None:
    tsa = replace(tsa, asked=[])
    cases = [issuing.issue() for _ in range(5)]
    issuing.countersign()
    first = raise_some(issuing.store, tsa, 3)
    assert (first.numbers, first.waiting) == (tuple(f"PEW01-{n:06d}" for n in (1, 2, 3)), True)
    second = raise_some(issuing.store, tsa, 3)
    assert (len(second.numbers), second.waiting) == (2, False)
    assert tsa.asked == [3, 2]
    assert issuing.raised_entries() == cases
    assert BATCH > 3


def test_one_that_cannot_be_raised_is_marked_with_the_reason_and_keeps_no_other_waiting(
    issuing: Issuing, tsa: Tsa
) -> None:
    foreign = issuing.issue(b"%PDF-1.7 this is none")
    changed = issuing.issue(wrong_hash=True)
    lost = issuing.issue()
    good = issuing.issue()
    issuing.countersign()
    digest = issuing.certificate(lost).blob
    (issuing.store.layout.blobs / digest[:2] / digest).unlink()
    done = raise_some(issuing.store, tsa)
    assert done.numbers == ("PEW01-000004",)
    assert [issuing.certificate(each).level for each in (foreign, changed, lost, good)] == ["", "", "", "B-LTA"]
    reasons = {mark.number: mark.reason for mark in marks(issuing.store)}
    assert "cannot be read as a PDF" in reasons["PEW01-000001"]
    assert "not the one that was issued" in reasons["PEW01-000002"]
    assert len(reasons) == 3
    assert all(mark.next_step for mark in done.marked)
    # They are left alone today, and looked at again on another day.
    assert (pending(issuing.store, 10), pending_count(issuing.store)) == ([], 3)
    issuing.desk.bench.clock.advance(timedelta(days=1))
    assert len(pending(issuing.store, 10)) == 3


def test_a_file_that_is_back_is_raised_on_another_day_and_its_mark_goes(issuing: Issuing, tsa: Tsa) -> None:
    application = issuing.issue()
    issuing.countersign()
    digest = issuing.certificate(application).blob
    file = issuing.store.layout.blobs / digest[:2] / digest
    away = file.with_name("away")
    file.rename(away)
    assert len(raise_some(issuing.store, tsa).marked) == 1
    away.rename(file)
    issuing.desk.bench.clock.advance(timedelta(days=1))
    assert raise_some(issuing.store, tsa).numbers == ("PEW01-000001",)
    assert marks(issuing.store) == []


def test_a_certificate_that_was_revoked_is_raised_all_the_same(issuing: Issuing, tsa: Tsa) -> None:
    application = issuing.issue()
    desk, number = issuing.desk, issuing.certificate(application).number
    revoking.ask_revocation(desk.store, desk.operator, application, number, "fraud", "The deed was forged")
    revoking.revoke(desk.store, desk.hire("zarak"), application, number)
    issuing.countersign()
    raise_some(issuing.store, tsa)
    found = issuing.certificate(application)
    assert (found.state, found.level) == (State.REVOKED, "B-LTA")


@pytest.mark.parametrize("years", [-30, 5])
def test_a_clock_that_is_wrong_by_years_makes_no_difference(issuing: Issuing, tsa: Tsa, years: int) -> None:
    application = issuing.issue()
    issuing.countersign()
    issuing.desk.bench.clock.advance(timedelta(days=365 * years))
    raise_some(issuing.store, tsa)
    *_, entry = issuing.store.entries(0, issuing.store.head().size)
    body = k.decode_body(entry.header.kind, entry.body or b"")
    assert isinstance(body, k.CertificateRaised)
    assert body.stamped_at.startswith(f"{LATER:%Y-%m-%d}")
    assert issuing.certificate(application).level == "B-LTA"


@dataclass(frozen=True)
class Otherwise:
    """Central's timestamps, with something done to the answers."""

    tsa: Tsa
    answers: Callable[[list[bytes]], list[bytes]]
    at: timedelta = timedelta()

    def material(self) -> Material:
        return replace(self.tsa.material(), at=LATER + self.at)

    def stamps(self, requests: Sequence[bytes]) -> Sequence[bytes]:
        return self.answers(list(self.tsa.stamps(requests)))


def unreachable(_: list[bytes]) -> list[bytes]:
    raise NetworkError("The link to central broke.")


@pytest.mark.parametrize(
    ("answers", "at"),
    [
        (lambda found: found[::-1], timedelta()),
        (lambda found: found[:-1], timedelta()),
        (lambda found: [b"", *found[1:]], timedelta()),
        (lambda found: found, timedelta(hours=2)),
        (lambda found: found, timedelta(hours=-2)),
    ],
)
def test_timestamps_that_are_not_right_are_nobody_s_fault_here_and_mark_nothing(
    issuing: Issuing, tsa: Tsa, answers: Callable[[list[bytes]], list[bytes]], at: timedelta
) -> None:
    for _ in range(2):
        issuing.issue()
    issuing.countersign()
    with pytest.raises(BadTimestamp):
        raise_some(issuing.store, Otherwise(tsa, answers, at))
    assert marks(issuing.store) == []
    assert len(raise_some(issuing.store, tsa).numbers) == 2


def test_what_came_before_a_wrong_timestamp_holds(issuing: Issuing, tsa: Tsa) -> None:
    cases = [issuing.issue() for _ in range(3)]
    issuing.countersign()
    with pytest.raises(BadTimestamp):
        raise_some(issuing.store, Otherwise(tsa, lambda found: [*found[:2], found[0]]))
    assert issuing.raised_entries() == cases[:2]
    assert raise_some(issuing.store, tsa).numbers == ("PEW01-000003",)
    assert issuing.raised_entries() == cases


def test_timestamps_by_another_certificate_than_the_document_holds_are_refused(
    issuing: Issuing, sealer: Centre, tsa: Tsa
) -> None:
    issuing.issue()
    issuing.countersign()
    other = new_tsa(sealer.authority)

    class Changed(Tsa):
        def material(self) -> Material:
            return other.material()

    changed = Changed(tsa.authority, tsa.key, tsa.certificate)
    with pytest.raises(BadTimestamp, match="another certificate"):
        raise_some(issuing.store, changed)
    assert raise_some(issuing.store, tsa).numbers == ("PEW01-000001",)


def test_a_link_that_breaks_leaves_all_as_it_was(issuing: Issuing, tsa: Tsa) -> None:
    issuing.issue()
    issuing.countersign()
    with pytest.raises(NetworkError):
        raise_some(issuing.store, Otherwise(tsa, unreachable))
    assert marks(issuing.store) == []
    assert raise_some(issuing.store, tsa).numbers == ("PEW01-000001",)


@dataclass(frozen=True)
class Moment:
    """Where a kill comes: at the so manieth call of a step of the store, before or after it was done."""

    step: str
    turn: int
    done: bool


def raise_until_killed(home: Path, key: bytes, secrets: tuple[bytes, ...], moment: Moment) -> None:
    """What the other process does."""
    authority, tsa_key = Authority.load(*secrets[:2]), load_key(secrets[2])
    tsa = Tsa(authority, tsa_key, x509.load_der_x509_certificate(secrets[3]))
    real, turns = getattr(Store, moment.step), itertools.count(1)

    def step(store: Store, *args: object, **more: object) -> object:
        due = next(turns) == moment.turn
        if due and not moment.done:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = real(store, *args, **more)
        if due:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(Store, moment.step, step)
    raise_some(Store(Layout(home), key, clock=real_clock, random=os.urandom, halt=halt), tsa)


@pytest.mark.parametrize(
    "moment",
    [
        Moment("open_blob", 2, done=False),
        Moment("put_blob", 1, done=False),
        Moment("put_blob", 1, done=True),
        Moment("put_blob", 2, done=True),
        Moment("commit", 1, done=False),
        Moment("commit", 1, done=True),
    ],
    ids=str,
)
def test_a_kill_at_any_step_loses_nothing_and_raises_nothing_twice(issuing: Issuing, tsa: Tsa, moment: Moment) -> None:
    cases = [issuing.issue() for _ in range(2)]
    issuing.countersign()
    issuing.store.close()
    bench = issuing.desk.bench
    der = tsa.authority.certificate.public_bytes(Encoding.DER)
    secrets = (tsa.authority.secret, der, key_bytes(tsa.key), tsa.signer.certificate)
    process = multiprocessing.get_context("spawn").Process(
        target=raise_until_killed, args=(bench.home, bench.key, secrets, moment)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    started = bench.reopen()
    with started.closing():
        started.recover("test")
        while raise_some(started, tsa, 1).numbers:
            pass
        headers = [entry.header for entry in started.entries(0, started.head().size)]
        assert [each.about for each in headers if each.kind == k.CertificateRaised.KIND] == cases
        files = {file.name for file in started.layout.blobs.rglob("*") if file.is_file() and len(file.name) == 64}
        assert files == set(started.named_blobs())
    report = verify_home(started.layout, bench.key)
    assert report.ok, report.reasons


def test_two_processes_that_raise_at_once_write_one_entry(issuing: Issuing, tsa: Tsa) -> None:
    application = issuing.issue()
    issuing.countersign()
    other = issuing.desk.bench.reopen()

    def meanwhile(found: list[bytes]) -> list[bytes]:
        assert raise_some(other, tsa).numbers == ("PEW01-000001",)
        return found

    with other.closing():
        assert raise_some(issuing.store, Otherwise(tsa, meanwhile)).numbers == ()
    assert issuing.raised_entries() == [application]


def test_a_subject_that_was_erased_meanwhile_is_passed_over(issuing: Issuing, tsa: Tsa) -> None:
    application, other = issuing.issue(), issuing.issue()
    issuing.countersign()

    def meanwhile(found: list[bytes]) -> list[bytes]:
        applications.erase(issuing.store, issuing.desk.supervisor, application, "asked to")
        return found

    assert raise_some(issuing.store, Otherwise(tsa, meanwhile)).numbers == ("PEW01-000002",)
    assert issuing.raised_entries() == [other]
    assert pending_count(issuing.store) == 0
