"""`sanad run`: the whole system on this machine."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.support.commands import SAMPLES, Place
from tests.support.papers import pages


@pytest.fixture
def scan() -> Path:
    if not SAMPLES.is_dir():
        pytest.skip("the sample files are not there")
    return SAMPLES / "scans" / "linn.png"


def test_a_case_is_walked_from_the_counter_to_central_and_compared(tmp_path: Path, scan: Path) -> None:
    place = Place(tmp_path / "place")
    out = place.run("run", "--once", "--place", place.folder / "run", "--scan", scan)
    result = json.loads(out.splitlines()[-1])
    assert result["synced"]
    assert result["journal_size"] == result["cosigned_size"] > 0
    assert result["blobs"] == result["blobs_at_central"] == len(result["papers"])
    paper = result["papers"][0]
    assert paper["central_sha256"] == paper["sha256"] == hashlib.sha256(scan.read_bytes()).hexdigest()
    unlocked = {"SANAD_PASSPHRASE_FILE": result["passphrase_file"]}
    place.run("journal", "verify", home=Path(result["home"]), environment=unlocked)
    place.run("central", "nodes", home=Path(result["central_home"]), environment=unlocked)
    assert not Path(result["results"]).is_relative_to(result["home"])
    assert {step["step"] for step in result["steps"]} >= {"carried to central", "application approved"}


def test_without_a_link_everything_is_kept(tmp_path: Path, scan: Path) -> None:
    place = Place(tmp_path / "place")
    out = place.run("run", "--once", "--offline", "--place", place.folder / "run", "--scan", scan)
    result = json.loads(out.splitlines()[-1])
    assert not result["synced"]
    assert result["journal_size"] > result["cosigned_size"]
    assert result["blobs"] == len(result["papers"])
    assert result["blobs_at_central"] == 0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"this is no PDF", "not a PDF"), (b"%PDF-1.7\n", "damaged"), (pages([b""]), "nothing on any page")],
)
def test_a_scan_that_intake_refuses_ends_it_with_status_4_and_a_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    place = Place(tmp_path / "place")
    file = tmp_path / "paper.pdf"
    file.write_bytes(content)
    place.run("run", "--once", "--place", place.folder / "run", "--scan", file, code=4)
    assert sentence in "".join(place.said)
