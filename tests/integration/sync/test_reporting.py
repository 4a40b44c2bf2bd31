"""What a node says of itself: what waits, since when, and how much that is."""

from __future__ import annotations

import os
import time
from pathlib import Path

from appliance.journal.ids import BlobDigest
from appliance.store import carried
from sync.agent import sync_once
from sync.reporting import make_report
from sync.session import Wanted
from sync.wire import NodeReport
from tests.support.centrals import CENTRE, EnrolledNode, enrol, served


def report(node: EnrolledNode, *wanted: Wanted, missing: int = 0) -> NodeReport:
    with node.store.read() as tx:
        return make_report(
            tx,
            node.store.journal,
            software="0.1.0",
            now_s=7,
            wanted=wanted,
            missing=missing,
            blob_bytes=node.store.blob_bytes,
        )


def test_a_node_says_since_when_how_much_waits(tmp_path: Path) -> None:
    with served(tmp_path / "central") as central:
        node = enrol(tmp_path / "node", central.invite(*CENTRE))
        sync_once(node.store, node.address, now_s=lambda: 0)
        well = report(node)
        assert (well.waiting_since, well.backlog_bytes, well.stuck) == ("", 0, 0)
        first, *_ = made = node.commit(3)
        waits = report(node)
        assert waits.waiting_since == first.header.at
        assert waits.backlog_bytes == sum(len(each.header_bytes) + len(each.body or b"") for each in made)
        digest = node.store.put_blob(os.urandom(5000))
        sealed = node.store.blob_bytes(digest)
        with_files = report(node, Wanted(digest, 1000), Wanted(BlobDigest("0" * 64), 0), missing=1)
        assert with_files.backlog_bytes == waits.backlog_bytes + sealed - 1000
        assert with_files.stuck == 1
        node.store.close()


def test_central_hears_of_a_file_that_the_node_lost_at_the_end_of_a_session_and_of_its_return(tmp_path: Path) -> None:
    with served(tmp_path / "central") as central:
        node = enrol(tmp_path / "node", central.invite(*CENTRE))
        digest = node.store.put_blob(os.urandom(500))
        node.commit(blobs=(digest,))
        (file,) = (each for each in node.store.layout.blobs.rglob("*") if each.name.startswith(digest))
        away = file.rename(tmp_path / "away")

        def told() -> list[str]:
            outcome = sync_once(node.store, node.address, now_s=node_now_s)
            carried.remember_stuck(node.store, carried.lost_files(outcome.missing))
            central.fleet.forget_picture()
            (view,) = central.fleet.view().nodes
            return [each.code for each in view.troubles]

        assert told() == ["stuck"]
        assert told() == ["stuck"]
        away.rename(file)
        assert told() == []
        node.store.close()


def node_now_s() -> int:
    return int(time.time())
