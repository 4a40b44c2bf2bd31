"""A real node at a central that was written from docs/sync.md alone (`tests/support/other_central.py`)."""

from __future__ import annotations

import ast
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.journal.errors import NetworkError
from sync.agent import sync_once
from sync.invite import parse_invite
from sync.outcome import SyncOutcome
from sync.refusals import InviteUsed
from tests.integration.sync.test_erasure import CANARY, signed_in
from tests.integration.sync.test_following import following, until
from tests.support import casework, other_bytes
from tests.support.casework import Person
from tests.support.centrals import CENTRE, EnrolledNode, enrol
from tests.support.other_bytes import Refused
from tests.support.other_central import OtherCentral
from tests.support.other_http import serving
from tests.vectors import generate_sync

SUPPORT = Path(__file__).parents[2] / "support"


@pytest.fixture
def central() -> Iterator[OtherCentral]:
    with serving(OtherCentral()) as made:
        yield made


@pytest.fixture
def node(central: OtherCentral, tmp_path: Path) -> Iterator[EnrolledNode]:
    made = enrol(tmp_path / "node", parse_invite(central.invite(*CENTRE)))
    yield made
    made.store.close()


def sync(node: EnrolledNode) -> SyncOutcome:
    return sync_once(node.store, node.address, now_s=lambda: int(time.time()))


def is_there(central: OtherCentral, node: EnrolledNode) -> bool:
    """Whether it holds every entry, and countersigned them."""
    held, head = central.journals[node.store.journal], node.store.head()
    ours = [(each.header_bytes, each.salt, each.body) for each in node.store.entries(0, head.size)]
    return held.items == ours and head.size == head.cosigned_size == held.cosigned_size


@pytest.mark.parametrize("name", ["other_bytes.py", "other_central.py", "other_http.py", "other_node.py"])
def test_the_other_peers_have_nothing_of_ours(name: str) -> None:
    tree = ast.parse((SUPPORT / name).read_text())
    names = [each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)]
    names += [alias.name for each in ast.walk(tree) if isinstance(each, ast.Import) for alias in each.names]
    ours = [each for each in names if each.split(".")[0] in {"sync", "appliance", "tui", "devices", "provisioning"}]
    assert ours == []
    assert all(each.startswith("tests.support") for each in names if each.split(".")[0] == "tests")


def test_the_other_peers_read_the_vectors_and_refuse_what_must_be_refused() -> None:
    stream = json.loads((generate_sync.FOLDER / "stream.json").read_bytes())
    found = list(other_bytes.read_frames(iter([bytes.fromhex(stream["stream"])])))
    assert [frame[0] for frame in found] == [each["is"] for each in stream["frames"]]
    assert other_bytes.PREFIX + b"".join(
        other_bytes.write_frame(*frame) for frame in found if frame[0] != "entries"
    ) == bytes.fromhex(stream["prefix"] + "".join(each["hex"] for each in stream["frames"] if each["is"] != "entries"))
    refused = json.loads((generate_sync.FOLDER / "refused.json").read_bytes())
    for each in refused.values():
        if each["code"] == "frame":
            with pytest.raises(Refused):
                list(other_bytes.read_frames(iter([bytes.fromhex(each["stream"])])))


def test_a_node_syncs_until_all_is_countersigned_and_every_file_is_there(
    central: OtherCentral, node: EnrolledNode
) -> None:
    papers = [node.store.put_blob(os.urandom(size)) for size in (10, 100_000, 700_000)]
    for digest in papers:
        node.commit(3, blobs=(digest,))
    node.commit(1100)
    outcome = sync(node)
    assert outcome.complete
    assert is_there(central, node)
    held = central.journals[node.store.journal].blobs
    assert all(held[digest] == node.store.sealed_blob(digest) for digest in papers)
    again = sync(node)
    assert (again.entries_sent, again.blob_bytes_sent) == (0, 0)


def test_a_node_takes_up_orders_and_says_so(central: OtherCentral, node: EnrolledNode) -> None:
    central.order(node.store.journal, "numbers.leased", prefix="PEW01", first=101, last=200)
    central.order(node.store.journal, "a.kind_of_tomorrow", says="something")
    outcome = sync(node)
    assert (outcome.orders_taken, outcome.complete) == (2, True)
    assert is_there(central, node)


