"""Exports: whatever is changed in one, it is refused; and who stands behind it is said truly."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import tracemalloc
from collections.abc import Iterator, Sequence

import pytest

from appliance.journal import checkpoint, export, ids, tree
from appliance.journal.checkpoint import Checkpoint
from appliance.journal.entry import Entry
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.export import ExportVerdict, verify_export, write_export
from appliance.journal.notes import NOTE_SIGNATURE, Signature, Signer, VerifierKey
from appliance.journal.verify import PROGRESS_EVERY
from tests.unit.journal import build
from tests.unit.journal.build import Journal

CENTRAL = build.cosigner()
SECOND = build.cosigner("second")
WHOLE = build.erased(build.journal(6), 2)


def written(
    whole: Journal,
    *,
    bodies: bool = False,
    cosigners: Sequence[Signer] = (CENTRAL,),
    size: int | None = None,
    head: bytes | None = None,
) -> bytes:
    pieces: list[bytes] = []
    write_export(
        pieces.append,
        whole.entries,
        head=head or whole.head(),
        signer=whole.signer,
        cosigned=whole.cosigned(*cosigners, size=size) if cosigners else None,
        cosigners=[each.verifier for each in cosigners],
        bodies=bodies,
    )
    return b"".join(pieces)


def closed(body: bytes, signer: Signer) -> bytes:
    """What a holder of the key could make of these lines: the same closing as a real one."""
    text = export.CLOSED + b"\n" + base64.b64encode(hashlib.sha256(body).digest()) + b"\n"
    return body + text + b"\n" + signer.sign(text)


def opened(data: bytes) -> bytes:
    """An export without its closing."""
    return data[: data.index(export.CLOSED)]


ALL = written(WHOLE, bodies=True)
NONE = written(WHOLE)
SMALL = written(build.erased(build.journal(2), 0), bodies=True, size=2)


def refused(data: bytes, trust: Sequence[VerifierKey] | None = None) -> ExportVerdict:
    found = verify_export([data], trust)
    assert not found.consistent
    assert not found.known
    assert found.journal is None
    assert found.sentence.startswith("Not consistent.")
    return found


@pytest.mark.parametrize("size", [0, 1, 2, 7, 8, 20])
@pytest.mark.parametrize("bodies", [True, False])
def test_what_is_written_is_consistent(size: int, bodies: bool) -> None:
    whole = build.journal(size)
    found = verify_export([written(whole, bodies=bodies)])
    assert (found.consistent, found.journal, found.size, found.bodies) == (True, whole.id, size, bodies)
    assert verify_export([written(whole, bodies=bodies, cosigners=())]).consistent
    assert verify_export([written(whole, bodies=bodies, cosigners=[CENTRAL, SECOND], size=size // 2)]).consistent


def test_a_journal_is_written_in_exactly_this_form() -> None:
    whole = build.journal(2)
    lines = written(whole, bodies=True, size=1).decode().split("\n")
    first, second = whole.entries
    assert first.salt is not None
    assert first.body is not None
    assert lines[:5] == [
        "sanad journal export v1",
        f"journal {whole.id}",
        "bodies all",
        f"key {whole.key.text}",
        f"key {CENTRAL.verifier.text}",
    ]
    assert lines[5:12] == ["cosigned", *whole.cosigned(CENTRAL, size=1).decode().splitlines()]
    assert lines[12] == "entries"
    salt, body = (base64.b64encode(each).decode() for each in (first.salt, first.body))
    assert lines[13] == f"{first.header_bytes.decode()} {salt} {body}"
    assert lines[14].startswith(second.header_bytes.decode() + " ")
    assert lines[15:21] == ["checkpoint", *whole.head().decode().splitlines()]
    assert lines[21] == "sanad journal export v1 closed"
    digest = hashlib.sha256("\n".join([*lines[:21], ""]).encode()).digest()
    assert lines[22] == base64.b64encode(digest).decode()
    assert (lines[23], lines[25:]) == ("", [""])
    assert lines[24].startswith(f"— {whole.signer.name} ")


def test_without_bodies_nothing_that_anybody_typed_is_in_the_file() -> None:
    for entry in WHOLE.entries:
        assert entry.header_bytes in NONE
        if entry.salt and entry.body:
            assert base64.b64encode(entry.salt) not in NONE
            assert base64.b64encode(entry.body)[:-4] not in NONE
            assert base64.b64encode(entry.body) in ALL


def test_a_file_is_read_alike_in_pieces_of_any_size() -> None:
    for size in (1, 7, 64, 4096):
        pieces = [ALL[at : at + size] for at in range(0, len(ALL), size)]
        assert verify_export(pieces) == verify_export([ALL])
    assert verify_export(ALL.splitlines(keepends=True)) == verify_export([ALL])
    assert verify_export([b"", ALL, b""]) == verify_export([ALL])


# Any change to any byte


def test_a_change_to_any_byte_is_refused() -> None:
    chance = random.Random(1)
    for at, byte in enumerate(SMALL):
        for other in {byte ^ 1, byte ^ 0x20, byte ^ 0x80, 0x0A, chance.randrange(256)} - {byte}:
            refused(SMALL[:at] + bytes([other]) + SMALL[at + 1 :])


def test_cutting_anywhere_is_refused() -> None:
    for at in range(len(SMALL)):
        refused(SMALL[:at])
        refused(SMALL[at + 1 :])


def test_a_byte_more_or_less_anywhere_is_refused() -> None:
    for at in range(len(SMALL)):
        refused(SMALL[:at] + b"\n" + SMALL[at:])
        refused(SMALL[:at] + b" " + SMALL[at:])
        refused(SMALL[:at] + SMALL[at + 1 :])


@pytest.mark.parametrize("data", [ALL, NONE], ids=["all", "none"])
def test_lines_dropped_doubled_swapped_or_added_are_refused(data: bytes) -> None:
    lines = data.splitlines(keepends=True)
    for one in range(len(lines)):
        refused(b"".join(lines[:one] + lines[one + 1 :]))
        refused(b"".join(lines[: one + 1] + lines[one:]))
        for other in range(one):
            swapped = list(lines)
            swapped[one], swapped[other] = swapped[other], swapped[one]
            if swapped != lines:
                refused(b"".join(swapped))
            refused(b"".join([*lines[:other], lines[one], *lines[other:]]))


@pytest.mark.parametrize("more", [b"\n", b"\0", b" ", b"# comment\n", b"{}\n", ALL, ALL.splitlines(keepends=True)[-1]])
def test_anything_after_the_end_is_refused(more: bytes) -> None:
    refused(ALL + more)
    refused(more + ALL)


def test_other_line_ends_and_encodings_are_refused() -> None:
    refused(ALL.replace(b"\n", b"\r\n"))
    refused(ALL.replace(b"\n", b"\r"))
    refused(b"\xef\xbb\xbf" + ALL)
    refused(ALL.decode().encode("utf-16"))
    refused(b"")


# What even the holder of the key cannot write


def lines_of(data: bytes) -> list[bytes]:
    return opened(data).splitlines(keepends=True)


def entry_line(data: bytes, seq: int) -> int:
    return lines_of(data).index(b"entries\n") + 1 + seq


@pytest.mark.parametrize("data", [ALL, NONE], ids=["all", "none"])
def test_a_holder_of_the_key_cannot_close_over_dropped_swapped_or_doubled_entries(data: bytes) -> None:
    lines = lines_of(data)
    first = entry_line(data, 0)
    for seq in range(7):
        at = first + seq
        found = refused(closed(b"".join(lines[:at] + lines[at + 1 :]), WHOLE.signer))
        assert found.bad_seq == seq
        assert refused(closed(b"".join(lines[: at + 1] + lines[at:]), WHOLE.signer)).bad_seq == seq + 1
        if seq:
            swapped = [*lines[: at - 1], lines[at], lines[at - 1], *lines[at + 1 :]]
            assert refused(closed(b"".join(swapped), WHOLE.signer)).bad_seq == seq - 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"journal export v1", b"journal export v2"),
        (b"\njournal ", b"\n"),
        (b"\njournal ", b"\njournal journal "),
        (b"\nkey ", b"\n"),
        (b"bodies all", b"bodies none"),
        (b"bodies all", b"bodies some"),
        (b"bodies all\n", b""),
        (b"entries\n", b"entries\n\n"),
        (b"entries\n", b"entries\n# comment\n"),
        (b"cosigned\n", b""),
        (b"checkpoint\n", b"checkpoint \n"),
        (b"checkpoint\n", b"{}\ncheckpoint\n"),
        (b'{"v":1', b' {"v":1'),
        (b'{"v":1', b'x"v":1'),
        (b'{"v":1', b'{"v": 1'),
        (b"]} ", b"]}  "),
        (b"]} ", b"]}\t"),
        (b"== ", b"= "),
        (b"== ", b"==  "),
    ],
)
def test_a_holder_of_the_key_cannot_write_a_journal_in_another_form(old: bytes, new: bytes) -> None:
    assert old in opened(ALL)
    found = refused(closed(opened(ALL).replace(old, new, 1), WHOLE.signer))
    assert found.bad_seq == 0 or not new.endswith(b'"v":1')


def test_a_key_line_more_less_or_out_of_place_is_refused_even_from_the_holder() -> None:
    lines = lines_of(ALL)
    other = b"key " + SECOND.verifier.text.encode() + b"\n"
    own = lines[3]
    for changed in (
        [*lines[:5], other, *lines[5:]],
        [*lines[:4], other, *lines[4:]],
        [*lines[:4], *lines[5:]],
        [*lines[:3], lines[4], lines[3], *lines[5:]],
        [*lines[:5], lines[4], *lines[5:]],
        [*lines[:4], own, *lines[4:]],
        [*lines[:5], *([other] * 40), *lines[5:]],
        [*lines[:3], *lines[4:]],
        [*lines[:3], b"key " + VerifierKey(WHOLE.key.name, 4, WHOLE.key.public).text.encode() + b"\n", *lines[4:]],
        [*lines[:4], b"key " + VerifierKey(CENTRAL.name, 1, CENTRAL.verifier.public).text.encode() + b"\n", *lines[5:]],
    ):
        refused(closed(b"".join(changed), WHOLE.signer))


def test_a_signature_that_nobody_can_check_has_no_place_in_a_checkpoint() -> None:
    for stray in (SECOND.line(bytes(72)), CENTRAL.line(bytes(72)), WHOLE.signer.line(bytes(64))):
        for mark in (b"checkpoint\n", b"cosigned\n"):
            start, _, rest = opened(ALL).partition(mark)
            note_end = rest.index(b"entries\n") if mark == b"cosigned\n" else len(rest)
            refused(closed(start + mark + rest[:note_end] + stray + rest[note_end:], WHOLE.signer))


def test_signatures_in_another_order_are_refused_even_from_the_holder() -> None:
    lines = lines_of(ALL)
    first = lines.index(b"cosigned\n") + 5
    lines[first], lines[first + 1] = lines[first + 1], lines[first]
    refused(closed(b"".join(lines), WHOLE.signer))


def test_a_key_of_the_wrong_kind_is_refused_even_where_its_signature_stands() -> None:
    key, central = WHOLE.key, CENTRAL.verifier
    for own, other in (
        (VerifierKey(key.name, 4, key.public), central),
        (key, VerifierKey(central.name, 1, central.public)),
    ):
        data = opened(ALL)
        for was, now in ((key, own), (central, other)):
            if was != now:
                data = data.replace(was.text.encode(), now.text.encode())
                for line in set(lines_of(ALL)):
                    if line.startswith(f"— {was.name} ".encode()):
                        value = base64.b64decode(line.split(b" ")[2])[4:]
                        data = data.replace(line, Signature(now.name, now.key_id, value).line.encode())
        refused(closed(data, WHOLE.signer))


def test_another_key_cannot_speak_for_the_journal() -> None:
    thief = Signer(WHOLE.signer.name, build.number("thief"))
    body = opened(ALL).replace(WHOLE.key.text.encode(), thief.verifier.text.encode())
    refused(closed(body, thief))
    refused(closed(opened(ALL), thief))
    stolen = build.journal_of(WHOLE.entries, thief)
    with pytest.raises(BugError):
        written(stolen)


def forged(whole: Journal, changed: Entry, *, older: bytes | None) -> bytes:
    """What the node's own key could write after changing an entry: everything fits, but for what was countersigned."""
    seq = changed.header.seq
    again = build.journal_of([*whole.entries[:seq], changed, *whole.entries[seq + 1 :]], whole.signer)
    if older is None:
        return written(again, bodies=True, cosigners=())
    genuine = written(whole, bodies=True, size=4)
    start = genuine[: genuine.index(b"entries\n")]
    rest = written(again, bodies=True, cosigners=())
    return closed(start + opened(rest)[rest.index(b"entries\n") :], whole.signer)


