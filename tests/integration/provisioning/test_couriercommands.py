"""The courier by the command line: a node and a central that never hear of each other but by a stick."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from appliance.access.session import node_session
from appliance.journal.kinds import NodeStarted
from appliance.store.store import Draft
from provisioning.opening import open_store
from provisioning.unlock import store_key
from tests.support.commands import Place, free_port


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    found = Place(tmp_path_factory.mktemp("courier") / "place")
    found.make_central(free_port())
    with found.central_served():
        found.enrol()
    return found


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def export(place: Place, stick: Path) -> dict[str, Any]:
    return place.answer("courier", "export", stick, home=place.node)


def test_a_stick_goes_there_and_back_and_closes_what_it_carried(place: Place, stick: Path) -> None:
    before = place.answer("sync", "status", home=place.node)
    assert before["waiting"] > 0
    made = export(place, stick)
    assert [Path(file).parent for file in made["files"]] == [stick]
    assert made["entries"] == before["waiting"]
    there = place.answer("courier", "import", stick, home=place.central)
    (taken,) = there["imported"]
    (receipt,) = there["receipts"]
    assert (taken["entries"], there["refused"]) == (made["entries"], [])
    assert receipt["cosigned_size"] == before["size"]
    back = place.answer("courier", "import", stick, home=place.node)
    assert back["cosigned_size"] == before["size"]
    assert back["taken"][0]["closed"] == before["waiting"]
    # Both once more: nothing is new, and nothing is harmed.
    again = place.answer("central", "import", made["files"][0], home=place.central)
    assert again["imported"][0]["entries"] == 0
    assert place.answer("courier", "import", receipt["file"], home=place.node)["taken"][0]["closed"] == 0
    assert place.answer("sync", "status", home=place.node)["trouble"] is None


def test_a_damaged_file_is_refused_in_words_and_its_node_gets_a_receipt_all_the_same(place: Place, stick: Path) -> None:
    (file,) = map(Path, export(place, stick)["files"])
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    answer = place.answer("courier", "import", stick, home=place.central, code=1)
    assert answer["refused"][0]["error"] == "BadCourierFile"
    assert len(answer["receipts"]) == 1


def test_what_is_for_the_other_side_is_refused_in_words(place: Place, stick: Path, tmp_path: Path) -> None:
    (file,) = map(Path, export(place, stick)["files"])
    place.run("courier", "import", file, home=place.node, code=1)
    assert "goes to central" in place.said[-2]
    place.run("courier", "import", stick, home=place.node, code=1)
    receipt = place.answer("courier", "import", file, home=place.central)["receipts"][0]["file"]
    shutil.move(receipt, tmp_path / "back.receipt")
    place.run("courier", "import", tmp_path / "back.receipt", home=place.central, code=1)
    (tmp_path / "letter.export").write_text("Dear Sir or Madam")
    place.run("courier", "import", tmp_path / "letter.export", home=place.node, code=1)


def test_nothing_is_overwritten_and_no_home_is_written_into(place: Place, stick: Path) -> None:
    letter = stick / "letter"
    letter.write_text("mine")
    place.run("courier", "export", letter, home=place.node, code=1)
    assert letter.read_text() == "mine"
    place.run("courier", "export", place.node, home=place.node, code=1)
    assert [each.name for each in stick.iterdir()] == ["letter"]


def test_without_a_home_the_file_says_whose_it_is(place: Place, stick: Path) -> None:
    # Both homes are where a machine has them that is node and central at once.
    defaults = place.folder / ".local" / "share"
    defaults.mkdir(parents=True)
    (defaults / "sanad").symlink_to(place.node)
    (defaults / "sanad-central").symlink_to(place.central)
    (file,) = export(place, stick)["files"]
    environment = {"HOME": str(place.folder)}
    place.run("courier", "import", file, environment=environment)
    assert "back to the node" in place.said[-2]
    (receipt,) = stick.glob("*.receipt")
    place.run("courier", "import", receipt, environment=environment)
    assert "countersigned by central" in place.said[-2]
    place.run("courier", "import", stick, environment=environment, code=1)


def test_a_node_that_only_sticks_reach_hears_of_its_quarantine_and_that_it_was_lifted(
    place: Place, stick: Path
) -> None:
    journal = place.answer("central", "nodes", home=place.central)["nodes"][0]["journal"]
    quarantine = ("central", "quarantine", journal, "--reason")
    place.run(*quarantine, "Its box was stolen.", home=place.central)
    export(place, stick)
    there = place.answer("courier", "import", stick, home=place.central, code=1)
    assert ([each["error"] for each in there["refused"]], there["imported"]) == (["Quarantined"], [])
    assert "carry it back" in there["refused"][0]["next_step"]
    back = place.answer("courier", "import", stick, home=place.node)
    assert back["quarantine"]["reason"] == "Its box was stolen."
    strip = place.answer("sync", "status", home=place.node)
    assert strip["line"] == "Central takes nothing from this box: call central IT. Work here can go on."
    assert (strip["well"], strip["quarantine"]["cause"]) == (False, "person")
    place.run("sync", "status", home=place.node)
    assert "“Its box was stolen.”" in place.said[-2]
    assert place.answer("orders", home=place.node)["quarantine"]["cause"] == "person"
    place.run("orders", home=place.node)
    assert "put this node into quarantine: “Its box was stolen.”" in place.said[-2]

    place.run(*quarantine, "It was found.", "--lift", home=place.central)
    for each in stick.iterdir():
        each.unlink()
    export(place, stick)
    assert place.answer("courier", "import", stick, home=place.central)["imported"][0]["entries"] > 0
    assert place.answer("courier", "import", stick, home=place.node)["quarantine"] is None
    assert place.answer("sync", "status", home=place.node)["well"]
    assert "let this node out of quarantine" in place.answer("orders", home=place.node)["orders"][-1]["words"]


def a_paper(place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a new paper of the node lies, sealed, that an entry names."""
    monkeypatch.setenv("SANAD_PASSPHRASE_FILE", str(place.secrets / "passphrase"))
    with open_store(place.node, store_key(place.node)).closing() as store:
        digest = store.put_blob(os.urandom(1000))
        store.commit(node_session(), lambda _: [Draft(NodeStarted(software="test", orphans_removed=0), "-", (digest,))])
        (found,) = (each for each in store.layout.blobs.rglob("*") if each.name.startswith(digest))
    return found


