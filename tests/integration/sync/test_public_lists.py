"""The public lists at central: what they say, that they rise whatever happens, and that nothing is forgotten."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from appliance.certificates.lists import BadLists, Ended, PublicLists, TrustedSigner, newer
from appliance.certificates.listsfile import read_lists, write_lists
from appliance.certificates.officer import officer_subject
from appliance.journal.errors import OperatorError
from appliance.journal.ids import entity_id, orders_of
from appliance.journal.kinds import (
    ApplicationIssued,
    Body,
    CertificateCorrected,
    CertificateRevoked,
    ListsPublished,
    OfficerKeyMade,
    OfficerKeyRecalled,
    OfficerKeyRevoked,
    OperatorAdded,
    decode_body,
)
from appliance.journal.notes import Signer
from appliance.records.failures import StorageFull
from appliance.records.log import Log
from appliance.records.moment import at_text
from appliance.sealing import age
from sync.central import tables
from sync.central.authority import new_key
from sync.central.central import LISTS_KEY, Central
from sync.central.ingest import Ingest
from sync.central.publishing import SHARE
from sync.central.registry import find_node
from sync.central.sessions import NodeSession
from sync.frames import VERSION
from sync.invite import EnrolAnswer
from tests.support.centrals import CENTRE, Scribe, new_central, open_central, pieces, stream
from tests.support.lists import people_of
from tests.support.nodes import SteadyClock

HASH = "0" * 64

SESSION = NodeSession("in memory", VERSION)


class Desk:
    """A central on a clock that a test moves, and nodes that are enrolled there."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock = SteadyClock()
        self.now_s = 0.0
        new_central(home).close()
        self.central = self.open(home)

    def open(self, home: Path) -> Central:
        return open_central(home, clock=self.clock, monotonic_s=lambda: self.now_s)

    def reopen(self) -> None:
        self.central.close()
        self.central = self.open(self.home)

    def later(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))

    def enrol(self, code: str = CENTRE[0]) -> tuple[Scribe, EnrolAnswer]:
        scribe = Scribe()
        scribe.opens(code)
        invite = self.central.invite(code, CENTRE[1])
        answer = self.central.enrol(msgspec.json.encode(scribe.request(invite)))
        return scribe, msgspec.json.decode(answer, type=EnrolAnswer)

    def send(self, scribe: Scribe, *bodies: Body, about: str = "", by: str = "node") -> None:
        """Let a node write these, and carry them here."""
        start = len(scribe.entries)
        subject = about or entity_id(os.urandom(16))
        sealed = [age.seal(body.KIND.encode(), [age.recipient_of(scribe.identity)]) for body in bodies]
        parts = []
        for body, blob in zip(bodies, sealed, strict=True):
            with_blob = isinstance(body, ApplicationIssued | CertificateCorrected)
            scribe.write(body, subject, (age.digest_of(blob),) if with_blob else (), by)
            parts += pieces(blob) if with_blob else []
        with self.central._archive_db.read() as tx:
            node = find_node(tx, scribe.journal)
        assert node is not None
        self.central.archive.offer(node, scribe.checkpoint(), None)
        ingest = Ingest(self.central.archive, node, len(scribe.entries), self.central.index.soon, SESSION, lambda: None)
        ingest.feed(stream([*scribe.frames(start), *parts]))
        ingest.finish()
        self.central.index.settle(30)

    @property
    def lists(self) -> PublicLists:
        return self.central.trust.publish().lists

    @property
    def centres(self) -> list[TrustedSigner]:
        """The centres' keys that the lists name now."""
        return [each for each in self.lists.trust.signers if each.kind == "centre"]

    @property
    def ended(self) -> tuple[Ended, ...]:
        return self.lists.revocations.ended


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "central")
    yield made
    made.central.close()


def issued(number: str) -> ApplicationIssued:
    return ApplicationIssued(number=number, record_sha256=HASH, pdf_sha256=HASH, issued_on="2026-11-22")


def corrected(number: str, replaces: str) -> CertificateCorrected:
    return CertificateCorrected(
        number=number, replaces=replaces, record_sha256=HASH, pdf_sha256=HASH, issued_on="2026-11-22", fields={},
        reason="misspelt",
    )  # fmt: skip


def revoked(number: str) -> CertificateRevoked:
    return CertificateRevoked(number=number, reason_code="issued_in_error", reason="two of one")