def test_a_node_that_rewrites_what_central_countersigned_is_found_out() -> None:
    whole = build.journal(6)
    changed = build.entry_at(whole.id, 2, body={"fee_paisa": 1})
    found = refused(forged(whole, changed, older=whole.cosigned(CENTRAL, size=4)))
    assert "countersigned" in found.sentence
    alone = verify_export([forged(whole, changed, older=None)], [CENTRAL.verifier])
    assert alone.consistent
    assert not alone.known


def test_a_countersigned_checkpoint_beyond_the_end_is_a_rollback() -> None:
    longer = build.journal(8)
    genuine = written(longer, bodies=True)
    shorter = build.journal_of(longer.entries[:5], longer.signer)
    rest = written(shorter, bodies=True, cosigners=())
    body = genuine[: genuine.index(b"entries\n")] + opened(rest)[rest.index(b"entries\n") :]
    found = refused(closed(body, longer.signer))
    assert "rolled back" in found.sentence


def test_a_body_left_out_without_an_erasing_entry_is_refused_even_from_the_holder() -> None:
    lines = lines_of(ALL)
    at = entry_line(ALL, 4)
    lines[at] = lines[at].partition(b" ")[0] + b"\n"
    assert refused(closed(b"".join(lines), WHOLE.signer)).bad_seq == 4
    lines = lines_of(ALL)
    at = entry_line(ALL, 6)
    lines[at] = lines[at].partition(b" ")[0] + b"\n"
    assert refused(closed(b"".join(lines), WHOLE.signer)).bad_seq == 6