def test_a_broken_stream_resumes_where_it_was_cut(central: OtherCentral, node: EnrolledNode) -> None:
    digest = node.store.put_blob(os.urandom(600_000))
    node.commit(700, blobs=(digest,))
    size = len(node.store.sealed_blob(digest))
    central.cuts = [10_000, 100_000, 150_000, 200_000]
    while central.cuts:
        with pytest.raises(NetworkError):
            sync(node)
    outcome = sync(node)
    assert outcome.complete
    assert is_there(central, node)
    assert outcome.blob_bytes_sent < size


def test_a_file_that_comes_spoilt_is_sent_once_more(central: OtherCentral, node: EnrolledNode) -> None:
    digest = node.store.put_blob(os.urandom(50_000))
    node.commit(1, blobs=(digest,))
    central.spoils = 1
    assert sync(node).complete
    assert digest in central.journals[node.store.journal].blobs


def test_an_erased_subject_leaves_its_headers_and_nothing_else(central: OtherCentral, node: EnrolledNode) -> None:
    operator, supervisor = signed_in(node.store)
    person = casework.add_person(node.store, operator, Person(CANARY))
    application = casework.submit_application(
        node.store, operator, service="domicile", applicant=person, fields={"tehsil": "Peshawar"}
    ).application
    content = os.urandom(90_000)
    paper = casework.add_paper(
        node.store, operator, application, label="CNIC", media_type="image/jpeg", content=content
    )
    assert sync(node).complete
    held = central.journals[node.store.journal]
    assert paper in held.blobs
    for about in (person, application):
        casework.erase(node.store, supervisor, about, "The citizen asked for it.")
    assert sync(node).complete
    assert is_there(central, node)
    assert paper not in held.blobs
    assert not any(CANARY.encode() in (body or b"") for *_, body in held.items)


def test_a_node_follows_and_hears_news_orders_and_files_beside_its_stream(
    central: OtherCentral, node: EnrolledNode
) -> None:
    with following(node) as here:
        until(lambda: is_there(central, node))
        digest = node.store.put_blob(os.urandom(300_000))
        node.commit(3, blobs=(digest,))
        until(lambda: is_there(central, node) and digest in central.journals[node.store.journal].blobs)
        before = node.store.orders_head()
        central.order(node.store.journal, "numbers.leased", prefix="PEW01", first=201, last=300)
        until(lambda: node.store.orders_head() != before and is_there(central, node))
        until(lambda: here.heard[-1].complete)
    assert isinstance(here.outcome, SyncOutcome)
    assert here.outcome.complete
    assert "GET /v1/news" in central.heard


def test_orders_that_were_lost_are_handed_back(central: OtherCentral, node: EnrolledNode) -> None:
    held = central.journals[node.store.journal]
    central.order(node.store.journal, "numbers.leased", prefix="PEW01", first=101, last=200)
    assert sync(node).complete
    lost = held.orders.pop()
    central.order(node.store.journal, "numbers.leased", prefix="PEW01", first=201, last=300)
    given_meanwhile = held.orders[-1]
    assert sync(node).orders_taken == 1
    assert held.orders[2] == lost
    assert held.orders[3][2] == given_meanwhile[2]
    assert is_there(central, node)


def test_a_central_that_lost_entries_is_refilled_without_anybody(central: OtherCentral, node: EnrolledNode) -> None:
    node.commit(30)
    assert sync(node).complete
    held = central.journals[node.store.journal]
    older = held.roots[:11]
    held.stored, held.cosigned, held.cosigned_size = 10, None, 0
    held.drop_staged()
    assert held.roots == older
    assert sync(node).complete
    assert is_there(central, node)


def test_the_answer_to_an_enrolment_is_given_again_and_the_invite_is_spent(
    central: OtherCentral, tmp_path: Path
) -> None:
    invite = parse_invite(central.invite(*CENTRE))
    enrol(tmp_path / "first", invite).store.close()
    with pytest.raises(InviteUsed):
        enrol(tmp_path / "second", invite)
