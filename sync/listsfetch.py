"""Fetching central's public lists over a link: only what is new, and handing back what central has lost."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import requests

from appliance.certificates.lists import OlderLists
from appliance.certificates.listsfile import MAX_LISTS
from sync import wire
from sync.link import Link

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
    headers = {"accept-encoding": "gzip"}
    if held:
        headers["if-none-match"] = etag(held)
    reply = link.call("GET", wire.LISTS, limit=MAX_LISTS, headers=headers)
    return reply.status != HTTPStatus.NOT_MODIFIED and keep(reply.body)
