"""Fetching central's public lists over a link: only what is new, and handing back what central has lost.

Whoever has lists says so (`If-None-Match`), and is given nothing where they are the newest, or only what changed
(delta encoding, RFC 3229, by the lines of `sync.lines`): lists of a whole country have 26 MB, a day's changes some
hundred bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final

import requests

from appliance.certificates.lists import BadLists, OlderLists
from appliance.certificates.listsfile import MAX_LISTS
from sync import wire
from sync.lines import BadDelta, apply_deltas
from sync.link import Link

MANIPULATION: Final = "sanad-lines"
"""How changes are written, to HTTP (RFC 3229, section 10.5.3)."""

_PACKED: Final = {"accept-encoding": "gzip"}
_ETAG_DIGITS: Final = 32


def etag(content: bytes) -> str:
    """What names lists to HTTP (RFC 9110, section 8.8.3): the same for the same bytes, whoever made them."""
    return f'"{hashlib.sha256(content).hexdigest()[:_ETAG_DIGITS]}"'


def fetch_lists(
    link: Link,
    held: bytes,
    keep: Callable[[bytes], bool],
    sign: Callable[[requests.PreparedRequest], None],
) -> bool:
    """Bring the public lists up to date.

    Where central gives older ones than are held, it was restored from a backup: it is given those that are held, and
    asked again.

    Args:
        link: to central.
        held: the lists that are here; empty where there are none that can be used.
        keep: verifies and keeps lists, and says whether they were news.
        sign: signs a request as this node's.

    Returns:
        Whether newer lists came.

    Raises:
        BadLists: central gave something else, or older ones again. NetworkError: central was not reached.
    """
    try:
        return _fetch(link, held, keep)
    except OlderLists:
        if not held:
            raise
        link.call("POST", wire.LISTS, limit=wire.MAX_ANSWER, body=held, sign=sign)
        return _fetch(link, held, keep)


def _fetch(link: Link, held: bytes, keep: Callable[[bytes], bool]) -> bool:
    if not held:
        return keep(link.call("GET", wire.LISTS, limit=MAX_LISTS, headers=_PACKED).body)
    headers = {**_PACKED, "if-none-match": etag(held), "a-im": MANIPULATION}
    reply = link.call("GET", wire.LISTS, limit=MAX_LISTS, headers=headers)
    if reply.status == HTTPStatus.NOT_MODIFIED:
        return False
    if reply.status == HTTPStatus.OK:
        return keep(reply.body)
    with suppress(BadDelta, BadLists):
        changed = apply_deltas(held, reply.body, limit=MAX_LISTS)
        if changed != held:
            return keep(changed)
    # The changes did not lead to central's lists; the whole lists need no changes.
    return _fetch(link, b"", keep)
