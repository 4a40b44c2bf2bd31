"""How an area says in words what its kinds say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Wording = dict[str, Callable[[Any], str]]
"""From a kind to what its body says: the rest of a sentence that begins with who did it."""
