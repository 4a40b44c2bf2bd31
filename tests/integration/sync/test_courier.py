"""A node and central that only a stick connects: what gets there, what does not, and that nothing is lost or harmed."""

from __future__ import annotations

import base64
import os
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.access.operators import NewOperator, add_first_supervisor, sign_in
from appliance.access.session import Role, node_session
from appliance.journal.errors import IntegrityError, OperatorError, SanadError
from appliance.journal.kinds import NodeStarted, NumbersLeased
from appliance.records.log import Log
from appliance.sealing import age
from appliance.store.commit import MAX_DRAFTS
from appliance.store.store import AGE_IDENTITY, NODE_KEY, Draft
from sync import courier, courierdisk, courierfile
from sync.agent import sync_once
from sync.central.central import Central
from sync.central.courier import Import, OldExport, PartMissing, Receipt
from sync.courier import Exported, Taken
from sync.couriercut import Pull
from sync.courierdisk import StickFull
from sync.courierfile import HEADER_BYTES, MAX_FILE, MIN_FILE, BadCourierFile, Close, Header, Kind, Lacking, Statement
from sync.refusals import Fork, NotEnrolled, OutOfTurn, Quarantined
from tests.support import casework
from tests.support.centrals import CENTRE, EnrolledNode, cloned, enrol, open_central, served
from tests.support.nodes import PASSWORD


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with served(tmp_path_factory.mktemp("central") / "home") as made:
        yield made


def export(node: EnrolledNode, path: Path, *, part_bytes: int = MAX_FILE, fit: bool = False) -> Exported:
    return courier.export(node.store, path, part_bytes=part_bytes, fit=fit)


def carry(central: Central, file: Path) -> Import:
    (found,) = courierdisk.find(file)
    return central.courier.take(found)


def answer(central: Central, taken: Import, folder: Path) -> Receipt:
    return central.courier.write_receipt(
        *(taken.journal, folder),
        number=taken.number,
        orders_held=taken.orders_held,
        orders_root=taken.orders_root,
    )


def take(node: EnrolledNode, receipt: Receipt) -> Taken:
    (found,) = courierdisk.find(receipt.place)
    return courier.take_receipt(node.store, found)


def same_on_both_sides(central: Central, node: EnrolledNode) -> bool:
    size = node.store.head().cosigned_size
    with central._archive_db.read() as tx:
        there = [(each.header_bytes, each.body) for each in Log(tx, node.store.journal).entries(0, size)]
    return there == [(each.header_bytes, each.body) for each in node.store.entries(0, size)]


def papers(node: EnrolledNode, *sizes: int) -> list[bytes]:
    """Scans that entries name."""
    made = [os.urandom(size) for size in sizes]
    for paper in made:
        node.commit(blobs=(node.store.put_blob(paper),))
    return made


