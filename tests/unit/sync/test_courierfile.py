"""Courier files as bytes: what is written is read, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.ids import BlobDigest, JournalId
from sync import courierfile, frames
from sync.courierfile import (
    HEADER_BYTES,
    MAX_FILE,
    BadCourierFile,
    Close,
    ExportReader,
    Header,
    Kind,
    Lacking,
    Lists,
    Opening,
    Orders,
    ReceiptReader,
    Record,
    Statement,
)
from sync.frames import BlobPiece, End, Frame, Hello

JOURNAL = JournalId("a" * 26)
SEED = b"s" * 32
SIGNER = courierfile.export_signer(JOURNAL, SEED)
HEADER = Header(Kind.EXPORT, JOURNAL, 7, "k3j5x7qa", 1, 3, 1, 100, 250, 4096, "0" * 64)
BLOCK = courierfile.write_header(HEADER, SIGNER)

headers = st.builds(
    Header,
    st.sampled_from(Kind),
    st.from_regex(r"[a-z2-7]{26}", fullmatch=True).map(JournalId),
    st.integers(0, 10**9),
    st.from_regex(courierfile.SERIES, fullmatch=True),
    st.integers(1, 9),
    st.integers(9, courierfile.MAX_PARTS),
    st.integers(0, 9),
    st.integers(0, 10**6),
    st.integers(10**6, 10**9),
    st.integers(1, MAX_FILE - HEADER_BYTES),
    st.binary(min_size=32, max_size=32).map(bytes.hex),
)
small = st.binary(max_size=200)
sizes = st.integers(0, 10**9)
digests = st.binary(min_size=32, max_size=32).map(lambda raw: BlobDigest(raw.hex()))
statements = st.builds(Statement, sizes, st.none() | small, sizes, sizes)
inner = st.one_of(
    st.lists(digests, min_size=1, max_size=5).map(Lacking.of),
    st.builds(Orders, small),
    st.builds(Lists, st.binary(min_size=1, max_size=200)),
)


def chunks(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(headers)
def test_a_header_is_read_as_it_was_written(header: Header) -> None:
    block = courierfile.write_header(header, SIGNER)
    assert len(block) == HEADER_BYTES
    signed = courierfile.read_header(block)
    courierfile.verify_header(signed, SIGNER.verifier)
    assert signed.header == header


@given(st.integers(0, HEADER_BYTES - 1), st.integers(1, 255))
def test_a_header_that_was_changed_anywhere_is_refused(at: int, by: int) -> None:
    changed = bytearray(BLOCK)
    changed[at] ^= by
    with pytest.raises(BadCourierFile):
        courierfile.verify_header(courierfile.read_header(bytes(changed)), SIGNER.verifier)


@given(st.binary(max_size=HEADER_BYTES + 10))
def test_what_is_no_header_is_refused(block: bytes) -> None:
    for each in (block, courierfile.MAGIC + block, BLOCK[: len(block)] if len(block) < HEADER_BYTES else BLOCK + b"\0"):
        with pytest.raises(BadCourierFile):
            courierfile.read_header(each)


def test_another_key_or_another_name_does_not_vouch_for_a_header() -> None:
    signed = courierfile.read_header(BLOCK)
    for key in (courierfile.export_signer(JOURNAL, b"t" * 32), courierfile.export_signer(JournalId("b" * 26), SEED)):
        with pytest.raises(BadCourierFile):
            courierfile.verify_header(signed, key.verifier)


@pytest.mark.parametrize(
    "change",
    [
        {"part": 4},
        {"part": 0},
        {"parts": 1000},
        {"covered_by": 4},
        {"first": 251},
        {"sealed_bytes": 0},
        {"sealed_bytes": MAX_FILE},
        {"number": -1},
        {"series": "k3j5x7q1"},
        {"journal": JournalId("a" * 26 + ".orders")},
    ],
    ids=lambda change: "-".join(map(str, change)),
)
def test_numbers_that_do_not_fit_each_other_are_never_written(change: dict[str, object]) -> None:
    with pytest.raises(BugError):
        courierfile.write_header(replace(HEADER, **change), SIGNER)  # type: ignore[arg-type]


@given(statements, st.lists(inner, max_size=5), st.integers(1, 300))
def test_a_receipt_is_read_as_it_was_written_in_chunks_of_any_size(
    statement: Statement, records: list[Lacking | Orders | Lists], size: int
) -> None:
    told = [statement, *records]
    data = b"".join(map(courierfile.write_record, [*told, Close()]))
    reader = ReceiptReader()
    assert [record for chunk in chunks(data, size) for record in reader.feed(chunk)] == told
    reader.finish()


@pytest.mark.parametrize(
    "records",
    [
        [],
        [Close()],
        [Lists(b"x"), Close()],
        [Statement(1, None, 0, 1)],
        [Statement(1, None, 0, 1), Statement(1, None, 0, 1), Close()],
        [Statement(1, None, 0, 1), Opening(b"", None, 0), Close()],
        [Opening(b"", None, 0), Close()],
        [Statement(1, None, 0, 1), Close(), Close()],
    ],
    ids=range(8),
)
def test_a_receipt_out_of_order_is_refused(records: list[Record]) -> None:
    reader = ReceiptReader()
    with pytest.raises(BadCourierFile):
        read_all(reader, b"".join(map(courierfile.write_record, records)))


def read_all(reader: ReceiptReader | ExportReader, data: bytes) -> list[object]:
    found: list[object] = list(reader.feed(data))
    reader.finish()
    return found


@given(statements, st.lists(inner, max_size=3), st.data())
def test_a_receipt_that_was_cut_is_refused(
    statement: Statement, records: list[Lacking | Orders | Lists], data: st.DataObject
) -> None:
    written = b"".join(map(courierfile.write_record, [statement, *records, Close()]))
    cut = data.draw(st.integers(0, len(written) - 1))
    with pytest.raises(BadCourierFile):
        read_all(ReceiptReader(), written[:cut])


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_are_records_in_their_one_form(data: bytes) -> None:
    for reader in (ReceiptReader(), ExportReader()):
        with pytest.raises(IntegrityError):
            read_all(reader, data)


@pytest.mark.parametrize(
    "record",
    [Lacking(b""), Lacking(b"x" * 33), Lacking(b"x" * 32 * 4097), Lists(b""), Lists(b"x" * (256 * 1024 + 1))],
    ids=range(5),
)
def test_a_record_beyond_its_bounds_is_never_written(record: Record) -> None:
    with pytest.raises(BugError):
        courierfile.write_record(record)


def test_a_record_that_says_it_is_huge_is_refused_before_its_bytes_come() -> None:
    with pytest.raises(BadCourierFile):
        list(ReceiptReader().feed((courierfile.MAX_RECORD + 1).to_bytes(4, "big")))


@given(st.integers(1, 200), st.binary(min_size=1, max_size=100))
def test_an_export_is_its_opening_and_then_the_frames_of_a_stream(size: int, scan: bytes) -> None:
    opening = Opening(b"a checkpoint", None, 3)
    parts: list[Frame] = [Hello(JOURNAL, 5), BlobPiece("0" * 64, len(scan), 0, scan), End()]
    data = courierfile.write_record(opening) + frames.PREFIX + b"".join(map(frames.encode, parts))
    reader = ExportReader()
    assert [part for chunk in chunks(data, size) for part in reader.feed(chunk)] == [opening, *parts]
    reader.finish()
    for broken in (data[:-1], data + b"x", frames.PREFIX + data, courierfile.write_record(Close()) + data):
        with pytest.raises(IntegrityError):
            read_all(ExportReader(), broken)
