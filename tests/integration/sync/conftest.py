"""A central that serves, a node enrolled at it, and a stick; a module may have its own central for all its tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.central.central import Central
from tests.support.centrals import CENTRE, EnrolledNode, enrol, served


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    with served(tmp_path / "central") as made:
        yield made


@pytest.fixture
def node(central: Central, tmp_path: Path) -> Iterator[EnrolledNode]:
    made = enrol(tmp_path / "node", central.invite(*CENTRE))
    yield made
    made.store.close()


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder
