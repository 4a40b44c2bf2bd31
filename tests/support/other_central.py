"""A second central, written from docs/sync.md alone: no module of ours, everything in memory.

It enrols nodes, takes their streams, countersigns, gives orders, and takes lost ones back. It offers no lists, no
timestamps and no pages, and is quick at nothing. A test may cut its connections (`cuts`) and spoil a file (`spoils`).
`tests.support.other_http` serves it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from tests.support import other_bytes as o
from tests.support.other_bytes import Edge, Item, Refused, b64, unb64

COVERED = '("@method" "@authority" "@target-uri" "sanad-journal" "sanad-offered-size" "sanad-session" "sanad-offset")'
NEWS_HOLD_S, CHALLENGE_LIFE_S, MAX_WANTED = 25.0, 300.0, 256


@dataclass
class Journal:
    """One node, and what is held of it."""

    name: str
    journal_key: bytes
    node_key: bytes
    enrolled: bytes
    """The answer, to be given again."""
    items: list[Item] = field(default_factory=list)
    edge: Edge = field(default_factory=Edge)
    stored: int = 0
    roots: list[bytes] = field(default_factory=lambda: [Edge().root])
    cosigned: bytes | None = None
    cosigned_size: int = 0
    named: dict[str, None] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, bytearray] = field(default_factory=dict)
    spoilt: set[str] = field(default_factory=set)
    session: str = ""
    orders: list[Item] = field(default_factory=list)
    agreed: bool = True
    """Whether the orders that the node holds are among these, as far as is known in this session."""
    floor: tuple[int, bytes] = (0, Edge().root)

    def state(self, challenge: str) -> dict[str, Any]:
        lacking = [digest for digest in self.named if digest not in self.blobs]
        return {
            "version": 2,
            "stored": self.stored,
            "staged": self.edge.size,
            "cosigned": None if self.cosigned is None else b64(self.cosigned),
            "wanted": [[digest, len(self.parts.get(digest, b""))] for digest in lacking[:MAX_WANTED]],
            "orders": len(self.orders) if self.agreed else 0,
            "challenge": challenge,
            "spoilt": sorted(self.spoilt),
            "session": self.session,
        }

    def drop_staged(self) -> None:
        del self.items[self.stored :], self.roots[self.stored + 1 :]
        self.edge = edge_of([header for header, *_ in self.items])


def edge_of(headers: list[bytes]) -> Edge:
    edge = Edge()
    for header in headers:
        edge = edge.append(header)
    return edge


class OtherCentral:
    """What it knows, and how it judges; `Server` brings the requests."""

    def __init__(self) -> None:
        self.url = ""
        self.name = o.identifier(os.urandom(16))
        self.cosigner, self.orders_key, self.publisher = (Ed25519PrivateKey.generate() for _ in range(3))
        self.authority_key = ec.generate_private_key(ec.SECP256R1())
        self.authority = self._certificate("Other authority", self.authority_key.public_key(), authority=True)
        self.journals: dict[str, Journal] = {}
        self.invites: dict[str, dict[str, Any]] = {}
        self.challenges: dict[str, tuple[str, float]] = {}
        self.news = threading.Condition(threading.RLock())
        self.streams: dict[str, int] = {}
        self.cuts: list[int] = []
        """After how many bytes of a stream's body its connection is cut, one stream after the other."""
        self.spoils = 0
        """How many files are spoilt on their way in."""
        self.heard: list[str] = []
        """Method and path of each request."""

    # Keys and certificates

    def _certificate(
        self, subject: x509.Name | str, key: Any, *, authority: bool = False, host: str = "", commits: bool = False
    ) -> x509.Certificate:
        if isinstance(subject, str):
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        ours = self.authority_key.public_key()
        usage = dict.fromkeys(("key_encipherment", "data_encipherment", "key_agreement"), False)
        usage |= {"encipher_only": False, "decipher_only": False, "digital_signature": not authority}
        usage |= {"key_cert_sign": authority, "crl_sign": authority, "content_commitment": commits}
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if authority else self.authority.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime.now(UTC) + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ours), critical=False)
        )
        if host:
            names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self.authority_key, SHA256())

    def tls(self, host: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate("other central", key.public_key(), host=host)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "both.pem"
            private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            file.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
            context.load_cert_chain(file)
        return context

    # Enrolment

    def invite(self, centre: str, centre_name: str) -> str:
        made = {
            "url": self.url,
            "authority": self.authority.public_bytes(Encoding.DER),
            "id": o.identifier(os.urandom(16)),
            "secret": os.urandom(32),
            "expires_s": int(time.time()) + 86_400,
            "centre": centre,
            "centre_name": centre_name,
        }
        self.invites[made["id"]] = made | {"used_by": ""}  # type: ignore[index]
        payload = o.pack(made)
        line = base64.urlsafe_b64encode(payload + hashlib.sha256(payload).digest()[:4]).decode().rstrip("=")
        return "sanad-invite-1-" + line

    def enrol(self, body: bytes) -> bytes:
        with self.news:
            return self._enrol(json.loads(body))

    def _enrol(self, asked: dict[str, Any]) -> bytes:
        invite = self.invites.get(asked["invite"])
        if invite is None or unb64(asked["secret"]) != invite["secret"]:
            raise Refused("invite_unknown")
        journal_key = unb64(asked["journal_key"])
        journal = o.journal_name(journal_key)
        if invite["used_by"]:
            if invite["used_by"] != journal:
                raise Refused("invite_used")
            return self.journals[journal].enrolled
        csr, centre_csr = (x509.load_der_x509_csr(unb64(asked[name])) for name in ("csr", "centre_csr"))
        header, salt, entry_body = (None if part is None else unb64(part) for part in asked["entry"])
        item = header or b"", salt, entry_body
        opened, edge = json.loads(entry_body or b"{}"), Edge().append(header or b"")
        node_key = csr.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        head = o.entry_header(item)
        sound = (
            (csr.is_signature_valid and centre_csr.is_signature_valid),
            [each.value for each in csr.subject] == [journal],
            (head["journal"], head["seq"], head["kind"]) == (journal, 0, "journal.opened"),
            (opened["centre"], opened["node_key"]) == (invite["centre"], node_key.hex()),
            opened["age_recipient"] == asked["recipient"],
            o.open_note(unb64(asked["checkpoint"]), f"sanad/journal/{journal}", journal_key) == (1, edge.root),
        )
        if not all(sound):
            raise Refused("bad_request")
        made = Journal(journal, journal_key, node_key, b"", [item], edge, 1, [Edge().root, edge.root])
        self.journals[journal] = made
        self._countersign(made, unb64(asked["checkpoint"]))
        self.order(journal, "orders.opened", node=journal, centre=invite["centre"], central_name="Other central")
        self.order(journal, "numbers.leased", prefix=invite["centre"], first=1, last=100)
        answer = {
            "central": self.name,
            "central_name": "Other central",
            "certificate": b64(self._certificate(journal, csr.public_key()).public_bytes(Encoding.DER)),
            "centre_certificate": b64(
                self._certificate(centre_csr.subject, centre_csr.public_key(), commits=True).public_bytes(Encoding.DER)
            ),
            "cosigner": o.vkey(f"sanad/central/{self.name}", o.COSIGNATURE, o.public_of(self.cosigner)),
            "orders_key": o.vkey(f"sanad/orders/{journal}", o.NOTE, o.public_of(self.orders_key)),
            "publisher": o.vkey(f"sanad/lists/{self.name}", o.NOTE, o.public_of(self.publisher)),
            "locker": o.recipient(os.urandom(32)),
            "recovery": o.recipient(os.urandom(32)),
            "orders": [[None if part is None else b64(part) for part in order] for order in made.orders],
            "orders_checkpoint": b64(self._orders_note(made, len(made.orders))),
            "cosigned": b64(made.cosigned or b""),
        }
        made.enrolled = json.dumps(answer).encode()
        invite["used_by"] = journal
        return made.enrolled

    # Requests

    def challenge(self, journal: str) -> str:
        made = b64(os.urandom(24))
        self.challenges[made] = journal, time.monotonic()
        return made

    def authenticate(self, method: str, target: str, headers: Any) -> tuple[Journal, int, int]:
        """Whose request it is, what it offers, and where its entries begin."""
        said = {name: headers.get_all(name, []) for name in ("sanad-journal", "signature", "signature-input")}
        if any(len(each) != 1 for each in said.values()):
            raise Refused("bad_request")
        node = self.journals.get(said["sanad-journal"][0])
        if node is None:
            raise Refused("not_enrolled")
        given = said["signature-input"][0].removeprefix("sanad=")
        covered, _, rest = given.partition(";")
        parameters = dict(part.split("=", 1) for part in rest.split(";"))
        lines = [
            f'"@method": {method}',
            f'"@authority": {urlsplit(self.url).netloc}',
            f'"@target-uri": {self.url}{target}',
        ]
        lines += [f"{name}: {headers[json.loads(name)]}" for name in covered.strip("()").split(" ")[3:]]
        base = "\n".join([*lines, f'"@signature-params": {given}'])
        expected = {"created", "expires", "nonce", "keyid", "alg", "tag"}
        named = json.dumps(hashlib.sha256(node.node_key).hexdigest())
        try:
            value = unb64(said["signature"][0].removeprefix("sanad=:").removesuffix(":"))
            Ed25519PublicKey.from_public_bytes(node.node_key).verify(value, base.encode())
        except (InvalidSignature, ValueError):
            raise Refused("signature") from None
        if covered != COVERED or parameters.keys() != expected or parameters["keyid"] != named:
            raise Refused("signature")
        for_whom, given_s = self.challenges.pop(json.loads(parameters["nonce"]), ("", 0.0))
        if for_whom != node.name or time.monotonic() - given_s > CHALLENGE_LIFE_S:
            raise Refused("challenge")
        if headers["sanad-session"] not in ("-", node.session):
            raise Refused("out_of_step", "This session is not the newest.")
        return node, int(headers["sanad-offered-size"]), int(headers["sanad-offset"])

    def session(self, node: Journal, offered: int, body: bytes) -> dict[str, Any]:
        asked = json.loads(body)
        if 2 not in asked["versions"]:
            raise Refused("frame", "No common version.")
        size, root = o.open_note(unb64(asked["checkpoint"]), f"sanad/journal/{node.name}", node.journal_key)
        if size != offered:
            raise Refused("bad_request")
        if size < node.stored:
            raise Refused("rollback")
        if size == node.stored and root != node.roots[size]:
            raise Refused("fork")
        if asked["cosigned"] is not None:
            self._judge_cosigned(node, unb64(asked["cosigned"]), (size, root))
        held, shown = node.orders[: asked["orders"]], unb64(asked.get("orders_root", ""))
        root_of_held = edge_of([header for header, *_ in held]).root
        node.agreed = len(held) == asked["orders"] and shown in (b"", root_of_held)
        if node.edge.size > size:
            node.drop_staged()
        node.session = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        node.spoilt.clear()
        self.streams[node.name] = self.streams.get(node.name, 0) + 1
        return node.state(self.challenge(node.name))

    def _judge_cosigned(self, node: Journal, note: bytes, offered: tuple[int, bytes]) -> None:
        size, root = o.open_note(note, f"sanad/journal/{node.name}", node.journal_key)
        o.open_cosignature(note, f"sanad/central/{self.name}", o.public_of(self.cosigner))
        if size <= node.stored:
            if node.roots[size] != root:
                raise Refused("fork")
            return
        if offered[0] < size:
            raise Refused("rollback")
        node.floor = size, root
        node.drop_staged()

    # Streams

    def stream(self, node: Journal, offered: int, offset: int, chunks: Iterator[bytes]) -> dict[str, Any]:
        turn = self.streams[node.name]
        if offset != node.edge.size:
            raise Refused("out_of_step", "The stream begins elsewhere.")
        staged_before = node.edge.size > node.stored
        state = "greeting"
        for tag, *fields in o.read_frames(chunks):
            with self.news:
                if self.streams[node.name] != turn:
                    raise Refused("taken_over")
                due = {"greeting": {"hello"}, "covered": {"entries", "piece", "pulse", "end"}}
                if tag not in due.get(state, {"entries", "checkpoint"}):
                    raise Refused("out_of_turn", f"{tag} came when the stream was {state}.")
                if tag == "hello":
                    if fields != [node.name, offered]:
                        raise Refused("wrong_journal" if fields[0] != node.name else "out_of_turn")
                    state = "open" if staged_before else "covered"
                elif tag == "entries":
                    self._stage(node, fields[0])
                    state = "open"
                elif tag == "checkpoint":
                    self._accept(node, fields[0], offered, staged_before=staged_before)
                    state, staged_before = "covered", False
                elif tag == "piece":
                    self._keep(node, *fields)
        return node.state(self.challenge(node.name))

    def _stage(self, node: Journal, items: list[Item]) -> None:
        for item in items:
            header = o.entry_header(item)
            if header["journal"] != node.name:
                raise Refused("wrong_journal")
            if header["seq"] != node.edge.size:
                raise Refused("out_of_step")
            node.items.append(item)
            node.edge = node.edge.append(item[0])
            node.roots.append(node.edge.root)

    def _accept(self, node: Journal, note: bytes, offered: int, *, staged_before: bool) -> None:
        size, root = o.open_note(note, f"sanad/journal/{node.name}", node.journal_key)
        if size != node.edge.size:
            raise Refused("out_of_turn")
        if size < max(offered, node.floor[0]):
            raise Refused("rollback")
        if root != node.edge.root or node.roots[node.floor[0]] != node.floor[1]:
            node.drop_staged()
            raise Refused("start_again" if staged_before else "fork")
        fresh = [(o.entry_header(item), item) for item in node.items[node.stored :]]
        for head, item in fresh:
            later = (each for each, _ in fresh if each["kind"] == "subject.erased" and each["seq"] > head["seq"])
            if item[2] is None and head["about"] not in {each["about"] for each in later}:
                raise Refused("bodies_owed")
        for head, _ in fresh:
            node.named |= dict.fromkeys(head["blobs"])
            if head["kind"] == "subject.erased" and head["about"] != "-":
                self._erase(node, head["about"])
        node.stored = size
        self._countersign(node, note)

    def _erase(self, node: Journal, about: str) -> None:
        heads = [o.entry_header(item) for item in node.items]
        node.items = [
            (item[0], None, None) if head["about"] == about and head["kind"] != "subject.erased" else item
            for head, item in zip(heads, node.items, strict=True)
        ]
        others = {digest for head in heads if head["about"] != about for digest in head["blobs"]}
        for digest in [digest for digest in node.named if digest not in others]:
            del node.named[digest]
            node.blobs.pop(digest, None)

    def _countersign(self, node: Journal, note: bytes) -> None:
        node.cosigned = o.cosigned(note, f"sanad/central/{self.name}", self.cosigner, int(time.time()))
        node.cosigned_size = node.stored
        self.news.notify_all()

    def _keep(self, node: Journal, digest: str, size: int, offset: int, data: bytes) -> None:
        if all(digest not in o.entry_header(item)["blobs"] for item in node.items):
            raise Refused("unknown_blob")
        if digest not in node.named or digest in node.blobs:
            return
        part = node.parts.setdefault(digest, bytearray())
        if offset > len(part) or len(part) > size:
            if len(part) > size:
                del node.parts[digest]
            raise Refused("out_of_step")
        part += data[len(part) - offset :]
        if len(part) < size:
            return
        whole = bytes(node.parts.pop(digest))
        if self.spoils:
            self.spoils, whole = self.spoils - 1, whole[:-1] + bytes([whole[-1] ^ 1])
        if hashlib.sha256(whole).hexdigest() == digest:
            node.blobs[digest] = whole
        else:
            node.spoilt.add(digest)
        self.news.notify_all()

    def wait_for_news(self, node: Journal, query: str) -> dict[str, Any]:
        known = {name: int(value) for name, value in parse_qsl(query) if name in ("cosigned", "orders", "wanted")}
        rest = dict(parse_qsl(query))
        deadline, session = time.monotonic() + NEWS_HOLD_S, node.session
        with self.news:
            while (left := deadline - time.monotonic()) > 0:
                if node.session != session:
                    raise Refused("out_of_step")
                state = node.state("")
                now = {"cosigned": node.cosigned_size, "orders": len(node.orders), "wanted": len(state["wanted"])}
                if rest["busy"] == "1":
                    now["wanted"] = known["wanted"]
                if now != known or int(rest["spoilt"]) != len(node.spoilt):
                    break
                self.news.wait(left)
            return node.state(self.challenge(node.name))

    # Orders

    def order(self, journal: str, kind: str, **body: Any) -> None:
        """Order something of a node."""
        with self.news:
            self._order(self.journals[journal], kind, json.dumps(body, separators=(",", ":")).encode())
            self.news.notify_all()

    def _order(self, node: Journal, kind: str, data: bytes) -> None:
        salt = os.urandom(16)
        header = o.make_header(f"{node.name}.orders", len(node.orders), "central", kind, salt, data)
        node.orders.append((header, salt, data))

    def _orders_note(self, node: Journal, size: int) -> bytes:
        edge = edge_of([header for header, *_ in node.orders[:size]])
        return o.make_note(f"sanad/orders/{node.name}", edge, self.orders_key)

    def orders_from(self, node: Journal, start: int) -> bytes:
        journal, size = f"{node.name}.orders", len(node.orders)
        if start >= size:
            return o.PREFIX + o.write_frame("hello", journal, start) + o.write_frame("end")
        batch = o.write_frame("entries", o.pack_entries(node.orders[start:]))
        note = o.write_frame("checkpoint", self._orders_note(node, size))
        return o.PREFIX + o.write_frame("hello", journal, size) + batch + note + o.write_frame("end")

    def take_orders_back(self, node: Journal, body: bytes) -> int:
        given: list[Item] = []
        for tag, *fields in o.read_frames(iter([body])):
            if tag == "entries":
                given += fields[0]
            elif tag == "checkpoint":
                key = o.public_of(self.orders_key)
                size, root = o.open_note(fields[0], f"sanad/orders/{node.name}", key)
                if (size, root) != (len(given), edge_of([header for header, *_ in given]).root):
                    raise Refused("bad_request")
                mine, node.orders = node.orders, given
                same = next(
                    (at for at, (ours, theirs) in enumerate(zip(mine, given, strict=False)) if ours != theirs), size
                )
                for header, _, data in mine[same:]:
                    self._order(node, json.loads(header)["kind"], data or b"")
        node.agreed = True
        return len(node.orders)
