"""The node at work of the store's tests, and a centre that works with it."""

from __future__ import annotations

import pytest

from tests.integration.store.conftest import Bench, bench, benches, busy, template
from tests.support.desk import Desk, certify, lease

__all__ = ["bench", "benches", "busy", "desk", "sealed", "template"]


@pytest.fixture
def sealed(desk: Desk) -> Desk:
    """A desk whose centre has its certificate, and numbers."""
    certify(desk)
    lease(desk, "PEW01-", 1, 2)
    return desk


@pytest.fixture
def desk(bench: Bench) -> Desk:
    return Desk.at(bench)
