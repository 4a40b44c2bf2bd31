"""Entries: one encoding, strict reading, nothing personal in a header."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.journal import entry, ids
from appliance.journal.entry import BadEntry, Entry, Header, make_entry, read_entry, read_header
from appliance.journal.errors import BugError
from appliance.journal.ids import Kind
from tests.unit.journal import build

JOURNAL = ids.journal_id(bytes(32))
SALT = bytes(range(16))
ENTRY = build.entry_at(JOURNAL, 1)


def made(**changed: Any) -> Entry:
    fields: dict[str, Any] = {
        "journal": JOURNAL,
        "seq": 7,
        "at": "2026-02-28T23:59:59.999Z",
        "by": ids.NODE,
        "kind": Kind("print.confirmed"),
        "about": ids.NOBODY,
        "body": b'{"pages":2}',
        "salt": SALT,
    }
    return make_entry(**{**fields, **changed})


def header_of(**changed: Any) -> bytes:
    """A header as somebody else might write it, with some fields changed."""
    return msgspec.json.encode({**msgspec.json.decode(ENTRY.header_bytes), **changed})


def with_body(body: bytes, salt: bytes = SALT) -> Entry:
    """Read an entry whose header names this body, whatever it is."""
    digest = hashlib.sha256(salt + body).hexdigest()
    return read_entry(header_of(body=digest), salt, body)


def test_a_header_has_one_known_encoding_and_leaf() -> None:
    found = made(blobs=["ab" * 32])
    body = hashlib.sha256(SALT + b'{"pages":2}').hexdigest()
    assert found.header_bytes.decode() == (
        '{"v":1,"journal":"jskmwfd4z2cxzbbxq6thk4relu","seq":7,"at":"2026-02-28T23:59:59.999Z","by":"node",'
        f'"kind":"print.confirmed","about":"-","body":"{body}","blobs":["{"ab" * 32}"]}}'
    )
    assert found.leaf == hashlib.sha256(b"\0" + found.header_bytes).digest()


def test_what_is_made_can_be_read_with_and_without_its_body() -> None:
    assert read_entry(ENTRY.header_bytes, ENTRY.salt, ENTRY.body) == ENTRY
    bare = read_entry(ENTRY.header_bytes, None, None)
    assert (bare.header, bare.leaf, bare.body, bare.salt) == (ENTRY.header, ENTRY.leaf, None, None)


@pytest.mark.parametrize(("salt", "body"), [(SALT, None), (None, b"{}")])
def test_salt_and_body_come_together(salt: bytes | None, body: bytes | None) -> None:
    with pytest.raises(BadEntry):
        read_entry(ENTRY.header_bytes, salt, body)


def test_another_body_or_another_salt_is_refused() -> None:
    assert ENTRY.salt is not None
    assert ENTRY.body is not None
    for salt, body in [
        (ENTRY.salt, b"{}"),
        (bytes(16), ENTRY.body),
        (ENTRY.salt + ENTRY.body[:1], ENTRY.body[1:]),
        (ENTRY.salt[:-1], ENTRY.salt[-1:] + ENTRY.body),
        (b"", ENTRY.salt + ENTRY.body),
    ]:
        with pytest.raises(BadEntry):
            read_entry(ENTRY.header_bytes, salt, body)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_change_to_a_header_is_refused_or_gives_another_leaf(data: st.DataObject) -> None:
    raw = ENTRY.header_bytes
    at = data.draw(st.integers(0, len(raw)))
    cut = data.draw(st.integers(0, 3))
    new = data.draw(st.binary(max_size=3) | st.sampled_from([b" ", b"0", b'"', b"\\u0061", b"a", b"\n", b",", b"1.0"]))
    changed = raw[:at] + new + raw[at + cut :]
    if changed == raw:
        return
    try:
        found = read_entry(changed, None, None)
    except BadEntry:
        return
    assert found.leaf != ENTRY.leaf
    assert found.header != ENTRY.header


def test_every_flipped_bit_of_a_header_is_refused_or_says_something_else() -> None:
    for at in range(len(ENTRY.header_bytes)):
        for bit in range(8):
            changed = bytearray(ENTRY.header_bytes)
            changed[at] ^= 1 << bit
            try:
                assert read_header(bytes(changed)) != ENTRY.header
            except BadEntry:
                continue


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        ENTRY.header_bytes + b" ",
        ENTRY.header_bytes + b"\n",
        b" " + ENTRY.header_bytes,
        ENTRY.header_bytes.replace(b":", b": ", 1),
        ENTRY.header_bytes[:-1] + b',"note":"x"}',
        ENTRY.header_bytes.replace(b'{"v":1,', b'{"v":1,"v":1,'),
        ENTRY.header_bytes.replace(b'"seq":1,', b'"seq":2,"seq":1,'),
        ENTRY.header_bytes.replace(b'"v":1,', b""),
        ENTRY.header_bytes.replace(b'"v":1', b'"v":1.0'),
        ENTRY.header_bytes.replace(b'"v":1', b'"v":true'),
        ENTRY.header_bytes.replace(b'"seq":1', b'"seq":"1"'),
        ENTRY.header_bytes.replace(b'"seq":1', b'"seq":1e0'),
        ENTRY.header_bytes.replace(b'"seq":1', b'"seq":-0'),
        ENTRY.header_bytes.replace(b'"seq":1', b'"seq":01'),
        ENTRY.header_bytes.replace(b'"seq":1', b'"seq":' + b"9" * 3000),
        ENTRY.header_bytes.replace(b'"seq":1', b'"seq":' + b"9" * 26),
        ENTRY.header_bytes.replace(b'"v":1', b'"v":' + b"9" * 26),
        ENTRY.header_bytes.replace(b"person.added", b"person.\\u0061dded"),
        ENTRY.header_bytes.replace(b"person.added", b"person.\\ud800"),
        ENTRY.header_bytes.replace(b"person.added", b"person.\xff"),
        ENTRY.header_bytes.replace(b"person.added", b"person.\0"),
        b"[" * 4000,
        b'{"v":' + b"[" * 4000,
        b'{"v":1,"x":' + b"[" * 2000 + b"]" * 2000 + b"}",
        b"\xef\xbb\xbf" + ENTRY.header_bytes,
        ENTRY.header_bytes.decode().encode("utf-16"),
        ENTRY.header_bytes + b" " * entry.MAX_HEADER,
    ],
)
def test_bytes_that_are_not_the_one_encoding_of_a_header_are_refused(raw: bytes) -> None:
    assert raw != ENTRY.header_bytes
    with pytest.raises(BadEntry):
        read_header(raw)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("v", 0),
        ("v", 2),
        ("journal", "a" * 25),
        ("journal", "a" * 26 + "\n"),
        ("journal", "a" * 26 + ".other"),
        ("seq", -1),
        ("seq", 2**53),
        ("seq", 2**64),
        ("at", "2026-02-29T00:00:00.000Z"),
        ("at", "1900-02-29T00:00:00.000Z"),
        ("at", "2026-13-01T00:00:00.000Z"),
        ("at", "2026-04-31T00:00:00.000Z"),
        ("at", "0000-01-01T00:00:00.000Z"),
        ("at", "2026-01-01T24:00:00.000Z"),
        ("at", "2026-01-01T00:00:60.000Z"),
        ("at", "2026-01-01T00:00:00Z"),
        ("at", "2026-01-01T00:00:00.000+00:00"),
        ("at", "2026-01-01T00:00:00.000Z\n"),
        ("at", "٢٠٢٦-01-01T00:00:00.000Z"),
        ("by", "Ayesha Khan"),
        ("by", "operator"),
        ("by", ""),
        ("by", "node "),
        ("kind", "print"),
        ("kind", "Print.confirmed"),
        ("kind", "print.confirmed\n"),
        ("kind", "person.محمد"),
        ("kind", "cnic.12345"),
        ("kind", "a." + "b" * 63),
        ("about", "12345-1234567-1"),
        ("about", "Muhammad Ali"),
        ("about", ""),
        ("about", "--"),
        ("about", "a" * 26 + ".orders"),
        ("body", "a" * 63),
        ("body", "A" * 64),
        ("blobs", ["a" * 63]),
        ("blobs", ["a" * 64, "a" * 64]),
        ("blobs", [f"{each:064x}" for each in range(65)]),
    ],
)
def test_a_field_that_breaks_its_form_is_refused_and_never_quoted(field: str, value: object) -> None:
    with pytest.raises(BadEntry) as caught:
        read_header(header_of(**{field: value}))
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert len(str(value)) < 4 or str(value) not in str(caught.value)
    if field not in ("v", "body"):
        with pytest.raises(BugError):
            made(**{field: value})


@pytest.mark.parametrize("at", ["2024-02-29T00:00:00.000Z", "2000-02-29T23:59:59.999Z", "9999-12-31T23:59:59.999Z"])
def test_days_that_exist_are_accepted(at: str) -> None:
    assert made(at=at).header.at == at


def test_a_header_beyond_its_bound_is_not_even_parsed() -> None:
    with pytest.raises(BadEntry, match="at most"):
        read_header(ENTRY.header_bytes + b" " * entry.MAX_HEADER)


def test_the_largest_header_fits_its_bound() -> None:
    blobs = [hashlib.sha256(bytes([each])).hexdigest() for each in range(entry.MAX_BLOBS)]
    found = made(
        journal=ids.orders_of(JOURNAL), seq=2**53 - 1, kind="a." + "b" * 62, about="a" * 26, by="b" * 26, blobs=blobs
    )
    assert len(found.header_bytes) <= entry.MAX_HEADER
    assert read_header(found.header_bytes) == found.header


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), JSON), st.booleans())
def test_an_unknown_kind_with_any_json_body_survives_byte_for_byte(value: dict[str, object], spaced: bool) -> None:
    body = json.dumps(value, indent=1 if spaced else None, ensure_ascii=spaced).encode()
    raw = header_of(kind="future.unheard_of", body=hashlib.sha256(SALT + body).hexdigest())
    found = read_entry(raw, SALT, body)
    assert (found.header_bytes, found.salt, found.body) == (raw, SALT, body)
    assert found == made(
        seq=1, at=ENTRY.header.at, by=ENTRY.header.by, kind="future.unheard_of", about=ENTRY.header.about, body=body,
        blobs=ENTRY.header.blobs,
    )  # fmt: skip


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"{}}",
        b"{} ",
        b" {}",
        b"{}\n",
        b"\xef\xbb\xbf{}",
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b'{"deep":[{"a":1,"b":2,"a":3}]}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"\\ud800":1}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\0"}',
        b'{"a":"\\u0000"}',
        b'{"a":["x\\u0000y"]}',
        b'{"\\u0000":1}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":01}',
        b'{"a":.5}',
        b'{"a":+1}',
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":1/*x*/}',
        b'{"a":9223372036854775808}',
        b'{"a":-9223372036854775809}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"\t"}',
        nested(33),
        nested(500),
        b'{"a":' + b"[" * 32000 + b"]" * 32000 + b"}",
        b'{"a":' + b"[" * 60000 + b"}",
        b'{"a":"' + b"x" * entry.MAX_BODY + b'"}',
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_that_readers_could_take_differently_is_refused(body: bytes) -> None:
    with pytest.raises(BadEntry) as caught:
        with_body(body)
    assert caught.value.__cause__ is None
    with pytest.raises(BugError):
        made(body=body)


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"a":"\\\\u0000"}', b'{ "a" : [ 1 , 2.50, 1E3 ] }', nested(32), b'{"a":9223372036854775807}',
     b'{"a":"' + b"x" * (entry.MAX_BODY - 8) + b'"}', '{"نام":"محمد"}'.encode(), b'{"a":{"a":1},"b":{"a":2}}'],
    ids=lambda body: repr(body[:24]),
)  # fmt: skip
def test_a_body_that_every_reader_takes_alike_is_accepted(body: bytes) -> None:
    assert with_body(body).body == body
    assert made(body=body).body == body


@pytest.mark.parametrize("salt", [b"", bytes(15), bytes(17)])
def test_a_salt_has_16_bytes(salt: bytes) -> None:
    with pytest.raises(BadEntry):
        with_body(b"{}", salt)
    with pytest.raises(BugError):
        made(salt=salt)


def test_the_depth_at_which_a_body_is_refused_does_not_depend_on_how_deep_the_caller_is() -> None:
    def sink(levels: int) -> Entry:
        return sink(levels - 1) if levels else with_body(nested(32))

    assert sink(500).body == nested(32)


def test_errors_hold_nothing_of_a_body() -> None:
    secret = "Zulfiqar-3520212345671"
    for body in [f'{{"{secret}":1,"{secret}":2}}', f'{{"a":"{secret}\\u0000"}}', f'{{"a":{secret}}}']:
        with pytest.raises(BadEntry) as caught:
            with_body(body.encode())
        error = caught.value
        assert (error.__cause__, error.__context__) == (None, None)
        assert secret not in repr(error) + str(error)


def test_the_standard_library_computes_the_same_leaf() -> None:
    script = (
        "import sys,json,hashlib;h=json.load(sys.stdin);"
        "names='v journal seq at by kind about body blobs'.split();"
        "raw=json.dumps({n:h[n] for n in names},separators=(',',':')).encode();"
        "print(hashlib.sha256(b'\\0'+raw).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", script], input=ENTRY.header_bytes, capture_output=True, check=True)
    assert done.stdout.decode().strip() == ENTRY.leaf.hex()


def test_headers_are_values() -> None:
    assert isinstance(ENTRY.header, Header)
    with pytest.raises(AttributeError):
        ENTRY.header.seq = 2  # type: ignore[misc]
