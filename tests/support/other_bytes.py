"""The bytes of docs/sync.md, written from that page alone: no module of ours, for the peers beside this one.

MessagePack, frames, packed entries, entries, the edge of a tree, signed notes, age recipients.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PREFIX = b"sanad frames 2\n"
DICTIONARY = (Path(__file__).parents[2] / "sync" / "entries.dictionary").read_bytes()
ZSTD = zstandard.ZstdCompressionDict(DICTIONARY, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
MAX_FRAME, MAX_RAW, MAX_PIECE, MAX_BATCH, MAX_BATCH_BYTES = 278_528, 524_288, 32_768, 512, 262_144
FIELDS = {"hello": 2, "entries": 1, "checkpoint": 1, "piece": 4, "pulse": 0, "end": 0}
NOTE, COSIGNATURE = 1, 4

Item = tuple[bytes, bytes | None, bytes | None]


class Refused(Exception):
    """What a peer says no to, by its code."""

    def __init__(self, code: str, sentence: str = "") -> None:
        super().__init__(code)
        self.code, self.sentence = code, sentence or code


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unb64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def identifier(sixteen: bytes) -> str:
    return base64.b32encode(sixteen).decode().rstrip("=").lower()


def journal_name(public: bytes) -> str:
    return identifier(hashlib.sha256(b"sanad journal v1" + public).digest()[:16])


# MessagePack, in its shortest form


def pack(value: Any) -> bytes:
    """Write nil, non-negative integers, text, bytes, arrays and maps."""
    if value is None:
        return b"\xc0"
    if isinstance(value, int):
        for limit, head, width in ((128, b"", 1), (1 << 8, b"\xcc", 1), (1 << 16, b"\xcd", 2), (1 << 32, b"\xce", 4)):
            if value < limit:
                return head + value.to_bytes(width, "big")
        return b"\xcf" + value.to_bytes(8, "big")
    if isinstance(value, str):
        data = value.encode()
        return _headed(len(data), 0xA0, 31, b"\xd9\xda\xdb") + data
    if isinstance(value, bytes):
        return _headed(len(value), 0, -1, b"\xc4\xc5\xc6") + value
    if isinstance(value, dict):
        return _headed(len(value), 0x80, 15, b"\0\xde\xdf") + b"".join(pack(k) + pack(v) for k, v in value.items())
    return _headed(len(value), 0x90, 15, b"\0\xdc\xdd") + b"".join(map(pack, value))


def _headed(count: int, fix: int, fix_limit: int, heads: bytes) -> bytes:
    if count <= fix_limit:
        return bytes([fix + count])
    width = next(place for place, head in enumerate(heads) if head and count < 1 << (8 << place))
    return heads[width : width + 1] + count.to_bytes(1 << width, "big")


def unpack(data: bytes) -> Any:
    """Read what `pack` writes, and refuse anything else."""
    try:
        value, end = _unpack(data, 0)
    except (IndexError, UnicodeDecodeError, RecursionError, ValueError):
        raise Refused("frame") from None
    if end != len(data) or pack(value) != data:
        raise Refused("frame", "A frame is not in its shortest form.")
    return value


def _unpack(data: bytes, at: int) -> tuple[Any, int]:
    head, at = data[at], at + 1
    if head < 0x80:
        return head, at
    if 0x80 <= head < 0x90:
        flat, at = _array(data, at, 2 * (head - 0x80))
        return dict(zip(flat[::2], flat[1::2], strict=True)), at
    if 0x90 <= head < 0xA0:
        return _array(data, at, head - 0x90)
    if 0xA0 <= head < 0xC0:
        return _bytes(data, at, head - 0xA0, text=True)
    if head == 0xC0:
        return None, at
    kinds = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD9: 1, 0xDA: 2, 0xDB: 4, 0xDC: 2, 0xDD: 4}
    if head not in kinds:
        raise ValueError
    number, at = int.from_bytes(data[at : at + kinds[head]], "big"), at + kinds[head]
    if head <= 0xC6:
        return _bytes(data, at, number, text=False)
    if head <= 0xCF:
        return number, at
    return _bytes(data, at, number, text=True) if head <= 0xDB else _array(data, at, number)


def _bytes(data: bytes, at: int, count: int, *, text: bool) -> tuple[Any, int]:
    if at + count > len(data):
        raise ValueError
    found = data[at : at + count]
    return (found.decode() if text else found), at + count


def _array(data: bytes, at: int, count: int) -> tuple[Any, int]:
    found = []
    for _ in range(count):
        value, at = _unpack(data, at)
        found.append(value)
    return found, at


# Frames


def write_frame(*fields: Any) -> bytes:
    payload = pack(list(fields))
    return struct.pack(">I", len(payload)) + payload


def read_frames(chunks: Iterator[bytes]) -> Iterator[list[Any]]:
    """The frames of a stream, up to `end`."""
    held, headed, ended = b"", False, False
    for chunk in chunks:
        held += chunk
        if not headed:
            if not PREFIX.startswith(held[: len(PREFIX)]):
                raise Refused("frame", "Another version.")
            headed = len(held) >= len(PREFIX)
            held = held[len(PREFIX) :] if headed else held
        while headed and len(held) >= 4:
            if ended:
                raise Refused("frame", "Something follows the end.")
            (length,) = struct.unpack(">I", held[:4])
            if not 0 < length <= MAX_FRAME:
                raise Refused("frame", "A frame is too long.")
            if len(held) < 4 + length:
                break
            frame, held = _checked(unpack(held[4 : 4 + length])), held[4 + length :]
            ended = frame[0] == "end"
            yield frame
    if not ended or held:
        raise Refused("frame", "The stream was cut.")


def _checked(frame: Any) -> list[Any]:
    if not isinstance(frame, list) or not frame or FIELDS.get(frame[0]) != len(frame) - 1:
        raise Refused("frame", "A frame of no known form.")
    if frame[0] == "piece":
        _, digest, size, offset, data = frame
        if not re.fullmatch("[0-9a-f]{64}", digest) or not 0 < len(data) <= MAX_PIECE or offset + len(data) > size:
            raise Refused("frame", "A piece is out of bounds.")
    if frame[0] == "entries":
        return ["entries", unpack_entries(frame[1])]
    return list(frame)


def pack_entries(items: Sequence[Item]) -> bytes:
    """A batch as columns, without what the reader reckons, under zstd."""
    headers = []
    for header, salt, body in items:
        digits = b"" if salt is None or body is None else hashlib.sha256(salt + body).hexdigest().encode()
        headers.append(header.replace(digits, b"\0", 1) if digits else header)
    columns = [headers, [salt for _, salt, _ in items], [body for *_, body in items]]
    compressed = zstandard.ZstdCompressor(level=3, dict_data=ZSTD, write_dict_id=False).compress(pack(columns))
    return bytes(compressed)


def unpack_entries(packed: bytes) -> list[Item]:
    """Read a batch."""
    try:
        if not 0 < zstandard.get_frame_parameters(packed).content_size <= MAX_RAW:
            raise Refused("frame", "A batch is too large.")
        raw = zstandard.ZstdDecompressor(dict_data=ZSTD).decompress(
            packed, max_output_size=MAX_RAW, allow_extra_data=False
        )
    except zstandard.ZstdError:
        raise Refused("frame", "A batch is not packed.") from None
    columns = unpack(raw)
    items: list[Item] = []
    for header, salt, body in zip(*columns, strict=True):
        if salt is not None and body is not None:
            header = header.replace(b"\0", hashlib.sha256(salt + body).hexdigest().encode(), 1)
        if (salt is None) != (body is None) or b"\0" in header:
            raise Refused("frame", "An entry with half of its body, or a hole.")
        items.append((header, salt, body))
    if not 0 < len(items) <= MAX_BATCH:
        raise Refused("frame", "A batch of too many entries.")
    return items


# Entries, tree, notes


def entry_header(item: Item) -> dict[str, Any]:
    """Read an entry's header, and hold the body against it."""
    header, salt, body = item
    try:
        read: dict[str, Any] = json.loads(header)
    except ValueError:
        raise Refused("entry") from None
    fields = ["v", "journal", "seq", "at", "by", "kind", "about", "body", "blobs"]
    if list(read) != fields or json.dumps(read, separators=(",", ":"), ensure_ascii=False).encode() != header:
        raise Refused("entry", "A header in another form.")
    if salt is not None and body is not None and hashlib.sha256(salt + body).hexdigest() != read["body"]:
        raise Refused("entry", "Another body.")
    return read


