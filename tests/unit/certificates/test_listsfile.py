"""The public lists as a file: one way to write them, and nothing else is read."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.certificates.lists import (
    KEY_REASONS,
    BadLists,
    Ended,
    PublicLists,
    Revocations,
    TrustedLog,
    TrustedSigner,
    TrustList,
    UnknownPublisher,
)
from appliance.certificates.listsfile import MAX_LISTS, in_order, read_lists, write_lists
from appliance.journal.errors import BugError
from appliance.journal.notes import Note, parse_note
from tests.support import lists as specimens
from tests.support.lists import AT, NUMBER, public_lists, publisher

SIGNER = publisher()
LISTS = public_lists()
CONTENT = write_lists(LISTS.trust, LISTS.revocations, SIGNER)


def signed(trust: bytes, ended: bytes) -> bytes:
    """A file of any two texts, as the right key would sign them."""
    return b"\n".join(text + b"\n" + SIGNER.sign(text) for text in (trust, ended))


def texts() -> tuple[bytes, bytes]:
    trust, _, ended, _ = CONTENT.split(b"\n\n")
    return trust + b"\n", ended + b"\n"


TRUST, ENDED = texts()


def test_what_is_written_is_read() -> None:
    assert read_lists(CONTENT, [SIGNER.verifier]) == LISTS


def test_whoever_vouches_for_the_file_needs_no_key() -> None:
    assert read_lists(CONTENT, None) == LISTS


def test_the_publishers_key_may_stand_among_others() -> None:
    assert read_lists(CONTENT, [specimens.cosigner(), SIGNER.verifier]) == LISTS


@pytest.mark.parametrize("keys", [[], [publisher("other").verifier], [specimens.cosigner()]])
def test_lists_of_a_publisher_that_is_not_trusted_are_refused(keys: list[object]) -> None:
    with pytest.raises(UnknownPublisher):
        read_lists(CONTENT, keys)  # type: ignore[arg-type]


def test_each_part_is_a_signed_note_of_its_own() -> None:
    first, second = CONTENT.split(b"\n\nsanad/lists/")
    notes: list[Note] = [parse_note(first + b"\n"), parse_note(b"sanad/lists/" + second)]
    assert all(note.of(SIGNER.verifier) for note in notes)
    assert notes[0].text.decode().splitlines()[0] == f"{SIGNER.name}/trust"
    assert notes[1].text.decode().splitlines()[0] == f"{SIGNER.name}/revocations"


def test_the_order_of_what_is_said_changes_nothing() -> None:
    trust = replace(LISTS.trust, signers=LISTS.trust.signers[::-1], logs=LISTS.trust.logs[::-1])
    revocations = replace(LISTS.revocations, ended=LISTS.revocations.ended[::-1])
    assert write_lists(trust, revocations, SIGNER) == CONTENT


def test_parts_of_two_publications_make_no_lists() -> None:
    later = specimens.later(LISTS)
    other = write_lists(later.trust, later.revocations, SIGNER)
    for one, two in ((CONTENT, other), (other, CONTENT)):
        mixed = b"\n\n".join([*one.split(b"\n\n")[:2], *two.split(b"\n\n")[2:]])
        with pytest.raises(BadLists, match="not published together"):
            read_lists(mixed, None)


def test_parts_of_two_centrals_make_no_lists() -> None:
    other = public_lists(central="other")
    foreign = write_lists(other.trust, other.revocations, publisher("other"))
    mixed = b"\n\n".join([*CONTENT.split(b"\n\n")[:2], *foreign.split(b"\n\n")[2:]])
    with pytest.raises(BadLists):
        read_lists(mixed, None)


def test_parts_the_other_way_round_make_no_lists() -> None:
    with pytest.raises(BadLists):
        read_lists(signed(ENDED, TRUST), None)


@pytest.mark.parametrize("junk", [b"", b"\n", b"<html>Sign in to this network</html>", b"\xff" * 99, b"\n\n\n\n\n\n"])
def test_what_a_captive_portal_gives_is_refused(junk: bytes) -> None:
    with pytest.raises(BadLists):
        read_lists(junk, None)


def test_a_file_that_was_cut_anywhere_is_refused() -> None:
    for length in range(0, len(CONTENT), 7):
        with pytest.raises(BadLists):
            read_lists(CONTENT[:length], [SIGNER.verifier])


def test_a_file_with_more_behind_it_is_refused() -> None:
    for more in (b"\n", b"x", b"\n\n", CONTENT):
        with pytest.raises(BadLists):
            read_lists(CONTENT + more, None)


def test_a_file_that_is_too_large_is_not_parsed() -> None:
    with pytest.raises(BadLists, match="at most"):
        read_lists(b"#" * (MAX_LISTS + 1), None)


@settings(max_examples=300)
@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_a_byte_changed_anywhere_is_seen(place: int, change: int) -> None:
    changed = bytearray(CONTENT)
    changed[place] ^= change
    with pytest.raises(BadLists):
        read_lists(bytes(changed), [SIGNER.verifier])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb"version 1", b"version 2"),
        (rb"number ([0-9]+)", rb"number 0\1"),
        (rb"number [0-9]+", b"number 0"),
        (rb"at 2026-11-22T", b"at 2026-13-22T"),
        (rb"at (.*)Z\n", rb"at \1+00:00\n"),
        (rb"authority .", b"authority !"),
        (rb"(authority .*\n)", rb"\1\1"),
        (rb"(cosigner .*\n)", rb"\1\1"),
        (rb"cosigner ", b"cosigner  "),
        (rb"(log .*\n)(log .*\n)", rb"\2\1"),
        (rb"stopped 2026-11-21T", b"stopped 2026-11-31T"),
        (rb"signer [0-9a-f]{16}", b"signer 0011223344556677"),
        (rb"signer (.*) centre", rb"signer \1 president"),
        (rb"name .*\n", b"name \n"),
        (rb"name ", "name \u202e".encode()),
        (rb"name ", "name \u2028".encode()),
        (rb"certificate .*\n", b"certificate \n"),
        (rb"certificate (.*)=\n", rb"certificate \1\n"),
        (rb" compromised\n", b"\n"),
        (rb" compromised\n", b" Compromised\n"),
        (rb"\Z", b"hint anything\n"),
    ],
)
def test_a_trust_list_of_any_other_form_is_refused_though_signed(old: bytes, new: bytes) -> None:
    changed, times = re.subn(old, new, TRUST, count=1)
    assert times
    with pytest.raises(BadLists):
        read_lists(signed(changed, ENDED), None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb"superseded P", b"ended P"),
        (rb"(superseded .*\n)(revoked .*\n)", rb"\2\1"),
        (rb"(revoked .*\n)", rb"\1\1"),
        (rb" fraud\n", b"\n"),
        (rb" fraud\n", b" fraud \n"),
        (rb" by .*\n", b" by\n"),
        (rb"revoked P", b"revoked p"),
        (rb"number ([0-9]+)", rb"number 1\1"),
        (rb"(at .*\n)", rb"\1key any\n"),
    ],
)
def test_a_list_of_revocations_of_any_other_form_is_refused_though_signed(old: bytes, new: bytes) -> None:
    changed, times = re.subn(old, new, ENDED, count=1)
    assert times
    with pytest.raises(BadLists):
        read_lists(signed(TRUST, changed), None)


def test_a_second_signature_is_refused() -> None:
    parts = CONTENT.split(b"\n\n")
    more = publisher("other").sign(TRUST).removesuffix(b"\n")
    with pytest.raises(BadLists, match="one signature"):
        read_lists(b"\n\n".join([parts[0], parts[1] + b"\n" + more, *parts[2:]]), None)


def test_a_file_that_names_another_key_than_its_origin_is_refused() -> None:
    other = publisher("other")
    text = TRUST.replace(SIGNER.verifier.text.encode(), other.verifier.text.encode())
    ended = ENDED.replace(SIGNER.name.encode(), other.name.encode())
    with pytest.raises(BadLists):
        read_lists(b"\n".join(each + b"\n" + other.sign(each) for each in (text, ended)), None)


@pytest.mark.parametrize(
    "signer",
    [
        TrustedSigner(b"", "centre", "PEW01", "No certificate"),
        TrustedSigner(b"0" * 5000, "centre", "PEW01", "Large"),
        TrustedSigner(b"0", "centre", "pew01", "Small letters"),
        TrustedSigner(b"0", "centre", "PEW01", ""),
        TrustedSigner(b"0", "centre", "PEW01", "Two\nlines"),
        TrustedSigner(b"0", "centre", "PEW01", "Half a pair \ud800"),
        TrustedSigner(b"0", "centre", "PEW01", "No reason", AT),
        TrustedSigner(b"0", "centre", "PEW01", "No time", None, "lost"),
        TrustedSigner(b"0", "centre", "PEW01", "Part of a second", AT.replace(microsecond=5), "lost"),
    ],
)
def test_what_could_not_be_read_is_not_signed(signer: TrustedSigner) -> None:
    with pytest.raises(BugError):
        write_lists(replace(LISTS.trust, signers=(signer,)), LISTS.revocations, SIGNER)


def test_two_parts_of_different_numbers_are_not_signed() -> None:
    with pytest.raises(BugError):
        write_lists(LISTS.trust, replace(LISTS.revocations, number=NUMBER + 1), SIGNER)


CODES = st.from_regex(r"[a-z][a-z_]{0,9}", fullmatch=True)
CENTRES = st.from_regex(r"[A-Z0-9]{2,16}", fullmatch=True)
NUMBERS = st.from_regex(r"[A-Z0-9][A-Z0-9/-]{0,39}", fullmatch=True)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=0)
)
NAMES = st.text(
    st.characters(
        exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\u202a\u202b\u202c\u202d\u202e\ufeff"
    ),
    min_size=1,
    max_size=40,
).filter(lambda name: not re.search("[\u2066-\u2069\ufffe\uffff]", name))


@st.composite
def signers(draw: st.DrawFn) -> TrustedSigner:
    revoked_at = draw(st.none() | TIMES)
    return TrustedSigner(
        certificate=draw(st.binary(min_size=1, max_size=99)),
        kind=draw(st.sampled_from(["centre", "officer", "timestamp"])),
        centre=draw(st.just("") | CENTRES),
        name=draw(NAMES),
        revoked_at=revoked_at,
        reason="" if revoked_at is None else draw(st.sampled_from(KEY_REASONS)),
    )


@st.composite
def lists(draw: st.DrawFn) -> PublicLists:
    number, at = draw(st.integers(1, 10**12 - 1)), draw(TIMES)
    nodes = draw(st.lists(st.tuples(st.integers(0, 10**6), CENTRES, st.none() | TIMES), unique_by=lambda n: n[0]))
    logs: tuple[TrustedLog, ...] = tuple(specimens.log(str(node), centre, stopped) for node, centre, stopped in nodes)
    trust = TrustList(
        number=number,
        at=at,
        authorities=tuple(draw(st.lists(st.binary(min_size=1, max_size=99), unique=True, max_size=3))),
        signers=tuple(draw(st.lists(signers(), unique_by=lambda each: each.certificate, max_size=8))),
        logs=logs,
        cosigners=tuple(specimens.cosigner(name) for name in draw(st.sets(st.text(max_size=3), max_size=3))),
    )
    ended = st.builds(Ended, NUMBERS, st.sampled_from(["superseded", "revoked"]), TIMES, CODES, st.just("") | NUMBERS)
    all_ended = tuple(draw(st.lists(ended, unique_by=lambda each: each.number, max_size=8)))
    return PublicLists(*in_order(trust, Revocations(number, at, all_ended)), SIGNER.verifier)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(lists())
def test_any_lists_are_read_as_they_were_written_and_written_as_they_were_read(made: PublicLists) -> None:
    content = write_lists(made.trust, made.revocations, SIGNER)
    read = read_lists(content, [SIGNER.verifier])
    assert read == made
    assert write_lists(read.trust, read.revocations, SIGNER) == content


@settings(deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_signed_text_is_read_or_refused_never_more(one: bytes, two: bytes) -> None:
    trust, ended = (base64.b64encode(each) + b"\n" for each in (one, two))
    with pytest.raises(BadLists):
        read_lists(signed(TRUST + trust, ENDED + ended), None)
