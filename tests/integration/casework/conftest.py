"""The node at work of the store's tests, and a centre that works with it."""

from __future__ import annotations

import pytest

from tests.integration.store.conftest import Bench, bench, benches, busy, template
from tests.support.desk import Desk

__all__ = ["bench", "benches", "busy", "desk", "template"]


@pytest.fixture
def desk(bench: Bench) -> Desk:
    return Desk.at(bench)