def test_a_body_where_none_should_be_is_refused_even_from_the_holder() -> None:
    body = opened(ALL).replace(b"bodies all", b"bodies none")
    assert refused(closed(body, WHOLE.signer)).bad_seq == 0


def test_entries_beyond_or_short_of_the_checkpoint_are_refused_even_from_the_holder() -> None:
    for size, bad in ((5, 5), (8, 7)):
        root = tree.leaf_hash(b"") if size > 7 else tree.root_at(size, WHOLE.read)
        head = checkpoint.sign_checkpoint(Checkpoint(WHOLE.signer.name, size, root), WHOLE.signer)
        start = opened(written(WHOLE, cosigners=()))
        start = start[: start.index(b"checkpoint\n")]
        found = refused(closed(start + b"checkpoint\n" + head, WHOLE.signer))
        assert found.bad_seq == bad
        with pytest.raises(IntegrityError):
            written(WHOLE, head=head)


def test_a_root_that_is_not_that_of_the_entries_is_refused_even_from_the_holder() -> None:
    head = checkpoint.sign_checkpoint(Checkpoint(WHOLE.signer.name, 7, build.number("root")), WHOLE.signer)
    start = opened(NONE)
    refused(closed(start[: start.index(b"checkpoint\n")] + b"checkpoint\n" + head, WHOLE.signer))


