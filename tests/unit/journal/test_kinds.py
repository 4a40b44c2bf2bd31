"""Typed bodies: their limits, and that nothing typed by a person leaks from what they refuse."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

import pytest

from appliance.journal import kinds as k
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.ids import KIND, MAX_KIND
from tests.support.specimens import SPECIMENS

SECRET = "Gul Khan of Peshawar"


@pytest.mark.parametrize("kind", sorted(k.KINDS))
def test_a_body_of_every_kind_reads_back(kind: str) -> None:
    body = SPECIMENS[kind]("mark")
    assert k.decode_body(kind, k.encode_body(body)) == body
    assert KIND.fullmatch(kind)
    assert len(kind) <= MAX_KIND


def test_an_unknown_kind_is_none_of_ours() -> None:
    assert k.decode_body("future.kind", b'{"anything":1}') is None


def test_a_later_version_may_add_fields() -> None:
    assert k.decode_body("application.approved", b'{"remark":"seen","weight":7}') == k.ApplicationApproved(
        remark="seen"
    )


@pytest.mark.parametrize(
    "body",
    [
        k.PersonAdded(name=SECRET * 50),
        k.PersonAdded(name=SECRET + "\ud800"),
        k.PersonAdded(name=SECRET + "\x00"),
        k.ApplicationReturned(reason=SECRET + "\x00"),
        k.ApplicationSubmitted(tracking="x", service="x", applicant=SECRET, fields={}),
        k.ApplicationSubmitted(
            tracking="x", service="x", applicant="a" * 26, fields={str(n): SECRET for n in range(k.MAX_FIELDS + 1)}
        ),
    ],
    ids=["long", "surrogate", "NUL", "NUL in a remark", "no identifier", "too many fields"],
)
def test_a_body_outside_its_limits_is_refused_without_quoting_it(body: k.Body) -> None:
    with pytest.raises(BugError) as caught:
        k.encode_body(body)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_malformed_body_is_refused_without_quoting_it() -> None:
    for encoded in (b'{"name":7}', b"{}", b"[]", b'{"name":"' + SECRET.encode() * 50 + b'"}', b'{"name":"\\ud800"}'):
        with pytest.raises(IntegrityError) as caught:
            k.decode_body("person.added", encoded)
        assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_body_of_no_registered_kind_is_refused() -> None:
    class Stray(k.Body, frozen=True, kw_only=True):
        pass

    with pytest.raises(BugError):
        k.encode_body(Stray())


@dataclass(frozen=True)
class Words:
    text: str
    line: bool
    remark: bool


@pytest.mark.parametrize(
    "words",
    [
        Words("گل‌خان", line=True, remark=True),  # with the joiner of Urdu
        Words("क्‍ष", line=True, remark=True),
        Words("", line=True, remark=True),
        Words("one\ntwo", line=False, remark=True),
        Words("one\u2028two", line=False, remark=True),
        Words("a\x00", line=False, remark=False),
        Words("a\x7f", line=False, remark=False),
        Words("a\x85", line=False, remark=False),
        Words("a\ud800", line=False, remark=False),
        Words("a" * k.MAX_LINE, line=True, remark=True),
        Words("a" * (k.MAX_LINE + 1), line=False, remark=True),
        Words("a" * (k.MAX_REMARK + 1), line=False, remark=False),
    ],
    ids=repr,
)
def test_what_fits_into_a_line_and_into_a_remark(words: Words) -> None:
    assert (k.is_line(words.text), k.is_remark(words.text)) == (words.line, words.remark)
    if words.remark:
        k.encode_body(k.ApplicationApproved(remark=words.text))
    if words.line:
        k.encode_body(k.PersonAdded(name=words.text))
