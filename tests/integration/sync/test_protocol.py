"""The frozen streams of the protocol against a real central: one is countersigned, the others are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.journal import tree
from appliance.journal.checkpoint import open_checkpoint, open_cosignature
from appliance.journal.entry import read_entry
from appliance.journal.errors import SanadError
from appliance.journal.ids import BlobDigest
from appliance.journal.notes import VerifierKey
from appliance.records.log import Log
from sync import frames
from sync.central import registry
from sync.central.central import Central
from sync.central.ingest import Ingest
from sync.central.registry import Node
from sync.central.sessions import NodeSession
from sync.refusals import to_wire
from tests.support.centrals import CENTRE, new_central
from tests.vectors import generate_sync

JOURNAL = json.loads((generate_sync.FOLDER / "journal.json").read_bytes())
STREAM = json.loads((generate_sync.FOLDER / "stream.json").read_bytes())
REFUSED = json.loads((generate_sync.FOLDER / "refused.json").read_bytes())
KEY = VerifierKey.parse(JOURNAL["journal_key"])


def node_of_the_vectors() -> Node:
    return Node(
        journal=generate_sync.JOURNAL,
        journal_key=KEY.public,
        node_key=generate_sync.fixed("node key"),
        recipient=generate_sync.RECIPIENT,
        centre=CENTRE[0],
        centre_name=CENTRE[1],
        certificate=b"",
        centre_certificate=b"",
        enrolled_at=generate_sync.AT,
        floor=None,
    )


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    """A central that holds entry 0 of the vectors' journal."""
    made = new_central(tmp_path / "home")
    first = JOURNAL["entries"][0]
    entry = read_entry(first["header"].encode(), bytes.fromhex(first["salt"]), first["body"].encode())
    with made._archive_db.write() as tx:
        registry.add_node(tx, node_of_the_vectors())
        log = Log(tx, generate_sync.JOURNAL)
        log.set_head(log.append([entry], tree.EMPTY), generate_sync.note(1))
    yield made
    made.close()


def send(central: Central, data: bytes) -> None:
    session = NodeSession("in memory", frames.VERSION)
    ingest = Ingest(central.archive, node_of_the_vectors(), 5, lambda _: None, session, lambda: None)
    assert ingest.start == 1
    ingest.feed(data)
    ingest.finish()


def test_the_stream_of_the_vectors_is_stored_and_countersigned(central: Central) -> None:
    send(central, bytes.fromhex(STREAM["stream"]))
    state = central.archive.state(generate_sync.JOURNAL)
    assert (state.stored, state.staged, state.wanted) == (5, 5, ())
    assert state.cosigned is not None
    assert open_checkpoint(state.cosigned, KEY).root.hex() == JOURNAL["entries"][-1]["root"]
    assert open_cosignature(state.cosigned, central.cosigner)
    assert central.holds(BlobDigest(generate_sync.DIGEST))


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_stream_that_must_be_refused_is_refused_by_its_code(central: Central, name: str) -> None:
    with pytest.raises(SanadError) as caught:
        send(central, bytes.fromhex(REFUSED[name]["stream"]))
    assert to_wire(caught.value)[1].error == REFUSED[name]["code"]
