"""The node at work of the store's tests."""

from __future__ import annotations

from tests.integration.store.conftest import bench, benches, busy, template

__all__ = ["bench", "benches", "busy", "template"]
