"""A node that has lost many sealed files at once: what it still has arrives all the same."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.journal.errors import IntegrityError
from appliance.journal.ids import BlobDigest
from sync import agent
from sync.agent import follow, sync_once
from sync.calls import Calls
from sync.central.central import Central
from sync.following import Timing
from sync.outcome import SyncOutcome
from sync.session import MAX_WANTED
from sync.wire import StateAnswer
from tests.support.centrals import CENTRE, EnrolledNode, enrol

LEFT = 3
PATIENCE_S = 30.0
QUIET_S = 5.0
"""Shorter than central holds news back, longer than a node's pause between two requests."""
MOST_ASKED = 40
"""Requests until all that is left is there and nothing is news."""


def now_s() -> int:
    return int(time.time())


@pytest.fixture
def node(central: Central, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EnrolledNode]:
    """Central has the entries of a node that then lost all sealed files but the last."""
    made = enrol(tmp_path / "node", central.invite(*CENTRE))
    digests: list[BlobDigest] = []
    for _ in range(MAX_WANTED + LEFT):
        digests.append(made.store.put_blob(os.urandom(64)))
        made.commit(1, blobs=(digests[-1],))
    with monkeypatch.context() as patch:
        patch.setattr(agent, "STREAM_BLOB_BYTES", 0)
        with pytest.raises(IntegrityError, match="took nothing"):
            sync_once(made.store, made.address, now_s=now_s)
    for digest in digests[:-LEFT]:
        (made.store.layout.blobs / digest[:2] / digest).unlink()
    yield made
    made.store.close()


def left(central: Central, node: EnrolledNode) -> list[bool]:
    """Whether central holds the files that the node did not lose."""
    entries = node.store.entries(0, node.store.head().size)
    kept = [digest for entry in entries for digest in entry.header.blobs if node.store.holds_blob(digest)]
    return [central.holds(digest) for digest in kept]


def test_a_session_brings_what_is_left_and_names_what_is_lost(central: Central, node: EnrolledNode) -> None:
    outcome = sync_once(node.store, node.address, now_s=now_s)
    assert left(central, node) == [True] * LEFT
    assert len(set(outcome.missing)) == MAX_WANTED
    assert not outcome.complete


def test_a_stream_that_goes_on_brings_it_too_and_then_asks_no_more_often_than_others(
    central: Central, node: EnrolledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Semaphore(0)
    news = Calls.news

    def counted(calls: Calls, *known: Any) -> StateAnswer:
        asked.release()
        return news(calls, *known)

    monkeypatch.setattr(Calls, "news", counted)
    ended, heard = threading.Event(), list[SyncOutcome]()
    timing = Timing(time.monotonic, ended.wait)
    told = {"answered": lambda: None, "heard": heard.append}
    thread = threading.Thread(
        target=lambda: follow(node.store, node.address, now_s=now_s, timing=timing, **told)  # type: ignore[arg-type]
    )
    thread.start()
    try:
        until_s = time.monotonic() + PATIENCE_S
        while not all(left(central, node)) and time.monotonic() < until_s:
            ended.wait(0.05)
        arrived = len(heard)
        # What is asked now has nothing to bring: central holds it back, and the one after it does not come meanwhile.
        spent = 0
        while asked.acquire(timeout=QUIET_S):
            spent += 1
        assert spent <= MOST_ASKED
    finally:
        ended.set()
        thread.join(PATIENCE_S)
    assert arrived
    assert left(central, node) == [True] * LEFT
    assert len(set(heard[-1].missing)) == MAX_WANTED