def test_a_closing_is_no_checkpoint() -> None:
    closing = SMALL[SMALL.index(export.CLOSED) :]
    with pytest.raises(IntegrityError):
        checkpoint.open_checkpoint(closing, WHOLE.key)


# Writing


def test_what_does_not_belong_together_is_not_closed() -> None:
    pieces: list[bytes] = []
    other = build.journal(7, "other")
    missing = [*WHOLE.entries[:4], Entry(WHOLE.entries[4].header, WHOLE.entries[4].header_bytes, None, None)]
    for entries, head in (
        (WHOLE.entries[:-1], WHOLE.head()),
        (WHOLE.entries, WHOLE.head(6)),
        (WHOLE.entries[1:], WHOLE.head()),
        (other.entries, WHOLE.head()),
        (WHOLE.entries, other.head()),
        ([*missing, *WHOLE.entries[5:]], WHOLE.head()),
    ):
        with pytest.raises(IntegrityError):
            write_export(pieces.append, entries, head=head, signer=WHOLE.signer, bodies=True)
    refused(b"".join(pieces))


def test_only_the_cosignatures_that_are_asked_for_are_written() -> None:
    note = WHOLE.cosigned(CENTRAL, SECOND)
    pieces: list[bytes] = []
    write_export(
        pieces.append, WHOLE.entries, head=note, signer=WHOLE.signer, cosigned=note, cosigners=[SECOND.verifier]
    )
    data = b"".join(pieces)
    assert CENTRAL.name.encode() not in data
    assert data.count(SECOND.name.encode()) == 2
    assert verify_export([data], [SECOND.verifier]).known


