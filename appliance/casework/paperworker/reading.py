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
