"""A second node, written from docs/sync.md alone: no module of ours, everything in memory.

It enrols by an invite, writes entries and files, sends them in bounded streams, hears news, takes orders and hands lost
ones back. A test may cut its streams (`cut_after`).
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.support import other_bytes as o
from tests.support.other_bytes import Edge, Item, Refused, b64, unb64

HEADERS = ("sanad-journal", "sanad-offered-size", "sanad-session", "sanad-offset")
COVERED = ("@method", "@authority", "@target-uri", *HEADERS)
BATCH = 100
STREAM_FILE_BYTES = 8 * 1024 * 1024


def read_invite(line: str) -> dict[str, Any]:
    """What an invite holds."""
    encoded = line.removeprefix("sanad-invite-1-")
    raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    payload, check = raw[:-4], raw[-4:]
    if hashlib.sha256(payload).digest()[:4] != check:
        raise ValueError
    fields: dict[str, Any] = o.unpack(payload)
    return fields


@dataclass
class OtherNode:
    """A node with the invite that it was given."""

    invite: dict[str, Any]
    journal_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    node_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    items: list[Item] = field(default_factory=list)
    heads: list[dict[str, Any]] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=lambda: [Edge()])
    files: dict[str, bytes] = field(default_factory=dict)
    orders: list[Item] = field(default_factory=list)
    orders_note: bytes = b""
    orders_root: bytes = b""
    cosigned: bytes | None = None
    cosigned_size: int = 0
    given: dict[str, Any] = field(default_factory=dict)
    session: str = "-"
    challenge: str = ""
    cut_after: int | None = None
    """After how many bytes of a stream's body its connection is cut."""
    before_cut: Callable[[], object] = lambda: None
    """Called then; what central has not read when a connection is cut is gone."""
    bytes_sent: int = 0

    def __post_init__(self) -> None:
        self.journal = o.journal_name(o.public_of(self.journal_key))
        self.origin = f"sanad/journal/{self.journal}"
        authority = x509.load_der_x509_certificate(self.invite["authority"])
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.tls.minimum_version = ssl.TLSVersion.TLSv1_3
        self.tls.load_verify_locations(cadata=authority.public_bytes(Encoding.PEM).decode())

    # The journal

    @property
    def size(self) -> int:
        return len(self.items)

    def write(self, kind: str, body: dict[str, Any], about: str = "-", blobs: tuple[str, ...] = ()) -> None:
        """Write an entry."""
        data, salt = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(), os.urandom(16)
        header = o.make_header(self.journal, self.size, "node", kind, salt, data, about, blobs)
        self.items.append((header, salt, data))
        self.heads.append(json.loads(header))
        self.edges.append(self.edges[-1].append(header))

    def keep(self, content: bytes) -> str:
        """Keep a file; central does not look inside."""
        digest = hashlib.sha256(content).hexdigest()
        self.files[digest] = content
        return digest

    def erase(self, about: str) -> None:
        """Erase a subject."""
        for place, head in enumerate(self.heads):
            if head["about"] == about:
                self.items[place] = (self.items[place][0], None, None)
        self.write("subject.erased", {"reason": "asked for"}, about)

    def note(self, size: int | None = None) -> bytes:
        return o.make_note(self.origin, self.edges[-1 if size is None else size], self.journal_key)

    # Requests

    def call(self, method: str, path: str, body: bytes | Iterator[bytes] | None = None, offset: int = 0) -> bytes:
        """Ask something, signed."""
        if not self.challenge:
            answer, _ = self._ask("GET", "/v1/challenge", {"sanad-journal": self.journal})
            self.challenge = json.loads(answer)["challenge"]
        headers = self.signed(method, path, offset)
        self.challenge = ""
        answer, following = self._ask(method, path, headers, body)
        self.challenge = following
        return answer

    def signed(self, method: str, path: str, offset: int) -> dict[str, str]:
        """The headers of a signed request."""
        url, now = self.invite["url"], int(time.time())
        headers = {"sanad-journal": self.journal, "sanad-offered-size": str(self.size)}
        headers |= {"sanad-session": self.session, "sanad-offset": str(offset)}
        name = hashlib.sha256(o.public_of(self.node_key)).hexdigest()
        given = '({});created={};expires={};nonce={};keyid={};alg="ed25519";tag="sanad"'.format(
            " ".join(map(json.dumps, COVERED)), now, now + 300, json.dumps(self.challenge), json.dumps(name)
        )
        lines = [f'"@method": {method}', f'"@authority": {urlsplit(url).netloc}', f'"@target-uri": {url}{path}']
        lines += [f'"{each}": {value}' for each, value in headers.items()]
        base = "\n".join([*lines, f'"@signature-params": {given}'])
        signature = b64(self.node_key.sign(base.encode()))
        return {**headers, "signature-input": f"sanad={given}", "signature": f"sanad=:{signature}:"}

    def _ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes | Iterator[bytes] | None = None
    ) -> tuple[bytes, str]:
        place = urlsplit(self.invite["url"])
        connection = http.client.HTTPSConnection(place.hostname or "", place.port, context=self.tls, timeout=60)
        try:
            connection.request(method, path, body, headers, encode_chunked=isinstance(body, Iterator))
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            words = json.loads(content)
            raise Refused(words["error"], words["sentence"])
        return content, answer.headers.get("sanad-challenge") or ""

    # Enrolment

    def enrol(self) -> None:
        """Enrol, and take up the first orders."""
        centre, name = self.invite["centre"], self.invite["centre_name"]
        recipient, public = o.recipient(os.urandom(32)), o.public_of(self.node_key)
        if not self.items:
            opened = {"centre": centre, "centre_name": name, "node_key": public.hex(), "age_recipient": recipient}
            self.write("journal.opened", {**opened, "software": "other 1", "replaces": None})
            self.given["recipient"] = recipient
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.journal)])
        centre_subject = [(NameOID.ORGANIZATION_NAME, name), (NameOID.ORGANIZATION_IDENTIFIER, centre)]
        parts = [x509.NameAttribute(kind, value) for kind, value in [*centre_subject, (NameOID.COMMON_NAME, name)]]
        request = x509.CertificateSigningRequestBuilder()
        csr = request.subject_name(subject).sign(self.node_key, None)
        centre_csr = request.subject_name(x509.Name(parts)).sign(ec.generate_private_key(ec.SECP256R1()), SHA256())
        asked = {
            "invite": self.invite["id"],
            "secret": b64(self.invite["secret"]),
            "csr": b64(csr.public_bytes(Encoding.DER)),
            "journal_key": b64(o.public_of(self.journal_key)),
            "centre_csr": b64(centre_csr.public_bytes(Encoding.DER)),
            "recipient": self.given["recipient"],
            "entry": [b64(part or b"") for part in self.items[0]],
            "checkpoint": b64(self.note(1)),
        }
        self.given |= json.loads(self._ask("POST", "/v1/enrol", {}, json.dumps(asked).encode())[0])
        self._take_cosigned(unb64(self.given["cosigned"]))
        orders: list[Item] = [(unb64(header), unb64(salt), unb64(body)) for header, salt, body in self.given["orders"]]
        self._take_orders(orders, unb64(self.given["orders_checkpoint"]))

    # A session

    def open(self) -> dict[str, Any]:
        """Open a session."""
        self.session = "-"
        shown = None if self.cosigned is None else b64(self.cosigned)
        asked: dict[str, Any] = {"versions": [2], "checkpoint": b64(self.note()), "cosigned": shown, "report": None}
        asked |= {"orders": len(self.orders), "orders_root": b64(self.orders_root)}
        state = self._state(self.call("POST", "/v1/session", json.dumps(asked).encode()))
        self.session = state["session"]
        return state

    def sync(self) -> dict[str, Any]:
        """In rounds, until all is countersigned and every file is there."""
        state = self.open()
        for _ in range(50):
            self.take(state)
            if self.size == self.cosigned_size == state["stored"] and not state["wanted"]:
                return state
            state = self.send(state)
        raise TimeoutError

    def take(self, state: dict[str, Any]) -> None:
        """Take up a cosignature and orders."""
        if state["cosigned"] is not None:
            self._take_cosigned(unb64(state["cosigned"]))
        orders = self._hand_back() if state["orders"] < len(self.orders) else state["orders"]
        while orders > len(self.orders):
            frames = list(o.read_frames(iter([self.call("GET", f"/v1/orders?from={len(self.orders)}")])))
            items = [item for tag, *fields in frames if tag == "entries" for item in fields[0]]
            (note,) = (fields[0] for tag, *fields in frames if tag == "checkpoint")
            self._take_orders(items, note)

    def send(self, state: dict[str, Any]) -> dict[str, Any]:
        """One bounded stream."""
        return self._state(self.call("POST", "/v1/stream", self._cut(self.stream(state)), state["staged"]))

    def news(self, **known: int) -> dict[str, Any]:
        """Wait for news."""
        return self._state(self.call("GET", f"/v1/news?{urlencode(known)}"))

    def stream(self, state: dict[str, Any]) -> Iterator[bytes]:
        """The bytes of a stream."""
        yield o.PREFIX + o.write_frame("hello", self.journal, self.size)
        wanted = dict(state["wanted"])
        for start in range(state["staged"], self.size, BATCH):
            yield o.write_frame("entries", o.pack_entries(self.items[start : start + BATCH]))
            for head in self.heads[start : start + BATCH]:
                wanted = {**dict.fromkeys(head["blobs"], 0), **wanted}
        if state["stored"] < self.size:
            yield o.write_frame("checkpoint", self.note())
        room = STREAM_FILE_BYTES
        for digest, offset in wanted.items():
            content = self.files.get(digest, b"")
            for at in range(min(offset, len(content) - 1), len(content), o.MAX_PIECE):
                if room > 0:
                    piece = content[at : at + o.MAX_PIECE]
                    room -= len(piece)
                    yield o.write_frame("piece", digest, len(content), at, piece)
        yield o.write_frame("pulse")
        yield o.write_frame("end")

    def _cut(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        sent = 0
        for part in parts:
            sent += len(part)
            self.bytes_sent += len(part)
            yield part
            if self.cut_after is not None and sent > self.cut_after:
                self.cut_after = None
                self.before_cut()
                raise ConnectionResetError

    def _state(self, answer: bytes) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(answer)
        if state["version"] != 2:
            raise Refused("frame", "No common version.")
        self.challenge = state["challenge"]
        return state

    # What central says, and its proof

    def _take_cosigned(self, note: bytes) -> None:
        size, root = o.open_note(note, self.origin, o.public_of(self.journal_key))
        key = unb64(self.given["cosigner"].split("+", 2)[-1])
        o.open_cosignature(note, f"sanad/central/{self.given['central']}", key[1:])
        if self.edges[size].root != root:
            raise Refused("fork")
        self.cosigned, self.cosigned_size = note, size

    def _take_orders(self, items: list[Item], note: bytes) -> None:
        key = unb64(self.given["orders_key"].split("+", 2)[-1])
        held = [*self.orders, *items]
        size, root = o.open_note(note, f"sanad/orders/{self.journal}", key[1:])
        edge = Edge()
        for place, item in enumerate(held):
            head = o.entry_header(item)
            if (head["journal"], head["seq"]) != (f"{self.journal}.orders", place):
                raise Refused("out_of_step")
            edge = edge.append(item[0])
        if (size, root) != (edge.size, edge.root):
            raise Refused("fork")
        self.orders, self.orders_note, self.orders_root = held, note, root
        self.write("orders.applied", {"size": size, "root": root.hex()})

    def _hand_back(self) -> int:
        journal = f"{self.journal}.orders"
        body = o.PREFIX + o.write_frame("hello", journal, len(self.orders))
        body += o.write_frame("entries", o.pack_entries(self.orders))
        body += o.write_frame("checkpoint", self.orders_note) + o.write_frame("end")
        size: int = json.loads(self.call("POST", "/v1/orders", body))["orders"]
        return size