def test_what_was_exported_is_at_central_and_the_receipt_closes_it(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    node.commit(700)
    scans = papers(node, 100, 200_000)
    size = node.store.head().size
    out = export(node, stick)
    assert (out.first, out.last, out.blobs, out.left, out.missing) == (1, size, 2, 0, ())
    (file,) = out.files
    taken = carry(central, file)
    assert (taken.entries, taken.blobs, taken.refused) == (size - 1, 2, {})
    central.order(node.store.journal, [NumbersLeased(prefix="PEW01", first=1, last=2)])
    receipt = answer(central, taken, stick)
    assert (receipt.stored, receipt.cosigned_size, receipt.lacking) == (size, size, 0)
    back = take(node, receipt)
    assert (back.cosigned_size, back.closed, back.lacking, back.orders, back.troubles) == (size, size - 1, 0, 1, ())
    assert back.lists
    assert same_on_both_sides(central, node)
    assert {central.fetch(digest) for digest in node.store.named_blobs()} == set(scans)
    again = export(node, stick)
    assert (again.first, again.last, again.blobs) == (size, size + 1, 0)


def sync(node: EnrolledNode) -> None:
    outcome = sync_once(node.store, node.address, now_s=lambda: int(time.time()))
    assert outcome.complete
    courier.all_there(node.store, outcome.size)


def stored(central: Central, node: EnrolledNode) -> int:
    return central.archive.state(node.store.journal).stored


def bulky(node: EnrolledNode, count: int) -> None:
    """Entries of some 200 bytes each, which nothing makes smaller."""
    for done in range(0, count, MAX_DRAFTS):
        some = range(min(MAX_DRAFTS, count - done))
        words = [base64.b85encode(os.urandom(150)).decode() for _ in some]
        drafts = [Draft(NodeStarted(software=each, orphans_removed=0)) for each in words]
        node.store.commit(node_session(), lambda _, drafts=drafts: drafts)  # type: ignore[misc]


def all_is_there(central: Central, node: EnrolledNode, size: int) -> bool:
    return (
        stored(central, node) == size
        and same_on_both_sides(central, node)
        and all(central.holds(digest) for digest in node.store.named_blobs())
    )


def test_a_lost_file_is_in_the_next_and_harmless_when_it_turns_up_again(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    papers(node, 1000)
    (lost,) = export(node, stick).files
    papers(node, 1000)
    (second,) = export(node, stick).files
    assert carry(central, second).blobs == 2
    late = carry(central, lost)
    assert (late.entries, late.blobs, late.refused) == (0, 0, {})
    take(node, answer(central, late, stick))
    assert all_is_there(central, node, node.store.head().cosigned_size)


def test_a_series_for_small_sticks_is_taken_in_any_order_that_is_possible_and_else_refused_in_words(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    bulky(node, 7000)
    papers(node, 600_000, 600_000, 2_500_000, 100)
    size = node.store.head().size
    out = export(node, stick, part_bytes=MIN_FILE)
    count = len(out.files)
    assert count >= 5
    assert all(file.stat().st_size <= MIN_FILE for file in out.files)
    headers = [courierdisk.find(file)[0].header for file in out.files]
    assert [(each.part, each.parts) for each in headers] == [(part, count) for part in range(1, count + 1)]
    covered = headers[0].covered_by
    assert covered == 2
    for file, header in zip(out.files[:0:-1], headers[:0:-1], strict=True):
        expected = min(covered, header.part - 1)
        with pytest.raises(PartMissing, match=f"import part {expected} first"):
            carry(central, file)
    assert stored(central, node) == 1
    for file in out.files[:covered]:
        carry(central, file)
    assert stored(central, node) == size
    # Papers in the wrong order: those that are whole in their part are taken, the others named.
    backwards = [carry(central, file) for file in reversed(out.files[covered:])]
    assert any(each.refused for each in backwards)
    taken = [carry(central, file) for file in out.files]
    assert not any(each.refused for each in taken)
    assert take(node, answer(central, taken[-1], stick)).lacking == 0
    assert all_is_there(central, node, size)


def test_a_receipt_for_a_part_closes_that_part_and_the_next_export_has_the_rest(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    papers(node, 700_000, 700_000)
    size = node.store.head().size
    first, *_ = export(node, stick, part_bytes=MIN_FILE).files
    back = take(node, answer(central, carry(central, first), stick))
    assert (back.cosigned_size, back.lacking, back.unknown) == (size, 1, 0)
    rest = export(node, stick)
    assert (rest.first, rest.blobs) == (size, 1)
    carry(central, rest.files[0])
    assert all_is_there(central, node, rest.last)


def test_what_an_unfinished_series_left_gives_way_to_a_file_that_is_whole(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    bulky(node, 5)
    (small,) = export(node, stick).files
    small_size = node.store.head().size
    bulky(node, 7000)
    first, second, *_ = export(node, stick, part_bytes=MIN_FILE).files
    carry(central, first)
    carry(central, first)
    assert stored(central, node) == 1
    carry(central, small)
    assert stored(central, node) == small_size
    with pytest.raises(PartMissing, match="import part 1 first"):
        carry(central, second)
    for file in (first, second):
        carry(central, file)
    assert all_is_there(central, node, node.store.head().size)


def test_a_file_that_was_cut_or_changed_anywhere_changes_nothing(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    papers(node, 150_000)
    (file,) = export(node, stick).files
    content = file.read_bytes()
    places = [0, 20, 40, 100, 300, 500, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 30, len(content) // 2]
    for at in [*places, len(content) - 1]:
        changed = bytearray(content)
        changed[at] ^= 0x20
        for bad in (bytes(changed), content[:at], content[:at] + content[at + 1 :]):
            file.write_bytes(bad)
            with pytest.raises(SanadError):
                carry(central, file)
    file.write_bytes(content + b"more")
    with pytest.raises(BadCourierFile):
        carry(central, file)
    assert central.archive.state(node.store.journal).staged == 1
    file.write_bytes(content)
    assert carry(central, file).blobs == 1


@pytest.mark.parametrize("by", [-1, 1])
def test_a_header_that_says_another_size_than_its_file_holds_is_refused(
    central: Central, node: EnrolledNode, stick: Path, by: int
) -> None:
    node.commit(4)
    (file,) = export(node, stick).files
    header, content = courierdisk.find(file)[0].header, file.read_bytes()
    own = courierfile.export_signer(node.store.journal, node.store.secret(NODE_KEY))
    file.write_bytes(courierfile.write_header(replace(header, last=header.last + by), own) + content[HEADER_BYTES:])
    with pytest.raises(OutOfTurn):
        carry(central, file)
    assert stored(central, node) == 1


def test_an_older_export_of_a_copy_of_the_node_is_a_fork_and_puts_it_into_quarantine(
    central: Central, node: EnrolledNode, stick: Path, tmp_path: Path
) -> None:
    clone = cloned(node, tmp_path / "clone")
    node.commit(5)
    sync(node)
    clone.commit(2)
    (file,) = export(clone, stick).files
    clone.store.close()
    with pytest.raises(Fork):
        carry(central, file)
    assert stored(central, node) == node.store.head().size
    with pytest.raises(Quarantined):
        sync(node)


def test_a_stick_of_a_node_that_was_taken_out_of_service_is_refused(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    node.commit(2)
    (file,) = export(node, stick).files
    central.trust.revoke(node.store.journal, "lost")
    with pytest.raises(NotEnrolled, match="out of service"):
        carry(central, file)
    assert stored(central, node) == 1


def test_another_nodes_files_and_another_centrals_are_refused(
    central: Central, node: EnrolledNode, stick: Path, tmp_path: Path
) -> None:
    with served(tmp_path / "other-central") as elsewhere:
        stranger = enrol(tmp_path / "stranger", elsewhere.invite(*CENTRE))
        (file,) = export(stranger, stick).files
        with pytest.raises(NotEnrolled):
            carry(central, file)
        other = enrol(tmp_path / "other", central.invite(*CENTRE))
        # It says that it is this node's, and another signed it.
        content = file.read_bytes()
        header = replace(courierdisk.find(file)[0].header, journal=node.store.journal)
        forged = courierfile.export_signer(node.store.journal, other.store.secret(NODE_KEY))
        file.write_bytes(courierfile.write_header(header, forged) + content[HEADER_BYTES:])
        with pytest.raises(BadCourierFile, match="not signed"):
            carry(central, file)
        # This node's own signature over what another wrote: it is sealed to another central.
        own = courierfile.export_signer(node.store.journal, node.store.secret(NODE_KEY))
        file.write_bytes(courierfile.write_header(header, own) + content[HEADER_BYTES:])
        with pytest.raises(IntegrityError):
            carry(central, file)
        receipt = answer(central, carry(central, export(other, stick).files[0]), stick)
        with pytest.raises(OperatorError, match="another node"):
            take(node, receipt)
        stranger.store.close()
        other.store.close()
    assert stored(central, node) == 1


def test_a_full_stick_is_seen_before_and_in_the_middle_and_nothing_is_left_on_it(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    papers(node, 3_000_000)
    with pytest.raises(StickFull, match="room for"):
        courier.export(node.store, stick, room=lambda _: 1_000_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
    try:
        with pytest.raises(StickFull, match="nothing was left"):
            export(node, stick)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(stick.iterdir()) == []
    assert carry(central, export(node, stick).files[0]).blobs == 1


def test_told_to_fit_the_entries_go_and_the_papers_that_there_is_room_for(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    papers(node, 400_000, 400_000, 500)
    out = courier.export(node.store, stick, fit=True, room=lambda _: 600_000)
    assert (out.last, out.blobs, out.left) == (node.store.head().size, 2, 1)
    assert out.bytes <= 600_000
    assert take(node, answer(central, carry(central, out.files[0]), stick)).lacking == 1
    again = export(node, stick)
    assert (again.blobs, again.left) == (1, 0)
    carry(central, again.files[0])
    assert all_is_there(central, node, again.last)


class Stop:
    """Interrupts at the nth time that it is told something."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, _done: int, _total: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


def test_interrupted_anywhere_an_export_leaves_nothing(node: EnrolledNode, stick: Path) -> None:
    papers(node, 150_000)
    for after in (0, 1, 2, 4):
        with pytest.raises(KeyboardInterrupt):
            courier.export(node.store, stick, watch=Stop(after))
        assert list(stick.iterdir()) == []


def test_interrupted_anywhere_an_import_goes_on_from_where_it_was(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    bulky(node, 1000)
    papers(node, 400_000)
    (found,) = courierdisk.find(export(node, stick).files[0])
    for after in range(0, 60, 7):
        with pytest.raises(KeyboardInterrupt):
            central.courier.take(found, watch=Stop(after))
    central.courier.take(found)
    receipt = answer(central, central.courier.take(found), stick)
    (back,) = courierdisk.find(receipt.place)
    for after in (0, 1):
        with pytest.raises(KeyboardInterrupt):
            courier.take_receipt(node.store, back, watch=Stop(after))
    take(node, receipt)
    assert all_is_there(central, node, node.store.head().cosigned_size)


def test_a_sync_between_export_and_import_makes_the_file_harmless_and_its_receipt_old(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    papers(node, 1000)
    (file,) = export(node, stick).files
    early = answer(central, carry(central, file), stick)
    papers(node, 1000)
    sync(node)
    size = node.store.head().size
    assert (carry(central, file).entries, stored(central, node)) == (0, size)
    assert take(node, early).older
    again = export(node, stick)
    assert (again.first, again.blobs) == (size, 0)


def test_an_older_receipt_takes_nothing_back(central: Central, node: EnrolledNode, stick: Path) -> None:
    papers(node, 1000)
    first = answer(central, carry(central, export(node, stick).files[0]), stick)
    papers(node, 1000)
    out = export(node, stick)
    second = answer(central, carry(central, out.files[0]), stick)
    assert not take(node, second).older
    before = node.store.head(), node.store.orders_head(), courier.known(node.store)
    late = take(node, first)
    assert (late.older, late.closed, late.orders) == (True, 0, 0)
    assert (node.store.head(), node.store.orders_head(), courier.known(node.store)) == before


def written(central: Central, node: EnrolledNode, stick: Path, *told: courierfile.Record) -> courierdisk.Found:
    """A receipt that central signed, and that says this."""
    strange, size = stick / "strange.receipt", node.store.head().cosigned_size
    with courierdisk.Writing(stick, "PEW01", "aaaaaaaa") as writing:
        records = map(courierfile.write_record, (*told, Close()))
        recipient = age.recipient_of(node.store.secret(AGE_IDENTITY).decode())
        sealed = writing.seal(Pull(records).read, [recipient])
        header = Header(Kind.RECEIPT, node.store.journal, 2, "aaaaaaaa", 1, 1, 0, size, size, *sealed)
        writing.finish([header], central._orders.signer(node.store.journal), [strange])
    return courierdisk.find(strange)[0]


def test_a_receipt_that_names_files_which_the_node_never_had_is_harmless(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    take(node, answer(central, carry(central, export(node, stick).files[0]), stick))
    size = node.store.head().cosigned_size
    statement = Statement(size, node.store.head().cosigned, 2, 2)
    back = courier.take_receipt(node.store, written(central, node, stick, statement, Lacking(os.urandom(64))))
    assert (back.lacking, back.unknown, back.older) == (2, 2, False)
    out = export(node, stick)
    assert (out.first, out.blobs, out.missing) == (size, 0, ())


def test_a_receipt_that_names_fewer_files_than_it_says_is_refused(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    take(node, answer(central, carry(central, export(node, stick).files[0]), stick))
    head = node.store.head()
    statement = Statement(head.cosigned_size, head.cosigned, 3, 2)
    with pytest.raises(BadCourierFile, match="contradicts itself"):
        courier.take_receipt(node.store, written(central, node, stick, statement, Lacking(os.urandom(64))))


@pytest.mark.parametrize("spoil", [Path.unlink, lambda file: file.write_bytes(bytes(32))], ids=["gone", "changed"])
def test_where_it_is_not_known_any_more_what_central_lacks_every_file_goes_again(
    central: Central, node: EnrolledNode, stick: Path, spoil: Callable[[Path], object]
) -> None:
    papers(node, 1_000, 2_000)
    take(node, answer(central, carry(central, export(node, stick).files[0]), stick))
    head = node.store.head()
    statement = Statement(head.size, head.cosigned, 1, 2)
    courier.take_receipt(node.store, written(central, node, stick, statement, Lacking(os.urandom(32))))
    spoil(node.store.layout.home / courier.LACKING)
    assert export(node, stick).blobs == 2


def test_a_changed_receipt_is_refused(central: Central, node: EnrolledNode, stick: Path) -> None:
    node.commit(3)
    receipt = answer(central, carry(central, export(node, stick).files[0]), stick)
    content = receipt.place.read_bytes()
    before = node.store.head()
    for at in (60, 300, HEADER_BYTES + 50, len(content) - 1):
        changed = bytearray(content)
        changed[at] ^= 1
        receipt.place.write_bytes(changed)
        with pytest.raises(IntegrityError):
            take(node, receipt)
    assert node.store.head() == before


def test_what_was_erased_travels_without_its_body_and_its_paper(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    add_first_supervisor(node.store, NewOperator("sana", "Sana", (Role.SUPERVISOR,), PASSWORD), os.urandom)
    supervisor = sign_in(node.store, login="sana", password=PASSWORD, role=Role.SUPERVISOR, counter="1")
    scan, about = node.store.put_blob(b"a scan"), node.store.new_id()
    node.commit(about=about, blobs=(scan,))
    casework.erase(node.store, supervisor, about, "The citizen asked for it.")
    out = export(node, stick)
    assert out.missing == ()
    taken = carry(central, out.files[0])
    assert (taken.blobs, central.holds(scan)) == (0, False)
    assert take(node, answer(central, taken, stick)).cosigned_size == out.last
    assert same_on_both_sides(central, node)


def test_a_central_restored_from_an_older_backup_is_refilled_by_stick(tmp_path: Path, stick: Path) -> None:
    home = tmp_path / "central"
    with served(home) as central:
        node = enrol(tmp_path / "node", central.invite(*CENTRE))
        papers(node, 1000)
        take(node, answer(central, carry(central, export(node, stick).files[0]), stick))
    shutil.copytree(home, tmp_path / "backup")
    central = open_central(home)
    lost = []
    for size in (1000, 2000):
        papers(node, size)
        lost.append(export(node, stick).files[0])
        take(node, answer(central, carry(central, lost[-1]), stick))
    central.close()
    shutil.rmtree(home)
    (tmp_path / "backup").rename(home)
    central = open_central(home)
    papers(node, 3000)
    out = export(node, stick)
    with pytest.raises(PartMissing, match="carry the receipt back"):
        carry(central, out.files[0])
    # Central has seen now how much it once countersigned: it countersigns nothing below that again.
    with pytest.raises(OldExport):
        carry(central, lost[0])
    held = stored(central, node)
    receipt = central.courier.write_receipt(node.store.journal, stick, number=out.number, orders_held=0)
    told = take(node, receipt)
    assert (told.stored, told.older) == (held, False)
    again = export(node, stick)
    assert (again.first, again.blobs) == (held, 3)
    assert take(node, answer(central, carry(central, again.files[0]), stick)).cosigned_size == again.last
    assert all_is_there(central, node, again.last)
    node.store.close()
    central.close()
