"""Folders of service files: which wins, what is left alone, what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from appliance.catalogue import BadService, bundled, load_catalogue, load_service
from appliance.journal.errors import OperatorError
from tests.unit.catalogue.example import EXAMPLE, FILE, changed


def test_a_later_folder_wins_by_id(tmp_path: Path) -> None:
    mine = tmp_path / "domicile.toml"
    mine.write_text(EXAMPLE)
    catalogue = load_catalogue([bundled(), tmp_path])
    assert catalogue.service("domicile").title.en == "Income certificate"
    assert len(catalogue.services) == len(load_catalogue([bundled()]).services)
    assert load_catalogue([tmp_path, bundled()]).service("domicile").title.en == "Domicile certificate"


def test_a_folder_that_is_not_there_and_files_of_editors_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / ".#domicile.toml").write_text("broken")
    (tmp_path / "domicile.toml~").write_text("broken")
    (tmp_path / "notes.txt").write_text("broken")
    assert load_catalogue([tmp_path, tmp_path / "nothing"]).services == {}


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_text(EXAMPLE)
    assert load_service(file).digest == hashlib.sha256(file.read_bytes()).hexdigest()


def test_one_bad_file_is_named_and_nothing_is_loaded(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(changed('country = "PK"', 'country = "XX"'))
    with pytest.raises(BadService, match=f"{FILE}, line 2"):
        load_catalogue([bundled(), tmp_path])


def test_a_file_that_cannot_be_read_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(OperatorError, match="cannot be read"):
        load_catalogue([tmp_path])


def test_a_service_or_field_that_is_not_there_is_said_so() -> None:
    catalogue = load_catalogue([bundled()])
    with pytest.raises(OperatorError, match="no service “passport”"):
        catalogue.service("passport")
    with pytest.raises(OperatorError, match="no field “colour”"):
        catalogue.service("domicile").field("colour")
    assert catalogue.service("domicile").field("born").kind == "date"