def test_a_new_central_has_lists_that_anybody_can_check_with_its_trust_file_s_key(desk: Desk) -> None:
    published = desk.central.trust.publish()
    assert read_lists(published.content, [desk.central.trust.key]) == published.lists
    assert (desk.home / "lists").read_bytes() == published.content
    assert published.lists.trust.cosigners == (desk.central.cosigner,)
    assert published.lists.number == int(desk.clock().timestamp())


def test_an_enrolled_node_s_centre_key_and_journal_are_trusted(desk: Desk) -> None:
    before = desk.lists
    scribe, answer = desk.enrol()
    lists = desk.lists
    assert newer(before, lists)
    (signer,) = desk.centres
    assert (signer.kind, signer.centre, signer.name) == ("centre", *CENTRE)
    assert signer.certificate == answer.centre_certificate
    assert signer.kid == hashlib.sha256(answer.centre_certificate).digest()[:8]
    assert [(log.journal, log.centre, log.stopped_at) for log in lists.trust.logs] == [
        (scribe.journal, CENTRE[0], None)
    ]


def test_central_s_own_timestamps_are_trusted_as_timestamps(desk: Desk) -> None:
    (signer,) = [each for each in desk.lists.trust.signers if each.kind == "timestamp"]
    assert (signer.certificate,) == desk.central.stamps.timestamps.service().certificates


def test_a_node_is_told_the_key_that_signs_the_lists(desk: Desk) -> None:
    _, answer = desk.enrol()
    assert answer.publisher == desk.central.trust.key.text


def test_a_centre_whose_name_could_not_stand_in_the_lists_stands_there_with_a_mark(desk: Desk) -> None:
    invite = desk.central.invite("KBL01", "Kabul \u202eevil")
    scribe = Scribe()
    scribe.opens("KBL01", invite.centre_name)
    desk.central.enrol(msgspec.json.encode(scribe.request(invite)))
    assert [each.name for each in desk.centres] == ["Kabul \ufffdevil"]


def test_lists_with_nothing_new_are_not_written_again_on_the_same_day(desk: Desk) -> None:
    first = desk.central.trust.publish()
    desk.later(hours=2)
    desk.reopen()
    assert desk.central.trust.publish().content == first.content


def test_lists_with_nothing_new_are_dated_anew_the_next_day(desk: Desk) -> None:
    first = desk.lists
    desk.later(days=1)
    assert newer(first, desk.lists)
    assert desk.lists.at == desk.clock()


def test_two_publications_in_one_second_have_two_numbers(desk: Desk) -> None:
    first = desk.lists
    desk.enrol()
    second = desk.lists
    desk.enrol("KBL01")
    assert (second.number, desk.lists.number) == (first.number + 1, first.number + 2)


def test_a_clock_that_jumps_back_makes_no_smaller_number_and_no_earlier_date(desk: Desk) -> None:
    first = desk.lists
    desk.later(days=-30)
    assert desk.lists == first
    desk.enrol()
    assert newer(first, desk.lists)
    assert (desk.lists.number, desk.lists.at) == (first.number + 1, first.at)
    desk.later(days=31)
    assert desk.lists.at == desk.clock()


# Certificates


def test_what_the_journals_say_of_certificates_is_published(desk: Desk) -> None:
    scribe, _ = desk.enrol()
    one, two, three = ("PEW01-000001-A", "PEW01-000002-B", "PEW01-000003-C")
    desk.send(scribe, issued(one), corrected(two, one))
    desk.send(scribe, issued(three), revoked(three))
    at = desk.clock().replace(microsecond=0)
    assert {(each.number, each.state, each.reason, each.by) for each in desk.ended} == {
        (one, "superseded", "correction", two),
        (three, "revoked", "issued_in_error", ""),
    }
    assert {each.at for each in desk.ended} == {at}


@pytest.mark.parametrize(
    "number", ["KBL01-000001-A", "PEW01-999999-A", "PEW01-1-A", "X", "PEW01 000001", "ÄÖ-000001-A"]
)
def test_a_node_ends_no_certificate_whose_number_was_not_leased_to_its_centre(desk: Desk, number: str) -> None:
    scribe, _ = desk.enrol()
    desk.enrol("KBL01")
    desk.send(scribe, issued(number), revoked(number))
    assert desk.ended == ()


def test_a_certificate_that_was_erased_at_central_stays_revoked(desk: Desk) -> None:
    scribe, _ = desk.enrol()
    subject = entity_id(os.urandom(16))
    desk.send(scribe, issued("PEW01-000001-A"), revoked("PEW01-000001-A"), about=subject)
    (before,) = desk.ended
    start = len(scribe.entries)
    scribe.erases(subject)
    with desk.central._archive_db.read() as tx:
        node = find_node(tx, scribe.journal)
    assert node is not None
    desk.central.archive.offer(node, scribe.checkpoint(), None)
    ingest = Ingest(desk.central.archive, node, len(scribe.entries), desk.central.index.soon, SESSION, lambda: None)
    ingest.feed(stream(scribe.frames(start)))
    ingest.finish()
    desk.central.index.settle(30)
    desk.later(days=1)
    assert desk.ended == (before,)


