"""The service of `docs/adding-a-service.md`, and ways to make services of it that are good or bad."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from appliance.catalogue import BadService, Service
from appliance.catalogue.load import read_service

PAGE: Final = (Path(__file__).parents[3] / "docs" / "adding-a-service.md").read_text(encoding="utf-8")
_FENCED: Final = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
EXAMPLE: Final = _FENCED[1] if _FENCED else ""
FILE: Final = "income_certificate.toml"


def changed(old: str, new: str) -> str:
    """The example with the first `old` made `new`; it must be there."""
    assert old in EXAMPLE, old
    return EXAMPLE.replace(old, new, 1)


def read(text: str) -> Service:
    """The service of a text."""
    return read_service(FILE, text.encode())


def refusal(content: str | bytes, file: str = FILE) -> BadService | None:
    """What is said against a text, if anything is."""
    try:
        read_service(file, content.encode() if isinstance(content, str) else content)
    except BadService as refused:
        return refused
    return None