def make_header(
    journal: str, seq: int, by: str, kind: str, salt: bytes, body: bytes, about: str = "-", blobs: Sequence[str] = ()
) -> bytes:
    """An entry's header."""
    digest = hashlib.sha256(salt + body).hexdigest()
    fields = {"v": 1, "journal": journal, "seq": seq, "at": "2026-11-22T09:00:00.000Z", "by": by, "kind": kind}
    fields |= {"about": about, "body": digest, "blobs": list(blobs)}
    return json.dumps(fields, separators=(",", ":")).encode()


class Edge:
    """All that appending to a tree needs."""

    def __init__(self, size: int = 0, peaks: tuple[bytes, ...] = ()) -> None:
        self.size, self.peaks = size, peaks

    def append(self, header: bytes) -> Edge:
        node, peaks, ones = hashlib.sha256(b"\0" + header).digest(), self.peaks, self.size
        while ones & 1:
            node, peaks, ones = hashlib.sha256(b"\1" + peaks[-1] + node).digest(), peaks[:-1], ones >> 1
        return Edge(self.size + 1, (*peaks, node))

    @property
    def root(self) -> bytes:
        if not self.peaks:
            return hashlib.sha256().digest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = hashlib.sha256(b"\1" + peak + root).digest()
        return root


def public_of(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def key_id(name: str, kind: int, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def vkey(name: str, kind: int, public: bytes) -> str:
    return f"{name}+{key_id(name, kind, public).hex()}+{b64(bytes([kind]) + public)}"


def make_note(origin: str, edge: Edge, key: Ed25519PrivateKey) -> bytes:
    """A signed checkpoint."""
    text = f"{origin}\n{edge.size}\n{b64(edge.root)}\n"
    signed = key_id(origin, NOTE, public_of(key)) + key.sign(text.encode())
    return f"{text}\n— {origin} {b64(signed)}\n".encode()


def cosigned(note: bytes, name: str, key: Ed25519PrivateKey, at_s: int) -> bytes:
    """The same note with a cosignature more."""
    text = note.partition(b"\n\n")[0] + b"\n"
    signature = key.sign(f"cosignature/v1\ntime {at_s}\n".encode() + text)
    value = key_id(name, COSIGNATURE, public_of(key)) + at_s.to_bytes(8, "big") + signature
    return note + f"— {name} {b64(value)}\n".encode()


def open_note(note: bytes, origin: str, public: bytes) -> tuple[int, bytes]:
    """Size and root of a checkpoint that this key signed."""
    text, _, lines = note.decode().partition("\n\n")
    try:
        named, size, root = text.split("\n")
        value = _signature(lines, origin, NOTE, public)
        Ed25519PublicKey.from_public_bytes(public).verify(value, f"{text}\n".encode())
    except (ValueError, InvalidSignature):
        raise Refused("checkpoint") from None
    if named != origin or not re.fullmatch("0|[1-9][0-9]*", size):
        raise Refused("checkpoint")
    return int(size), unb64(root)


def open_cosignature(note: bytes, name: str, public: bytes) -> int:
    """When this key countersigned, in seconds since 1970."""
    text, _, lines = note.decode().partition("\n\n")
    try:
        value = _signature(lines, name, COSIGNATURE, public)
        at_s = int.from_bytes(value[:8], "big")
        message = f"cosignature/v1\ntime {at_s}\n{text}\n".encode()
        Ed25519PublicKey.from_public_bytes(public).verify(value[8:], message)
    except (ValueError, InvalidSignature):
        raise Refused("checkpoint") from None
    return at_s


def _signature(lines: str, name: str, kind: int, public: bytes) -> bytes:
    for line in lines.splitlines():
        dash, by, value = line.split(" ")
        if (dash, by) == ("—", name) and unb64(value)[:4] == key_id(name, kind, public):
            return unb64(value)[4:]
    raise ValueError


def recipient(public: bytes) -> str:
    """An age recipient (Bech32, BIP 173) of an X25519 key."""
    letters, prefix = "qpzry9x8gf2tvdw0s3jn54khce6mua7l", "age"
    bits = "".join(f"{byte:08b}" for byte in public) + "0000"
    words = [int(bits[at : at + 5], 2) for at in range(0, len(bits) - 4, 5)]
    check, values = 1, [ord(each) >> 5 for each in prefix] + [0] + [ord(each) & 31 for each in prefix] + words
    for value in [*values, *[0] * 6]:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> place & 1 else 0
    words += [(check ^ 1) >> 5 * (5 - place) & 31 for place in range(6)]
    return prefix + "1" + "".join(letters[word] for word in words)
