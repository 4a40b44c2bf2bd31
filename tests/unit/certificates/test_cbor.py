"""CBOR: RFC 8949's own examples, and cbor2 as the judge of what is read."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.certificates import cbor
from appliance.certificates.cbor import BadCbor, Item, Simple, Tagged
from appliance.journal.errors import BugError

EXAMPLES: list[tuple[str, Item]] = [
    ("00", 0),
    ("17", 23),
    ("1818", 24),
    ("1903e8", 1000),
    ("1bffffffffffffffff", 2**64 - 1),
    ("3bffffffffffffffff", -(2**64)),
    ("29", -10),
    ("3903e7", -1000),
    ("f90000", 0.0),
    ("f93e00", 1.5),
    ("fb3ff199999999999a", 1.1),
    ("fa47c35000", 100000.0),
    ("f4", False),
    ("f5", True),
    ("f6", None),
    ("f7", Simple(23)),
    ("f8ff", Simple(255)),
    ("c11a514b67b0", Tagged(1, 1363896240)),
    ("d818456449455446", Tagged(24, b"dIETF")),
    ("40", b""),
    ("4401020304", b"\1\2\3\4"),
    ("62c3bc", "ü"),
    ("64f0908591", "𐅑"),
    ("83010203", [1, 2, 3]),
    ("a201020304", {1: 2, 3: 4}),
    ("a26161016162820203", {"a": 1, "b": [2, 3]}),
    ("5f42010243030405ff", b"\1\2\3\4\5"),
    ("7f657374726561646d696e67ff", "streaming"),
    ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
    ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}),
]
KEYS = st.integers(-(2**64), 2**64 - 1) | st.text(max_size=8) | st.binary(max_size=8)
ITEMS = st.recursive(
    KEYS | st.booleans() | st.none() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(("data", "item"), EXAMPLES, ids=[data for data, _ in EXAMPLES])
def test_the_examples_of_the_standard(data: str, item: Item) -> None:
    """RFC 8949, appendix A."""
    read = cbor.decode(bytes.fromhex(data))
    assert read == item
    assert type(read) is type(item)


@pytest.mark.parametrize(
    "data",
    [
        *("", "18", "62c3", "8201", "a101", "c1", "5f41", "9f01", "bf01", "fb00"),
        *("1c", "1d", "1e", "3c", "5c", "fc", "fd", "fe", "1f", "3f", "df", "ff", "81ff", "bf01ff"),
        *("f800", "f81f", "5f6161ff", "7f4161ff", "5f5f4161ffff", "0000", "f600"),
        *("61ff", "62c328", "7f61c361bcff", "9bffffffffffffffff", "bbffffffffffffffff", "5bffffffffffffffff"),
        *(
            "a201020103",
            "a2010218010a",
            "bf01020103ff",
            "a1f500",
            "a1f600",
            "a1f93c0000",
            "a18000",
            "a1a000",
            "a1c10100",
        ),
        "81" * 17 + "00",
        "c1" * 17 + "00",
    ],
)
def test_what_is_not_well_formed_is_refused(data: str) -> None:
    """Appendix F, keys that come twice in whatever form, and depth without end."""
    with pytest.raises(BadCbor):
        cbor.decode(bytes.fromhex(data))


def test_too_much_is_refused() -> None:
    with pytest.raises(BadCbor, match="too long"):
        cbor.decode(bytes(cbor.MAX_BYTES + 1))


@given(ITEMS)
def test_what_cbor2_writes_is_read_as_it_was(item: Item) -> None:
    assert cbor.decode(cbor2.dumps(item)) == item
    assert cbor.decode(cbor.encode(item)) == item


@given(st.binary(max_size=40))
def test_no_bytes_make_it_stumble(data: bytes) -> None:
    try:
        cbor.decode(data)
    except BadCbor:
        return
    cbor2.loads(data) if not set(data) & set(range(0xC0, 0xE0)) else None


def test_writing_is_deterministic() -> None:
    """Section 4.2.1: keys in the order of their bytes."""
    assert cbor.encode({-65537: 1, 169: 2, 6: 3, 1: 4}).hex() == "a40104060318a9023a0001000001"
    assert cbor.encode(Tagged(18, [b"", {}])) == bytes.fromhex("d28240a0")


def test_what_cbor_cannot_say_is_a_bug() -> None:
    with pytest.raises(BugError):
        cbor.encode([object()])  # type: ignore[list-item]
