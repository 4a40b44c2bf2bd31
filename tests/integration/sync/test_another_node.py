"""A node that was written from docs/sync.md alone (`tests/support/other_node.py`) at a real central."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from appliance.journal.ids import BlobDigest, JournalId, orders_of
from appliance.journal.kinds import NumbersLeased
from appliance.records import tables as t
from appliance.records.log import Log
from sync.central.central import Central
from sync.invite import encode_invite
from tests.support.carrying import until
from tests.support.centrals import CENTRE, served
from tests.support.other_bytes import Refused, unb64
from tests.support.other_node import OtherNode, read_invite
from tests.unit.journal.build import entity

SUBJECT = entity("somebody")


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with served(tmp_path_factory.mktemp("central") / "home") as made:
        yield made


@pytest.fixture
def node(central: Central) -> OtherNode:
    made = OtherNode(read_invite(encode_invite(central.invite(*CENTRE))))
    made.enrol()
    return made


def held(central: Central, node: OtherNode) -> list[tuple[bytes, bytes | None, bytes | None]]:
    """What central countersigned of it."""
    with central._archive_db.read() as tx:
        log = Log(tx, JournalId(node.journal))
        head = log.head()
        assert head is not None
        assert head.cosigned_size == head.size
        return [(each.header_bytes, each.salt, each.body) for each in log.entries(0, head.size)]


def test_it_enrols_and_is_given_the_same_answer_again(central: Central, node: OtherNode) -> None:
    assert node.cosigned_size == 1
    assert [json.loads(header)["kind"] for header, *_ in node.orders] == ["orders.opened", "numbers.leased"]
    with pytest.raises(Refused) as caught:
        OtherNode(node.invite).enrol()
    assert caught.value.code == "invite_used"


def test_it_syncs_until_all_is_countersigned_and_every_file_is_there(central: Central, node: OtherNode) -> None:
    files = [node.keep(os.urandom(size)) for size in (1, 40_000, 700_000)]
    for digest in files:
        node.write("paper.kept", {"name": "Gul محمد"}, blobs=(digest,))
    for place in range(300):
        node.write("later.kind", {"place": place})
    node.sync()
    assert held(central, node) == node.items
    assert all(central._locker.read(BlobDigest(digest)) == node.files[digest] for digest in files)


def test_a_cut_stream_resumes(central: Central, node: OtherNode) -> None:
    digest = node.keep(os.urandom(500_000))
    for place in range(300):
        node.write("later.kind", {"place": place, "noise": os.urandom(50).hex()})
    node.write("paper.kept", {"pages": 1}, blobs=(digest,))
    for cut in (2_000, 60_000, 200_000):
        node.cut_after = cut
        if cut == 200_000:
            node.before_cut = lambda: until(lambda: central._locker.offset(BlobDigest(digest)) > 0)
        with pytest.raises(ConnectionResetError):
            node.sync()
    before = node.bytes_sent
    node.sync()
    assert held(central, node) == node.items
    assert central.holds(BlobDigest(digest))
    assert node.bytes_sent - before < 500_000


def test_it_takes_orders_and_says_so(central: Central, node: OtherNode) -> None:
    node.sync()
    central.order(JournalId(node.journal), [NumbersLeased(prefix="PEW01", first=1, last=2)] * 3)
    node.sync()
    assert len(node.orders) == 5
    assert json.loads(node.items[-1][2] or b"")["size"] == 5
    assert held(central, node) == node.items


def test_it_hears_news_as_soon_as_there_are_some(central: Central, node: OtherNode) -> None:
    state = node.sync()
    known = {"cosigned": node.cosigned_size, "orders": len(node.orders), "wanted": 0, "busy": 0, "spoilt": 0}
    assert node.news(**{**known, "cosigned": 1})["stored"] == state["stored"]
    order = [NumbersLeased(prefix="PEW01", first=1, last=2)]
    given = threading.Timer(0.2, lambda: central.order(JournalId(node.journal), order))
    given.start()
    assert node.news(**known)["orders"] == known["orders"] + 1
    given.join()


def test_an_erased_subject_goes_without_its_body_and_a_body_that_is_kept_back_is_owed(
    central: Central, node: OtherNode
) -> None:
    node.write("later.kind", {"name": "Gul"}, SUBJECT)
    node.sync()
    node.write("later.kind", {"name": "Gul again"}, SUBJECT)
    node.erase(SUBJECT)
    node.sync()
    assert held(central, node) == node.items
    node.write("later.kind", {"name": "somebody"}, entity("somebody else"))
    node.items[-1] = (node.items[-1][0], None, None)
    with pytest.raises(Refused) as caught:
        node.sync()
    assert caught.value.code == "bodies_owed"


def test_a_file_that_is_not_what_it_is_named_is_told_as_spoilt(central: Central, node: OtherNode) -> None:
    digest = node.keep(b"a file")
    node.write("paper.kept", {"pages": 1}, blobs=(digest,))
    node.files[digest] = b"b file"
    state = node.send(node.open())
    assert state["spoilt"] == [digest]
    assert [digest, 0] in state["wanted"]
    node.files[digest] = b"a file"
    node.sync()
    assert central.holds(BlobDigest(digest))


def test_orders_that_central_lost_are_handed_back(central: Central, node: OtherNode) -> None:
    node.sync()
    central.order(JournalId(node.journal), [NumbersLeased(prefix="PEW01", first=501, last=600)])
    node.sync()
    journal, note = orders_of(JournalId(node.journal)), unb64(node.given["orders_checkpoint"])
    older = {"size": 2, "root": unb64(note.decode().splitlines()[2]), "checkpoint": note}
    with central._archive_db.write() as tx:
        tx.run(sa.delete(t.entries).where(t.entries.c.journal == journal, t.entries.c.seq == 2))
        tx.run(sa.update(t.heads).where(t.heads.c.journal == journal).values(**older))
    node.sync()
    with central._archive_db.read() as tx:
        assert [each.header_bytes for each in Log(tx, journal).entries(0, 3)] == [header for header, *_ in node.orders]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sanad-offered-size": "7"}, "signature"),
        ({"sanad-offset": "1"}, "signature"),
        ({"sanad-session": "A" * 22}, "signature"),
        ({"sanad-journal": "b" * 26}, "not_enrolled"),
    ],
)
def test_what_was_signed_cannot_be_changed(node: OtherNode, change: dict[str, str], code: str) -> None:
    node.sync()
    path = "/v1/orders?from=0"
    headers = node.signed("GET", path, 0) | change
    with pytest.raises(Refused) as caught:
        node._ask("GET", path, headers)
    assert caught.value.code == code


def test_a_session_that_is_not_the_newest_is_out_of_step(node: OtherNode) -> None:
    state = node.open()
    older = node.session
    node.open()
    node.session = older
    with pytest.raises(Refused) as caught:
        node.send(state)
    assert caught.value.code == "out_of_step"


def test_a_copy_that_went_another_way_is_a_fork_and_is_quarantined(node: OtherNode) -> None:
    size = node.size
    node.write("later.kind", {"way": 1})
    node.sync()
    del node.items[size:], node.heads[size:], node.edges[size + 1 :]
    node.cosigned = None
    node.write("later.kind", {"way": 2})
    for code in ("fork", "quarantined"):
        with pytest.raises(Refused) as caught:
            node.open()
        assert caught.value.code == code
