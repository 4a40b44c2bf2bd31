"""A case walked by a process that is killed again and again: it goes on, and nothing is done twice or lost."""

from __future__ import annotations

import os
import random
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from appliance.journal import kinds as k
from appliance.records import tables as t
from appliance.store.layout import Layout
from appliance.store.verify import verify_home
from provisioning.opening import open_store
from provisioning.unlock import VARIABLE, store_key
from provisioning.walk import place as places
from provisioning.walk import system

SEED = 20261122
ENDS_WITHIN_S = 120.0
LONGEST_S = 9.0
"""A whole walk lasts about so long; a kill after it would kill nobody."""


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run as far as operators are there and nothing was taken in; central is gone."""
    walk = places.begin(tmp_path_factory.mktemp("walks"))
    system.ensure_central(walk)
    with system.central_served(walk.central_home, walk.results / "central.log"):
        system.ensure_node(walk)
    system.ensure_specimen(walk)
    with open_store(walk.home, store_key(walk.home)).closing() as store:
        system.ensure_staff(walk, store)
    return walk.place


def walk_and_kill(folder: Path, after_s: float | None) -> tuple[int, bool]:
    """Walk, killed after so many seconds where said; answers the last size told, and whether it came to its end."""
    command = [sys.executable, "-m", "tests.simulation.case_walker", str(folder)]
    environment = {**os.environ, VARIABLE: str(places.passphrase_file(folder))}
    told, ended = 0, False
    deadline = time.monotonic() + (ENDS_WITHIN_S if after_s is None else after_s)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        output = process.stdout.fileno()
        kept = b""
        while (left := deadline - time.monotonic()) > 0 and not ended:
            if select.select([output], [], [], left)[0]:
                piece = os.read(output, 65536)
                if not piece:
                    break
                kept += piece
                ended = b"done\n" in kept
        process.kill()
        kept += process.stdout.read()
    lines = [line for line in kept.decode().split("\n")[:-1] if line != "done"]
    told = max((int(line.split(" ", 1)[0]) for line in lines), default=0)
    return told, ended or b"done\n" in kept


def rows(folder: Path, statement: sa.Executable) -> list[tuple[object, ...]]:
    with open_store(folder / "node", store_key(folder / "node")).closing() as store, store.read() as tx:
        return tx.all(statement)


def see_whole(folder: Path, told: int) -> None:
    home = folder / "node"
    key = store_key(home)
    with open_store(home, key).closing() as store:
        assert store.head().size >= told, "an acknowledged entry is lost"
    report = verify_home(Layout(home), key)
    assert report.ok, report.reasons


def see_once(folder: Path) -> None:
    """Two applications, two receipts, two certificates; each number once, without gaps."""
    entries = t.timeline.c.kind
    kinds = [row[0] for row in rows(folder, sa.select(entries).order_by(t.timeline.c.seq))]
    for kind in (
        k.ApplicationSubmitted.KIND,
        k.PaymentTaken.KIND,
        k.ApplicationIssued.KIND,
        k.ApplicationDelivered.KIND,
    ):
        assert kinds.count(kind) == 2, kind
    receipts = sorted(str(row[0]) for row in rows(folder, sa.select(t.payments.c.receipt)))
    assert [receipt.split("-")[3] for receipt in receipts] == ["000001", "000002"]
    certificates = sorted(str(row[0]) for row in rows(folder, sa.select(t.applications.c.certificate)))
    assert [certificate.split("-")[0] for certificate in certificates] == ["PEW01000001", "PEW01000002"]
    printed = rows(folder, sa.select(t.prints.c.of).where(t.prints.c.state == "printed"))
    assert len(printed) == len(set(printed)) == 4


def kill_again_and_again(prepared: Path, folder: Path, kills: int, figure: Callable[[str, object], None]) -> None:
    chance = random.Random(SEED)
    done, walks = 0, 0
    while done < kills:
        place = folder / f"walk{walks}"
        shutil.copytree(prepared, place)
        ended = False
        while not ended and done < kills:
            told, ended = walk_and_kill(place, chance.uniform(0.3, LONGEST_S))
            done += not ended
            see_whole(place, told)
        told, ended = walk_and_kill(place, None)
        assert ended
        see_whole(place, told)
        see_once(place)
        shutil.rmtree(place)
        walks += 1
    figure("figure", f"{done} kills in {walks} walks, nothing acknowledged lost, nothing done twice")


def test_a_killed_walk_goes_on(prepared: Path, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    kill_again_and_again(prepared, tmp_path, 3, record_property)


@pytest.mark.torture
def test_200_killed_walks_go_on(prepared: Path, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    kill_again_and_again(prepared, tmp_path, 200, record_property)