# Keys


def test_a_revoked_key_is_published_at_once_and_for_ever(desk: Desk) -> None:
    desk.enrol()
    desk.enrol("KBL01")
    kid = desk.centres[0].kid.hex()
    before = desk.lists
    done = desk.central.trust.revoke(kid, "compromised")
    assert newer(before, desk.lists)
    assert [each.kid.hex() for each in done.signers] == [kid]
    states = {each.kid.hex(): (each.revoked_at, each.reason) for each in desk.centres}
    assert states.pop(kid) == (desk.clock(), "compromised")
    assert set(states.values()) == {(None, "")}
    desk.reopen()
    desk.later(days=400)
    assert {each.kid.hex() for each in people_of(desk.lists) if each.revoked_at} == {kid}


def test_a_revocation_is_not_taken_back_and_only_an_earlier_time_is_taken(desk: Desk) -> None:
    desk.enrol()
    kid = desk.centres[0].kid.hex()
    desk.central.trust.revoke(kid, "lost")
    desk.later(hours=1)
    with pytest.raises(OperatorError, match="cannot be changed"):
        desk.central.trust.revoke(kid, "left")
    earlier = desk.clock() - timedelta(days=9)
    desk.central.trust.revoke(kid, "compromised", earlier)
    (signer,) = desk.centres
    assert (signer.revoked_at, signer.reason) == (earlier, "compromised")


@pytest.mark.parametrize(
    ("name", "reason", "later"),
    [("0" * 16, "lost", 0), ("nobody", "lost", 0), ("", "lost", 0), ("kid", "a whim", 0), ("kid", "lost", 5)],
)
def test_a_revocation_of_no_key_for_no_reason_or_of_the_future_is_refused(
    desk: Desk, name: str, reason: str, later: int
) -> None:
    desk.enrol()
    before = desk.lists
    kid = desk.centres[0].kid.hex()
    with pytest.raises(OperatorError):
        desk.central.trust.revoke(kid if name == "kid" else name, reason, desk.clock() + timedelta(seconds=later))
    assert desk.lists == before


def officer_s_key(desk: Desk, scribe: Scribe) -> str:
    """Let an officer of a node ask for a certificate; answers the key's name in the journal."""
    operator, key = entity_id(os.urandom(16)), entity_id(os.urandom(16))
    private = new_key()
    subject = officer_subject(*CENTRE, "Rabia Officer", operator)
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(private, SHA256())
    desk.send(scribe, OperatorAdded(name="Rabia Officer", roles=("officer",), login="rabia"), about=operator)
    made = OfficerKeyMade(csr=csr.public_bytes(Encoding.DER), storage="sealed")
    desk.send(scribe, made, about=key, by=operator)
    return key


def test_an_officer_s_key_is_trusted_as_soon_as_central_certified_it(desk: Desk) -> None:
    scribe, _ = desk.enrol()
    officer_s_key(desk, scribe)
    (officer,) = [each for each in people_of(desk.lists) if each.kind == "officer"]
    assert (officer.centre, officer.name, officer.revoked_at) == (CENTRE[0], "Rabia Officer", None)


def test_an_officer_s_key_that_the_centre_gave_up_is_revoked(desk: Desk) -> None:
    scribe, _ = desk.enrol()
    key = officer_s_key(desk, scribe)
    desk.send(scribe, OfficerKeyRevoked(reason="lost"), about=key)
    # The node learns of its certificate, and only then of what it said itself, in the order of its own journal.
    (officer,) = [each for each in people_of(desk.lists) if each.kind == "officer"]
    assert (officer.revoked_at, officer.reason) == (desk.clock().replace(microsecond=0), "lost")


def test_a_revoked_officer_s_key_is_recalled_at_its_node(desk: Desk) -> None:
    scribe, _ = desk.enrol()
    key = officer_s_key(desk, scribe)
    (officer,) = [each for each in people_of(desk.lists) if each.kind == "officer"]
    desk.central.trust.revoke(officer.kid.hex(), "left")
    with desk.central._archive_db.read() as tx:
        log = Log(tx, orders_of(scribe.journal))
        (*_, last) = log.entries(0, log.count())
    assert decode_body(last.header.kind, last.body or b"") == OfficerKeyRecalled(key=key, reason="left")


