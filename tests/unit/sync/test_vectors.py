"""The frozen vectors of the protocol: what is written today is what they say, and each refusal has its code."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest
import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.certificates.listsfile import read_lists
from appliance.journal import tree
from appliance.journal.checkpoint import open_checkpoint, open_cosignature
from appliance.journal.entry import read_entry
from appliance.journal.errors import SanadError
from appliance.journal.ids import JournalId, orders_of
from appliance.journal.notes import VerifierKey
from sync import frames, packing, signatures
from sync.frames import Decoder, Frame
from sync.invite import Invite, parse_invite
from sync.lines import apply_deltas
from sync.listsfetch import etag
from sync.orderstream import read_orders
from sync.refusals import Quarantined, from_wire, to_wire
from sync.session import Accept, Effect, Keep, Receiver, Stage
from sync.stampwire import StampAnswer, StampRequest, ValidationAnswer
from sync.wire import SessionRequest, StateAnswer
from tests.vectors import generate_sync

AT_THE_ARCHIVE = frozenset({"a body kept back", "a file that no entry names", "a piece that leaves a gap"})
"""What a receiver without an archive cannot see: tests/integration/sync/test_protocol.py."""


def vectors(name: str) -> Any:
    return json.loads((generate_sync.FOLDER / name).read_bytes())


JOURNAL, STREAM, REQUESTS = vectors("journal.json"), vectors("stream.json"), vectors("requests.json")
MESSAGES, REFUSED, LISTS = vectors("messages.json"), vectors("refused.json"), vectors("lists.json")
KEY = VerifierKey.parse(JOURNAL["journal_key"])


def read(data: bytes) -> list[Frame]:
    decoder = Decoder()
    found = list(decoder.feed(data))
    decoder.finish()
    return found


def edge(size: int) -> tree.Frontier:
    frontier = tree.EMPTY
    for each in JOURNAL["entries"][:size]:
        frontier, _ = frontier.append(tree.leaf_hash(each["header"].encode()))
    return frontier


def judge(data: bytes) -> list[Effect]:
    """What a central that holds entry 0 makes of a stream."""
    receiver = Receiver(JournalId(JOURNAL["journal"]), KEY, offered=5, stored=1, frontier=edge(1))
    decoder = Decoder()
    effects = [receiver.take(frame) for frame in decoder.feed(data)]
    decoder.finish()
    return [effect for effect in effects if effect is not None]


@pytest.mark.parametrize("name", ["journal.json", "requests.json", "messages.json", "lists.json"])
def test_what_is_written_today_is_what_the_vectors_say(name: str) -> None:
    assert generate_sync.files()[name] == (generate_sync.FOLDER / name).read_bytes()


def test_frames_are_written_as_the_vectors_say_but_for_how_well_entries_are_packed() -> None:
    today = generate_sync.whole()
    for name in ("dictionary_sha256", "sealed", "columns", "prefix"):
        assert today[name] == STREAM[name]
    for ours, theirs in zip(today["frames"], STREAM["frames"], strict=True):
        assert ours == theirs or ours["is"] == theirs["is"] == "entries"
    assert read(bytes.fromhex(STREAM["stream"])) == generate_sync.parts()


def test_the_stream_is_its_prefix_and_its_frames() -> None:
    assert STREAM["stream"] == STREAM["prefix"] + "".join(each["hex"] for each in STREAM["frames"])


def test_packed_entries_are_columns_under_zstd_with_the_dictionary_of_that_hash() -> None:
    assert hashlib.sha256(packing.DICTIONARY).hexdigest() == STREAM["dictionary_sha256"]
    known = zstandard.ZstdCompressionDict(packing.DICTIONARY, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    packed = bytes.fromhex(STREAM["packed"])
    assert zstandard.ZstdDecompressor(dict_data=known).decompress(packed).hex() == STREAM["columns"]
    items = [
        (each["header"].encode(), each["salt"] and bytes.fromhex(each["salt"]), each["body"] and each["body"].encode())
        for each in JOURNAL["entries"][1:]
    ]
    assert list(packing.unpack(packed)) == items


def test_entries_leaves_roots_checkpoint_and_cosignature_hold() -> None:
    for place, each in enumerate(JOURNAL["entries"]):
        salt = None if each["salt"] is None else bytes.fromhex(each["salt"])
        body = None if each["body"] is None else each["body"].encode()
        entry = read_entry(each["header"].encode(), salt, body)
        assert (entry.header.seq, entry.leaf.hex()) == (place, each["leaf"])
        assert edge(place + 1).root().hex() == each["root"]
    cosigned = JOURNAL["cosigned"].encode()
    assert open_checkpoint(cosigned, KEY) == open_checkpoint(JOURNAL["checkpoint"].encode(), KEY)
    assert open_checkpoint(cosigned, KEY).root.hex() == JOURNAL["entries"][-1]["root"]
    assert open_cosignature(cosigned, VerifierKey.parse(JOURNAL["cosigner"])) == JOURNAL["cosigned_at_s"]


def test_a_node_takes_up_the_orders() -> None:
    key = VerifierKey.parse(JOURNAL["orders_key"])
    found = read_orders(bytes.fromhex(STREAM["orders"]), orders_of(JournalId(JOURNAL["journal"])), key, tree.EMPTY)
    assert found is not None
    assert [each.header.kind for each in found[0]] == ["orders.opened", "numbers.leased"]
    applied = json.loads(JOURNAL["entries"][1]["body"])
    signed = open_checkpoint(found[1], key)
    assert (signed.size, signed.root.hex()) == (applied["size"], applied["root"])


@pytest.mark.parametrize("name", sorted(REQUESTS["requests"]))
def test_requests_verify_and_their_base_is_what_was_signed(name: str) -> None:
    each = REQUESTS["requests"][name]
    public = bytes.fromhex(REQUESTS["public"])
    lines = [(key.encode(), value.encode()) for key, value in each["headers"].items()]
    claims = signatures.verify(signatures.incoming(each["method"], each["url"], lines), public)
    assert claims.journal == JOURNAL["journal"]
    assert (claims.offered, claims.nonce) == (5, generate_sync.NONCE)
    raw = each["headers"]["Signature"].removeprefix("sanad=:").removesuffix(":")
    key = Ed25519PublicKey.from_public_bytes(public)
    signature = msgspec.convert(raw, bytes)
    key.verify(signature, each["base"].encode())
    with pytest.raises(InvalidSignature):
        key.verify(signature, each["base"].encode() + b"\n")


def test_what_is_said_in_json_is_read() -> None:
    asked = msgspec.json.decode(MESSAGES["session_request"], type=SessionRequest)
    assert open_checkpoint(asked.checkpoint, KEY).size == 5
    answer = msgspec.json.decode(MESSAGES["state_answer"], type=StateAnswer)
    assert (answer.version, answer.stored, answer.wanted[0].offset) == (frames.VERSION, 5, 64)
    refused = from_wire(MESSAGES["refusal"]["status"], MESSAGES["refusal"]["body"].encode())
    assert refused is not None
    assert to_wire(refused)[1].error == "out_of_step"
    assert parse_invite(MESSAGES["invite"]["line"]) == msgspec.convert(MESSAGES["invite"]["fields"], Invite)


def test_what_is_said_in_quarantine_of_orders_and_of_timestamps_is_read() -> None:
    held = from_wire(MESSAGES["refusal_in_quarantine"]["status"], MESSAGES["refusal_in_quarantine"]["body"].encode())
    assert isinstance(held, Quarantined)
    assert held.orders == 3
    assert msgspec.json.decode(MESSAGES["validation_answer"], type=ValidationAnswer).at_s == generate_sync.NOW_S
    asked = msgspec.json.decode(MESSAGES["stamp_request"], type=StampRequest)
    answered = msgspec.json.decode(MESSAGES["stamp_answer"], type=StampAnswer)
    assert (len(asked.requests), len(answered.responses)) == (1, 1)


def test_what_changed_between_two_lists_leads_from_one_to_the_other() -> None:
    older, newer = LISTS["older"].encode(), LISTS["newer"].encode()
    assert apply_deltas(older, LISTS["delta"].encode(), limit=len(newer)) == newer
    key = VerifierKey.parse(LISTS["publisher"])
    assert read_lists(newer, [key]).trust.number == read_lists(older, [key]).trust.number + 60
    assert (etag(older), etag(newer)) == (LISTS["older_etag"], LISTS["newer_etag"])


@pytest.mark.parametrize("name", sorted(REFUSED.keys() - AT_THE_ARCHIVE))
def test_a_stream_that_must_be_refused_is_refused_by_its_code(name: str) -> None:
    with pytest.raises(SanadError) as caught:
        judge(bytes.fromhex(REFUSED[name]["stream"]))
    assert to_wire(caught.value)[1].error == REFUSED[name]["code"]


def test_the_stream_of_the_vectors_is_accepted() -> None:
    effects = judge(bytes.fromhex(STREAM["stream"]))
    assert [type(each) for each in effects] == [Stage, Accept, Keep, Keep]
