"""What is sealed opens for its recipients, in Debian's `age` too, and nothing that was altered opens at all."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.journal.errors import BugError, IntegrityError
from appliance.sealing import age

PLAIN = b"a scanned page " * 20
IDENTITY = age.new_identity()
RECIPIENT = age.recipient_of(IDENTITY)
SEALED = age.seal(PLAIN, [RECIPIENT])


def identity_file(folder: Path, identity: str) -> Path:
    path = folder / "identity.txt"
    path.write_text(identity + "\n")
    return path


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_the_age_program_opens_what_we_seal(tmp_path: Path, size: int) -> None:
    plain = os.urandom(size)
    node, locker = age.new_identity(), age.new_identity()
    sealed = age.seal(plain, [age.recipient_of(node), age.recipient_of(locker)])
    for identity in (node, locker):
        command = ["age", "-d", "-i", str(identity_file(tmp_path, identity))]
        assert subprocess.run(command, input=sealed, capture_output=True, check=True).stdout == plain


def test_we_open_what_the_age_program_seals() -> None:
    command = ["age", "-r", age.recipient_of(IDENTITY)]
    sealed = subprocess.run(command, input=PLAIN, capture_output=True, check=True).stdout
    assert age.open_sealed(sealed, IDENTITY) == PLAIN


def test_the_age_program_names_the_same_recipient_for_an_identity(tmp_path: Path) -> None:
    command = ["age-keygen", "-y", str(identity_file(tmp_path, IDENTITY))]
    printed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert printed.strip() == age.recipient_of(IDENTITY)


def test_the_text_armour_of_the_same_blob_is_refused() -> None:
    command = ["age", "--armor", "-r", age.recipient_of(IDENTITY)]
    armoured = subprocess.run(command, input=PLAIN, capture_output=True, check=True).stdout
    with pytest.raises(age.SealError, match="not sealed in the age format"):
        age.open_sealed(armoured, IDENTITY)


def test_any_flipped_bit_is_refused() -> None:
    for place in range(len(SEALED)):
        damaged = bytearray(SEALED)
        damaged[place] ^= 1 << (place % 8)
        with pytest.raises(age.SealError):
            age.open_sealed(bytes(damaged), IDENTITY)


def test_any_cut_is_refused() -> None:
    for size in range(len(SEALED)):
        with pytest.raises(age.SealError):
            age.open_sealed(SEALED[:size], IDENTITY)


@given(st.binary(min_size=1, max_size=64))
def test_anything_appended_is_refused(tail: bytes) -> None:
    with pytest.raises(age.SealError):
        age.open_sealed(SEALED + tail, IDENTITY)


@given(st.binary(max_size=400))
def test_bytes_that_were_never_sealed_are_refused(data: bytes) -> None:
    for attempt in (data, b"age-encryption.org/v1\n" + data, b"age-encryption.org/v1\n" + data + b"\n--- \n"):
        with pytest.raises(age.SealError):
            age.open_sealed(attempt, IDENTITY)


def test_a_swapped_or_repeated_chunk_is_refused() -> None:
    chunk = 65_536 + 16
    sealed = age.seal(os.urandom(200_000), [age.recipient_of(IDENTITY)])
    start = sealed.index(b"\n", sealed.index(b"\n--- ") + 1) + 1 + 16
    first, second, rest = sealed[start : start + chunk], sealed[start + chunk : start + 2 * chunk], sealed[start:]
    for payload in (second + first + rest[2 * chunk :], first + rest, second + rest[2 * chunk :], first, b""):
        with pytest.raises(age.SealError):
            age.open_sealed(sealed[:start] + payload, IDENTITY)


def test_a_header_that_would_keep_the_reader_busy_for_minutes_is_refused_at_once() -> None:
    stanza = b"-> X25519 " + b"A" * 43 + b"\n" + b"A" * 43 + b"\n"
    with pytest.raises(age.SealError, match="not sealed in the age format"):
        age.open_sealed(b"age-encryption.org/v1\n" + stanza * 200_000 + b"--- " + b"A" * 43 + b"\n", IDENTITY)


def test_a_blob_for_the_most_recipients_still_opens() -> None:
    identities = [age.new_identity() for _ in range(age.MAX_RECIPIENTS)]
    sealed = age.seal(PLAIN, [age.recipient_of(identity) for identity in identities])
    assert all(age.open_sealed(sealed, identity) == PLAIN for identity in identities)


def test_another_identity_does_not_open_and_is_an_integrity_error() -> None:
    with pytest.raises(IntegrityError, match="not sealed to this key"):
        age.open_sealed(SEALED, age.new_identity())


@pytest.mark.parametrize("count", [0, age.MAX_RECIPIENTS + 1])
def test_too_few_or_too_many_recipients_are_our_bug(count: int) -> None:
    with pytest.raises(BugError):
        age.seal(PLAIN, [age.recipient_of(age.new_identity()) for _ in range(count)])


def test_the_same_recipient_twice_is_our_bug_however_it_is_spelled() -> None:
    recipient = age.recipient_of(IDENTITY)
    with pytest.raises(BugError):
        age.seal(PLAIN, [recipient, recipient.upper()])


def test_a_malformed_recipient_is_refused() -> None:
    good = age.recipient_of(IDENTITY)
    for bad in ("", "age1", good[:-1], good + "q", good.replace("age1", "age2"), " " + good, IDENTITY):
        with pytest.raises(age.SealError, match="public key"):
            age.seal(PLAIN, [bad])


def test_a_malformed_identity_is_refused_without_being_quoted() -> None:
    for bad in ("AGE-SECRET-KEY-1CANARY", IDENTITY[:-1], IDENTITY + "Q", ""):
        for use in (lambda text: age.open_sealed(SEALED, text), age.recipient_of):
            with pytest.raises(age.SealError) as caught:
                use(bad)
            assert not bad or bad not in f"{caught.value} {caught.value.__cause__}"


def test_a_recipient_has_one_spelling() -> None:
    recipient = age.recipient_of(IDENTITY)
    assert age.canonical_recipient(recipient.upper()) == recipient == age.canonical_recipient(recipient)


def test_a_blob_is_named_by_the_sha256_of_its_sealed_bytes() -> None:
    named = subprocess.run(["sha256sum"], input=SEALED, capture_output=True, check=True).stdout.split()[0].decode()
    assert age.digest_of(SEALED) == named == hashlib.sha256(SEALED).hexdigest()


def test_sealing_the_same_bytes_twice_gives_different_blobs() -> None:
    assert age.seal(PLAIN, [age.recipient_of(IDENTITY)]) != SEALED


def test_no_blob_opens_with_a_non_canonical_header() -> None:
    """A header could only vary in its base64; each variant must fail, or one blob would have two digests."""
    head, _, tail = SEALED.partition(b"\n--- ")
    mac, _, payload = tail.partition(b"\n")
    last = base64.b64decode(mac + b"=")
    assert base64.b64encode(last).rstrip(b"=") == mac
    for other in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=":
        variant = mac[:-1] + bytes([other])
        if variant != mac:
            with pytest.raises(age.SealError):
                age.open_sealed(head + b"\n--- " + variant + b"\n" + payload, IDENTITY)


def sealed_in_pieces(content: bytes, piece: int) -> bytes:
    source, sealed = io.BytesIO(content), bytearray()
    age.seal_stream(lambda size: source.read(min(size, piece)), sealed.extend, [RECIPIENT])
    return bytes(sealed)


def opened_in_pieces(sealed: bytes, piece: int = 5000) -> bytes:
    source, opened = io.BytesIO(sealed), bytearray()
    age.open_stream(lambda size: source.read(min(size, piece)), opened.extend, IDENTITY)
    return bytes(opened)


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 300_000])
def test_what_is_sealed_in_pieces_opens_in_pieces_and_whole(size: int) -> None:
    content = os.urandom(size)
    sealed = sealed_in_pieces(content, 1000)
    assert opened_in_pieces(sealed) == age.open_sealed(sealed, IDENTITY) == content
    assert opened_in_pieces(age.seal(content, [RECIPIENT]), 1) == content


@pytest.mark.parametrize("at", [0, 30, 250, 70_000, 130_000])
def test_a_stream_that_was_changed_cut_or_lengthened_is_refused(at: int) -> None:
    sealed = sealed_in_pieces(os.urandom(131_000), 1000)
    changed = bytearray(sealed)
    changed[at] ^= 1
    for bad in (bytes(changed), sealed[:at], sealed[:-1], sealed + b"x"):
        with pytest.raises(age.SealError):
            opened_in_pieces(bad)


def test_what_an_end_of_a_stream_raises_comes_out_as_it_was() -> None:
    class Unplugged(BaseException):
        pass

    def unplugged(_: object) -> bytes:
        raise Unplugged

    sealed = sealed_in_pieces(b"content", 10)
    with pytest.raises(Unplugged):
        age.seal_stream(unplugged, bytearray().extend, [RECIPIENT])
    with pytest.raises(Unplugged):
        age.seal_stream(io.BytesIO(b"x").read, unplugged, [RECIPIENT])
    with pytest.raises(Unplugged):
        age.open_stream(io.BytesIO(sealed).read, unplugged, IDENTITY)
    with pytest.raises(Unplugged):
        age.open_stream(unplugged, bytearray().extend, IDENTITY)
