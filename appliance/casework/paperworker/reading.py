"""Looks at a paper, whatever its kind; runs in the confined process only.

Importing this loads everything that the two kinds of reader need.
"""

from __future__ import annotations

from appliance.casework.paperworker import pdfs, pictures
from appliance.casework.paperworker.message import Answer


def read(content: bytes, media_type: str) -> Answer:
    """What this paper is, and its first page made small.

    Raises:
        Exception: of any type that a parser thinks of; the paper is broken then.
    """
    if media_type == "application/pdf":
        return pdfs.read(content)
    return pictures.read(content, media_type)


def draw(content: bytes, media_type: str, page: int) -> Answer:
    """One page of this paper, from 1, large enough to be read.

    Raises:
        Exception: of any type that a parser thinks of; the paper is broken then, or has no such page.
    """
    if media_type == "application/pdf":
        return pdfs.draw(content, page)
    return pictures.draw(content, media_type, page)