def there_and_back(place: Place, stick: Path) -> tuple[str, dict[str, Any]]:
    """A stick's way; what the receipt's import said, and the status then."""
    for each in stick.iterdir():
        each.unlink()
    place.run("courier", "export", stick, home=place.node)
    place.run("courier", "import", stick, home=place.central)
    said = place.run("courier", "import", stick, home=place.node) + place.said[-1]
    return said, place.answer("sync", "status", home=place.node)


def test_a_paper_that_is_damaged_on_the_box_is_stuck_and_nobody_promises_it_until_it_is_back(
    place: Place, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = a_paper(place, monkeypatch)
    sound = paper.read_bytes()
    paper.chmod(0o600)
    paper.write_bytes(b"spoilt".ljust(len(sound)))
    line = "1 paper is missing or damaged on this box: call central IT."
    for _ in range(2):
        said, status = there_and_back(place, stick)
        assert "1 sealed file is missing or damaged on this box." in said
        assert "the next export has" not in said
        assert (status["line"], status["well"], len(status["stuck"])) == (line, False, 1)
    paper.write_bytes(sound)
    said, status = there_and_back(place, stick)
    assert "missing or damaged" not in said
    assert (status["line"][:11], status["stuck"]) == ("All is well", [])


def test_files_of_a_stick_that_were_cut_are_named_with_what_to_do_and_others_stay_quiet(
    place: Place, stick: Path
) -> None:
    export(place, stick)
    (stick / "cut.export").write_bytes(next(stick.glob("sanad-*")).read_bytes()[:20])
    for name in ("empty.export", "letter.txt", "._sanad.export"):
        (stick / name).touch()
    there = place.answer("courier", "import", stick, home=place.central, code=1)
    assert [Path(each["file"]).name for each in there["refused"]] == ["cut.export", "empty.export"]
    assert all(each["next_step"].startswith("Copy it again") for each in there["refused"])
    assert len(there["imported"]) == 1
    (stick / "empty.receipt").touch()
    back = place.answer("courier", "import", stick, home=place.node, code=1)
    assert [Path(each["file"]).name for each in back["refused"]] == ["empty.receipt"]
    assert len(back["taken"]) == 1


def test_a_place_that_cannot_be_written_is_not_called_full(place: Place) -> None:
    place.run("courier", "export", "/proc", home=place.node, code=1)
    assert "/proc cannot be written" in place.said[-1]
