"""Packing: entries come out as they went in, in a fraction of their bytes, and nothing hostile costs memory."""

from __future__ import annotations

import hashlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from appliance.journal.entry import read_entry
from sync import packing
from sync.packing import BadPacking, Item
from tests.support.centrals import Scribe


def of_journal(count: int) -> list[Item]:
    node = Scribe()
    node.opens()
    node.grow(count - 1)
    return [(entry.header_bytes, entry.salt, entry.body) for entry in node.entries]


@given(st.lists(st.tuples(st.binary(min_size=16, max_size=16), st.binary(max_size=300)), min_size=1, max_size=20))
def test_a_digest_that_the_receiver_can_reckon_is_not_sent_and_comes_back(parts: list[tuple[bytes, bytes]]) -> None:
    items: list[Item] = [
        (b'{"body":"%s"}' % hashlib.sha256(salt + body).hexdigest().encode(), salt, body) for salt, body in parts
    ]
    packed = packing.pack(items)
    assert packing.unpack(packed) == tuple(items)
    raw = zstandard.ZstdDecompressor(
        dict_data=zstandard.ZstdCompressionDict(packing.DICTIONARY, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    ).decompress(packed)
    assert not any(header[9:73] in raw for header, *_ in items)


def test_a_false_digest_is_sent_as_it_is_so_that_the_receiver_sees_it() -> None:
    item: Item = (b'{"body":"%s"}' % (b"0" * 64), b"s" * 16, b"{}")
    assert packing.unpack(packing.pack([item])) == (item,)


def test_entries_of_a_journal_take_a_fraction_of_their_bytes() -> None:
    items = of_journal(60)
    packed = packing.pack(items)
    assert packing.unpack(packed) == tuple(items)
    assert [read_entry(*item).header.seq for item in packing.unpack(packed)] == list(range(60))
    assert len(packed) < 0.35 * sum(len(part or b"") for item in items for part in item)


@given(st.binary(max_size=300))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(BadPacking):
        packing.unpack(noise)


def test_a_bomb_is_refused_before_it_takes_memory() -> None:
    bomb = zstandard.compress(bytes(1 << 30))
    assert len(bomb) < 200_000
    with pytest.raises(BadPacking):
        packing.unpack(bomb)