def test_a_false_cosignature_is_not_written() -> None:
    note = WHOLE.head() + CENTRAL.line(bytes(72))
    with pytest.raises(IntegrityError):
        write_export(
            lambda _: None, WHOLE.entries, head=WHOLE.head(), signer=WHOLE.signer, cosigned=note,
            cosigners=[CENTRAL.verifier],
        )  # fmt: skip


def test_progress_is_told_in_writing_and_reading() -> None:
    whole = build.journal(2 * PROGRESS_EVERY + 3)
    told: list[int] = []
    pieces: list[bytes] = []
    write_export(pieces.append, whole.entries, head=whole.head(), signer=whole.signer, progress=told.append)
    assert verify_export(pieces, progress=told.append).consistent
    assert told == [PROGRESS_EVERY, 2 * PROGRESS_EVERY] * 2


def test_reading_a_long_journal_takes_little_memory() -> None:
    def peak(size: int) -> int:
        whole = build.journal(size)
        pieces: list[bytes] = []
        write_export(pieces.append, whole.entries, head=whole.head(), signer=whole.signer, bodies=True)
        tracemalloc.start()
        assert verify_export(pieces).consistent
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(3000) < 2 * peak(300)


def test_a_line_without_end_is_refused_without_being_read_to_its_end() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield export.FORMAT + b"\n"
        while True:
            taken += 1
            yield b"x" * 1000

    assert not verify_export(endless()).consistent
    assert taken < 2 * export.MAX_LINE // 1000


def test_the_longest_entry_fits_a_line() -> None:
    body = {"text": "x" * (65536 - 11)}
    whole = build.journal(1, make=lambda journal, seq: build.entry_at(journal, seq, body=body))
    assert whole.entries[0].body is not None
    assert len(whole.entries[0].body) == 65536
    assert verify_export([written(whole, bodies=True)]).consistent


# Who stands behind it


def test_without_a_trust_file_the_signer_is_unknown() -> None:
    for trust in (None, [], [build.journal_signer("other").verifier], [SECOND.verifier]):
        found = verify_export([ALL], trust)
        assert found.consistent
        assert not found.known
        assert found.sentence == "Consistent, signer unknown."


def test_the_signer_is_known_by_the_journal_key_or_by_the_cosigner() -> None:
    by_key = verify_export([ALL], [WHOLE.key])
    assert by_key.known
    assert by_key.standing is not None
    assert by_key.standing.pinned
    assert not by_key.standing.cosigned[0].pinned
    by_central = verify_export([ALL], [CENTRAL.verifier])
    assert by_central.known
    assert by_central.standing is not None
    assert not by_central.standing.pinned
    (cosigned,) = by_central.standing.cosigned
    assert (cosigned.pinned, cosigned.at_s, cosigned.size) == (True, build.AT_S, 7)
    assert "is not in a trust file" in by_central.standing.sentence


def test_a_cosigner_that_is_trusted_but_did_not_sign_makes_nobody_known() -> None:
    assert not verify_export([written(WHOLE, cosigners=())], [CENTRAL.verifier]).known


def test_broken_integrity_outranks_a_known_signer() -> None:
    trust = [WHOLE.key, CENTRAL.verifier]
    assert verify_export([ALL], trust).known
    refused(ALL[:-1], trust)
    refused(ALL.replace(b"person.added", b"person.addex", 1), trust)


def test_orders_are_known_by_their_own_key_only() -> None:
    orders = ids.orders_of(WHOLE.id)
    signer = Signer(ids.origin(orders), build.number("orders key"))
    whole = build.journal_of([build.entry_at(orders, seq) for seq in range(5)], signer)
    data = written(whole, bodies=True, size=3)
    assert verify_export([data]).journal == orders
    assert verify_export([data], [signer.verifier]).known
    assert not verify_export([data], [CENTRAL.verifier]).known
    impostor = Signer(signer.name, build.number("impostor"), NOTE_SIGNATURE)
    assert not verify_export([written(build.journal_of(whole.entries, impostor))], [signer.verifier]).known


def test_a_header_in_an_export_is_json_for_any_tool() -> None:
    rows = [json.loads(line) for line in NONE.splitlines() if line.startswith(b"{")]
    assert [row["seq"] for row in rows] == list(range(7))
