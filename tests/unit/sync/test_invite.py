"""Invites: one line that survives being pasted, and shows when it did not."""

from __future__ import annotations

import contextlib
import textwrap

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from sync.central.authority import VALID_FROM, Authority
from sync.invite import BadInvite, Invite, encode_invite, fingerprint, parse_invite

CERTIFICATE = Authority.create("Specimen", VALID_FROM).certificate
INVITE = Invite(
    url="https://central.example:8443",
    authority=CERTIFICATE.public_bytes(Encoding.DER),
    id="a" * 26,
    secret=bytes(range(32)),
    expires_s=1_795_338_000,
    centre="PEW01",
    centre_name="پشاور · Peshawar",
)
LINE = encode_invite(INVITE)


def test_an_invite_is_one_line_of_plain_characters() -> None:
    assert LINE.isascii()
    assert LINE.isprintable()
    assert " " not in LINE
    assert parse_invite(LINE) == INVITE


def test_an_invite_may_be_wrapped_and_indented_on_its_way() -> None:
    pasted = textwrap.indent("\r\n".join(textwrap.wrap(LINE, 64)), "    ") + "\n\n"
    assert parse_invite(pasted) == INVITE


@given(st.integers(0, len(LINE) - 1), st.sampled_from("aZ9-_= \x00é"))
def test_an_invite_with_one_wrong_character_is_refused_or_is_the_same(place: int, wrong: str) -> None:
    with contextlib.suppress(BadInvite):
        assert parse_invite(LINE[:place] + wrong + LINE[place + 1 :]) == INVITE


@given(st.integers(0, len(LINE) - 1))
def test_an_invite_that_was_not_copied_whole_is_refused(length: int) -> None:
    with pytest.raises(BadInvite):
        parse_invite(LINE[:length])


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://central.example"},
        {"url": "https://user@central.example"},
        {"url": "https://central.example/path"},
        {"secret": b"short"},
        {"centre": "pew01"},
        {"centre": "PEW-01"},
        {"centre_name": ""},
        {"centre_name": "a\x1b[2J"},
        {"authority": b"no certificate"},
        {"id": "../../etc"},
    ],
)
def test_an_invite_with_a_field_outside_its_form_is_refused(changes: dict[str, object]) -> None:
    fields = {name: getattr(INVITE, name) for name in Invite.__struct_fields__}
    with pytest.raises(BadInvite):
        parse_invite(encode_invite(Invite(**{**fields, **changes})))


def test_the_secret_of_an_invite_is_not_printed() -> None:
    assert repr(INVITE.secret) not in repr(INVITE)


def test_a_fingerprint_is_read_aloud_in_groups() -> None:
    groups = fingerprint(CERTIFICATE.public_key()).split(" ")
    assert len(groups) == 16
    assert all(len(group) == 4 for group in groups)