def test_a_node_out_of_service_is_marked_in_the_lists(desk: Desk) -> None:
    scribe, _ = desk.enrol()
    done = desk.central.trust.revoke(scribe.journal, "lost")
    assert [each.journal for each in done.logs] == [scribe.journal]
    assert desk.lists.trust.logs[0].stopped_at == desk.clock()


# Orders that tell of the lists


def told_of(desk: Desk, scribe: Scribe) -> list[ListsPublished]:
    """The orders of a node that tell of lists, once it has written something."""
    desk.send(scribe, revoked("PEW01-999999-Z"))  # a number that central never leased: nothing is published of it
    with desk.central._archive_db.read() as tx:
        log = Log(tx, orders_of(scribe.journal))
        bodies = [decode_body(each.header.kind, each.body or b"") for each in log.entries(0, log.count())]
    return [each for each in bodies if isinstance(each, ListsPublished)]


def the_order(desk: Desk) -> ListsPublished:
    lists, content = desk.lists, (desk.home / "lists").read_bytes()
    return ListsPublished(number=lists.number, made_at=at_text(lists.at), sha256=hashlib.sha256(content).hexdigest())


def test_lists_by_which_nothing_has_ended_are_not_ordered(desk: Desk) -> None:
    scribe, _ = desk.enrol()
    for _ in range(3):
        desk.lists  # noqa: B018  (published)
        assert told_of(desk, scribe) == []
        desk.later(days=1)


def test_a_key_that_ended_is_ordered_of_every_node_at_once_and_of_those_that_enrol_later(desk: Desk) -> None:
    scribe, _ = desk.enrol()
    desk.enrol("KBL01")
    for each in desk.centres:
        desk.central.trust.revoke(each.kid.hex(), "compromised")
        assert told_of(desk, scribe)[-1] == the_order(desk)
    assert len(told_of(desk, scribe)) == 2
    late, _ = desk.enrol("QTA01")
    assert told_of(desk, late) == [told_of(desk, scribe)[-1]]


def test_certificates_that_ended_are_ordered_once_a_day(desk: Desk) -> None:
    scribe, _ = desk.enrol()
    for count, number in enumerate(("PEW01-000001-A", "PEW01-000002-B", "PEW01-000003-C"), 1):
        desk.send(scribe, issued(number), revoked(number))
        assert len(desk.ended) == count
        assert len(told_of(desk, scribe)) == 1
    first = told_of(desk, scribe)
    desk.later(days=1)
    newest = the_order(desk)
    assert told_of(desk, scribe) == [*first, newest]
    assert newest.number > first[0].number


def test_a_node_that_was_away_is_given_the_newest_of_these_orders_alone(desk: Desk) -> None:
    away, _ = desk.enrol()
    for code in ("KBL01", "QTA01", "MUX01"):
        desk.enrol(code)
        (key,) = [each for each in desk.centres if each.centre == code]
        desk.central.trust.revoke(key.kid.hex(), "lost")
        desk.later(days=7)
        desk.lists  # noqa: B018  (published)
    with desk.central._archive_db.read() as tx:
        ordered = [row for row in tx.all(select(tables.order_acts.c.kind)) if row[0] == ListsPublished.KIND]
    assert len(ordered) == 3
    assert len(told_of(desk, away)) == 1


def test_an_order_that_could_not_be_written_keeps_nobody_from_the_lists_and_is_written_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    scribe, _ = desk.enrol()

    def fails(*_: object) -> None:
        raise StorageFull

    with monkeypatch.context() as full:
        full.setattr(desk.central.ordering, "stand", fails)
        revoked = desk.central.trust.revoke(desk.centres[0].kid.hex(), "lost")
        for _ in range(2):
            assert desk.central.trust.current().lists.number == revoked.number
        assert told_of(desk, scribe) == []
    assert desk.central.trust.current().lists.number == revoked.number
    assert told_of(desk, scribe) == [the_order(desk)]


