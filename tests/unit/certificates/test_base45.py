"""Base45, judged by RFC 9285's own examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.certificates import base45


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0"), (b"", "")],
)
def test_the_examples_of_the_standard(data: bytes, text: str) -> None:
    """Sections 4.3 and 4.4."""
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@pytest.mark.parametrize("text", ["GGW", "ZZZ", ":::", "A", "BB8A", "::", "V5", "bb8", "BB8\n", "BB_", "ＢＢ8"])
def test_what_no_bytes_encode_to_is_refused(text: str) -> None:
    """`GGW` and a lone character are the standard's own examples (section 6)."""
    with pytest.raises(ValueError, match="base45"):
        base45.decode(text)


def test_the_largest_group_is_read() -> None:
    assert base45.decode("FGW") == b"\xff\xff"
    assert base45.decode("U5") == b"\xff"


@given(st.binary(max_size=200))
def test_what_is_written_is_read_and_nothing_else(data: bytes) -> None:
    text = base45.encode(data)
    assert base45.decode(text) == data
    assert set(text) <= set(base45.ALPHABET)
    assert len(text) == len(data) // 2 * 3 + len(data) % 2 * 2