def test_an_order_that_a_crash_kept_from_being_written_is_written_by_the_next_process(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    scribe, _ = desk.enrol()
    with monkeypatch.context() as crash:
        crash.setattr(desk.central.ordering, "stand", lambda *_: sys.exit("power cut"))
        with pytest.raises(SystemExit):
            desk.central.trust.revoke(desk.centres[0].kid.hex(), "lost")
    desk.reopen()
    order = the_order(desk)
    assert told_of(desk, scribe) == [order]


# Backups and files put back


def put_back(desk: Desk, backup: Path, *, lists: bool) -> None:
    """Restore central from a backup, with the public file of that time or with the newest."""
    desk.central.close()
    for file in ("archive.db", "archive.db-wal", "index.db", "index.db-wal", *(["lists"] if lists else [])):
        (desk.home / file).unlink(missing_ok=True)
        if (backup / file).exists():
            shutil.copy(backup / file, desk.home / file)
    desk.central = desk.open(desk.home)


def test_a_central_restored_from_a_backup_forgets_nothing_that_its_file_says(desk: Desk, tmp_path: Path) -> None:
    desk.enrol()
    desk.lists  # noqa: B018  (published)
    desk.reopen()
    shutil.copytree(desk.home, tmp_path / "backup")
    desk.later(hours=1)
    desk.enrol("KBL01")
    kid = desk.centres[0].kid.hex()
    desk.central.trust.revoke(kid, "compromised")
    lost = desk.lists
    put_back(desk, tmp_path / "backup", lists=False)
    assert desk.lists == lost
    desk.enrol("QTA01")
    assert newer(lost, desk.lists)
    assert {each.centre for each in desk.centres} == {"PEW01", "KBL01", "QTA01"}


def test_a_central_restored_as_a_whole_publishes_under_higher_numbers(desk: Desk, tmp_path: Path) -> None:
    desk.lists  # noqa: B018  (published)
    desk.reopen()
    shutil.copytree(desk.home, tmp_path / "backup")
    desk.later(minutes=5)
    desk.enrol()
    lost = desk.lists
    put_back(desk, tmp_path / "backup", lists=True)
    desk.later(minutes=5)
    desk.enrol("KBL01")
    assert desk.lists.number > lost.number
    with pytest.raises(BadLists, match="no longer say"):
        newer(lost, desk.lists)


def test_a_central_restored_as_a_whole_takes_back_what_a_node_holds(desk: Desk, tmp_path: Path) -> None:
    desk.enrol()
    desk.lists  # noqa: B018  (published)
    desk.reopen()
    shutil.copytree(desk.home, tmp_path / "backup")
    desk.later(minutes=5)
    desk.central.trust.revoke(desk.centres[0].kid.hex(), "compromised")
    held = desk.central.trust.publish()
    put_back(desk, tmp_path / "backup", lists=True)
    assert desk.lists.number < held.lists.number
    assert desk.central.trust.take(held.content)
    assert not desk.central.trust.take(held.content)
    assert desk.lists == held.lists
    desk.later(days=1)
    assert newer(held.lists, desk.lists)


def test_a_file_put_back_at_central_is_replaced_under_a_higher_number(desk: Desk) -> None:
    file = desk.home / "lists"
    desk.lists  # noqa: B018  (published)
    older = file.read_bytes()
    desk.enrol()
    newest = desk.lists
    file.write_bytes(older)
    assert newer(newest, desk.lists)


@pytest.mark.parametrize("junk", [b"", b"sanad/lists/", b"\x00" * 5000])
def test_a_spoilt_file_at_central_is_replaced(desk: Desk, junk: bytes) -> None:
    newest = desk.lists
    (desk.home / "lists").write_bytes(junk)
    assert newer(newest, desk.lists)


def test_central_takes_back_nothing_that_it_did_not_publish(desk: Desk) -> None:
    before = desk.lists
    other = Signer(desk.central.trust.key.name, os.urandom(32))
    number = before.number + 1000
    trust = replace(before.trust, number=number)
    revocations = replace(before.revocations, number=number)
    for content in (b"junk", write_lists(trust, revocations, other)):
        with pytest.raises(BadLists):
            desk.central.trust.take(content)
    assert desk.lists == before
    own = Signer(other.name, desk.central._secret(LISTS_KEY))
    assert desk.central.trust.take(write_lists(trust, revocations, own))


def test_a_server_that_is_asked_again_and_again_looks_for_changes_now_and_then(desk: Desk) -> None:
    ticks: Callable[[], float] = iter(range(1_000_000)).__next__
    desk.central.close()
    desk.central = open_central(desk.home, clock=desk.clock, monotonic_s=ticks)
    first = desk.central.trust.current()
    desk.enrol()
    asked = 0
    while desk.central.trust.current() == first:
        asked += 1
    assert 0 < asked <= SHARE


def test_another_process_sees_what_this_one_published(desk: Desk) -> None:
    other = desk.open(desk.home)
    desk.enrol()
    assert other.trust.publish().content == desk.central.trust.publish().content
    desk.central.trust.revoke(desk.centres[0].kid.hex(), "left")
    assert other.trust.current().lists == desk.lists
    other.close()
