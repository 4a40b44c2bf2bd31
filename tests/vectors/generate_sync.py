"""The protocol between node and central, frozen: keys that everybody knows, and every byte that follows from them.

    python -m tests.vectors.generate_sync     writes tests/vectors/sync/ anew

docs/sync.md takes its examples from here, and a test holds code, vectors and page against each other. Packed bytes
differ from one zstd to another; all else follows from the keys. Trust these keys nowhere.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from appliance.certificates.lists import Ended, Revocations, TrustedLog, TrustList, publisher_name
from appliance.certificates.listsfile import write_lists
from appliance.journal import tree
from appliance.journal.checkpoint import Checkpoint, cosign, sign_checkpoint
from appliance.journal.entry import Entry, make_entry
from appliance.journal.ids import BlobDigest, JournalId, Kind, entity_id, journal_id, orders_of, origin
from appliance.journal.kinds import (
    JournalOpened,
    NumbersLeased,
    OrdersApplied,
    OrdersOpened,
    SubjectErased,
    encode_body,
)
from appliance.journal.notes import COSIGNATURE, Signer
from sync import frames, packing, signatures, stampwire, wire
from sync.frames import BlobPiece, End, Entries, Frame, Hello, Pulse
from sync.invite import Invite, encode_invite
from sync.lines import make_delta
from sync.listsfetch import etag
from sync.orderstream import write_orders
from sync.packing import Item
from sync.refusals import OutOfStep, Quarantined, to_wire
from sync.session import CentralState, Wanted
from sync.signatures import Said
from sync.stampwire import StampAnswer, StampRequest, ValidationAnswer
from sync.wire import NodeReport, SessionRequest, StateAnswer
from tests.support.fixed_signer import FixedSigner
from tests.vectors import VECTORS

FOLDER: Final = VECTORS / "sync"
URL: Final = "https://central.example:8443"
AT: Final = "2026-11-22T09:00:00.000Z"
NOW_S: Final = int(datetime(2026, 11, 22, 9, 0, 1, tzinfo=UTC).timestamp())
NONCE: Final = "bm9uY2Ugb2YgYSB0ZXN0LCBnaXZlbiBvbmNl"
SESSION: Final = "c2Vzc2lvbi1uYW1lZA"
SOFTWARE: Final = "1.0.0"
CENTRE: Final = ("PEW01", "Specimen centre, Peshawar")


def fixed(*what: object) -> bytes:
    """32 bytes that follow from their name."""
    return hashlib.sha256(repr(("sanad sync vectors", *what)).encode()).digest()


NODE_SEED: Final = fixed("node key")
JOURNAL_SEED: Final = fixed("journal key")
CENTRAL: Final = entity_id(fixed("central")[:16])
COSIGNER: Final = Signer(f"sanad/central/{CENTRAL}", fixed("cosigner"), COSIGNATURE)
JOURNAL: Final = journal_id(Signer("journal", JOURNAL_SEED).verifier.public)
SIGNER: Final = Signer(origin(JOURNAL), JOURNAL_SEED)
ORDERS: Final = orders_of(JOURNAL)
ORDERS_SIGNER: Final = Signer(origin(ORDERS), fixed("orders key"))
PUBLISHER: Final = Signer(publisher_name(CENTRAL), fixed("publisher"))
# RFC 3161, section 2.4.1: version 1, SHA-256, a nonce, and the service's certificate is asked for.
STAMP_REQUEST: Final = bytes.fromhex(
    "3041020101303130" + "0d060960864801650304020105000420" + fixed("a document").hex() + "0206112233445566" + "0101ff"
)
# RFC 3161, section 2.4.2: rejection, and nothing else.
STAMP_REFUSED: Final = bytes.fromhex("30053003020102")
RECIPIENT: Final = "age1fu7j3ka6gqhss9vxqhgmpupxjkdxd2ehqvdp3phhd4g9rdmtauuqwlj5gv"
SUBJECT: Final = entity_id(fixed("subject")[:16])
SEALED: Final = (b"age-encryption.org/v1\n" + fixed("blob, 1") + fixed("blob, 2") + fixed("blob, 3"))[:100]
DIGEST: Final = hashlib.sha256(SEALED).hexdigest()
CUT: Final = 64
"""Where the sealed file is cut into two pieces."""


def entry(journal: JournalId, seq: int, kind: str, body: bytes, about: str = "-", blobs: tuple[str, ...] = ()) -> Entry:
    """One entry of the vectors."""
    by = "node" if journal == JOURNAL else "central"
    salt = fixed("salt", journal, seq)[:16]
    return make_entry(
        journal=journal, seq=seq, at=AT, by=by, kind=Kind(kind), about=about, body=body, salt=salt, blobs=blobs
    )


def orders() -> list[Entry]:
    """Central's first two orders."""
    opened = OrdersOpened(node=JOURNAL, centre=CENTRE[0], central_name="Specimen central")
    leased = NumbersLeased(prefix=CENTRE[0], first=1, last=1000)
    return [entry(ORDERS, place, body.KIND, encode_body(body)) for place, body in enumerate((opened, leased))]


def entries() -> list[Entry]:
    """A journal: opened, orders applied, a paper, something that only later software knows, and it is erased."""
    opened = JournalOpened(
        centre=CENTRE[0],
        centre_name=CENTRE[1],
        node_key=Signer("node", NODE_SEED).verifier.public.hex(),
        age_recipient=RECIPIENT,
        software=SOFTWARE,
    )
    applied = OrdersApplied(size=2, root=edge(orders()).root().hex())
    erased = SubjectErased(reason="asked for")
    return [
        entry(JOURNAL, 0, opened.KIND, encode_body(opened)),
        entry(JOURNAL, 1, applied.KIND, encode_body(applied)),
        entry(JOURNAL, 2, "paper.kept", b'{"pages":1}', blobs=(DIGEST,)),
        entry(JOURNAL, 3, "later.kind", '{"name":"Gul محمد"}'.encode(), SUBJECT),
        entry(JOURNAL, 4, erased.KIND, encode_body(erased), SUBJECT),
    ]


def item(one: Entry) -> Item:
    """As it goes out: what is erased goes without its body."""
    if one.header.about == SUBJECT and one.header.kind != SubjectErased.KIND:
        return one.header_bytes, None, None
    return one.header_bytes, one.salt, one.body


def edge(some: list[Entry]) -> tree.Frontier:
    """The right edge of the tree over them."""
    frontier = tree.EMPTY
    for one in some:
        frontier, _ = frontier.append(one.leaf)
    return frontier


def note(size: int, signer: Signer = SIGNER, root: bytes | None = None) -> bytes:
    """The journal's checkpoint at a size."""
    return sign_checkpoint(Checkpoint(SIGNER.name, size, root or edge(entries()[:size]).root()), signer)


def parts() -> list[Frame]:
    """A whole small stream, to a central that holds entry 0."""
    return [
        Hello(JOURNAL, 5),
        Entries(tuple(map(item, entries()[1:]))),
        frames.Checkpoint(note(5)),
        BlobPiece(DIGEST, len(SEALED), 0, SEALED[:CUT]),
        Pulse(),
        BlobPiece(DIGEST, len(SEALED), CUT, SEALED[CUT:]),
        End(),
    ]


def stream(some: list[Frame]) -> bytes:
    """Frames as bytes."""
    return frames.PREFIX + b"".join(map(frames.encode, some))


@dataclass
class Request:
    """What `sign` signs."""

    method: str | None
    url: str | None
    headers: dict[str, str]


def signed(method: str, path: str, offered: int, session: str = SESSION, offset: int = 0) -> dict[str, Any]:
    """A signed request, with the text that its signature is over."""
    request = Request(method, URL + path, {})
    signatures.sign(request, Said(offered, NONCE, session, offset), seed=NODE_SEED, journal=JOURNAL, now_s=NOW_S)
    given = request.headers["Signature-Input"]
    lines = [
        f'"@method": {method}',
        f'"@authority": {URL.removeprefix("https://")}',
        f'"@target-uri": {URL}{path}',
        *(f'"{name}": {request.headers[name]}' for name in signatures.COVERED[3:]),
        f'"@signature-params": {given.removeprefix(signatures.LABEL + "=")}',
    ]
    return {"method": method, "url": URL + path, "headers": request.headers, "base": "\n".join(lines)}


def requests() -> dict[str, Any]:
    """One signed request of each kind."""
    known = "cosigned=1&orders=2&wanted=0&busy=0&spoilt=0"
    return {
        "seed": NODE_SEED.hex(),
        "public": Signer("node", NODE_SEED).verifier.public.hex(),
        "requests": {
            "session": signed("POST", wire.SESSION, 5, signatures.NO_SESSION),
            "stream": signed("POST", wire.STREAM, 5, offset=1),
            "news": signed("GET", f"{wire.NEWS}?{known}", 5),
            "orders": signed("GET", f"{wire.ORDERS}?from=0", 5),
            "orders_back": signed("POST", wire.ORDERS, 5),
            "blob": signed("GET", f"{wire.BLOB}?digest={DIGEST}", 5),
            "lists_back": signed("POST", wire.LISTS, 5),
            "validation": signed("GET", stampwire.VALIDATION, 5, signatures.NO_SESSION),
            "timestamp": signed("POST", stampwire.TIMESTAMP, 5, signatures.NO_SESSION),
        },
    }


def messages() -> dict[str, Any]:
    """What is said in JSON, and an invite."""
    report = NodeReport(SOFTWARE, NOW_S, AT, 1234)
    cosigned = cosign(note(5), COSIGNER, NOW_S)
    state = CentralState(5, 5, cosigned, (Wanted(BlobDigest(DIGEST), CUT),), 2)
    answer = StateAnswer.of(state, NONCE, version=frames.VERSION, session=SESSION)
    refusal = to_wire(OutOfStep("A stream begins elsewhere than where central's copy ends.", "Sync again."))
    invite = Invite(
        url=URL,
        authority=FixedSigner("authority").certificate,
        id=entity_id(fixed("invite")[:16]),
        secret=fixed("secret"),
        expires_s=NOW_S + 24 * 3600,
        centre=CENTRE[0],
        centre_name=CENTRE[1],
    )
    held = to_wire(Quarantined("Central has put this node into quarantine.", "Call central IT.").with_orders(3))
    validation = ValidationAnswer(
        at_s=NOW_S,
        authorities=(FixedSigner("authority").certificate,),
        certificates=(),
        crls=(),
        policy="2.25.280189930116982128382564070107541909502",
        room=4096,
        challenge=NONCE,
    )
    encode = msgspec.json.encode
    return {
        "session_request": encode(
            SessionRequest(frames.VERSIONS, note(5), note_1(), 2, report, edge(orders()).root())
        ).decode(),
        "state_answer": encode(answer).decode(),
        "refusal": {"status": refusal[0], "body": encode(refusal[1]).decode()},
        "refusal_in_quarantine": {"status": held[0], "body": encode(held[1]).decode()},
        "validation_answer": encode(validation).decode(),
        "stamp_request": encode(StampRequest((STAMP_REQUEST,))).decode(),
        "stamp_answer": encode(StampAnswer((STAMP_REFUSED,), NONCE)).decode(),
        "invite": {"line": encode_invite(invite), "fields": msgspec.to_builtins(invite)},
    }


def lists() -> dict[str, Any]:
    """Two publications of the public lists, what names them to HTTP, and what changed between them."""
    at = datetime.fromtimestamp(NOW_S, UTC)
    logs = (TrustedLog(SIGNER.verifier, CENTRE[0]),)
    cosigners = (COSIGNER.verifier,)
    texts = []
    for number, ended in ((NOW_S, ()), (NOW_S + 60, (Ended("PEW01-000002-K", "revoked", at, "fraud"),))):
        then = datetime.fromtimestamp(number, UTC)
        trust = TrustList(number, then, (FixedSigner("authority").certificate,), (), logs, cosigners)
        texts.append(write_lists(trust, Revocations(number, then, ended), PUBLISHER))
    older, newer = texts
    return {
        "publisher": PUBLISHER.verifier.text,
        "older": older.decode(),
        "newer": newer.decode(),
        "older_etag": etag(older),
        "newer_etag": etag(newer),
        "delta": make_delta(older, newer).decode(),
    }


def note_1() -> bytes:
    """What enrolment gave: the checkpoint of size 1, countersigned."""
    return cosign(note(1), COSIGNER, NOW_S - 60)


def journal() -> dict[str, Any]:
    """Keys, entries, tree, checkpoints."""
    made = entries()
    return {
        "journal": JOURNAL,
        "journal_seed": JOURNAL_SEED.hex(),
        "journal_key": SIGNER.verifier.text,
        "cosigner_seed": fixed("cosigner").hex(),
        "cosigner": COSIGNER.verifier.text,
        "orders_seed": fixed("orders key").hex(),
        "orders_key": ORDERS_SIGNER.verifier.text,
        "entries": [
            {
                "header": one.header_bytes.decode(),
                "salt": None if item(one)[1] is None else (one.salt or b"").hex(),
                "body": None if item(one)[2] is None else (one.body or b"").decode(),
                "leaf": one.leaf.hex(),
                "root": edge(made[: place + 1]).root().hex(),
            }
            for place, one in enumerate(made)
        ],
        "checkpoint": note(5).decode(),
        "cosigned_at_s": NOW_S,
        "cosigned": cosign(note(5), COSIGNER, NOW_S).decode(),
    }


def whole() -> dict[str, Any]:
    """A whole stream, and orders."""
    batch = [item(one) for one in entries()[1:]]
    two = orders()
    held = sign_checkpoint(Checkpoint(ORDERS_SIGNER.name, 2, edge(two).root()), ORDERS_SIGNER)
    return {
        "dictionary_sha256": hashlib.sha256(packing.DICTIONARY).hexdigest(),
        "sealed": SEALED.hex(),
        "columns": _columns(batch).hex(),
        "packed": packing.pack(batch).hex(),
        "one": {"columns": _columns(batch[1:2]).hex(), "packed": packing.pack(batch[1:2]).hex()},
        "prefix": frames.PREFIX.hex(),
        "frames": [{"is": _tag(each), "hex": frames.encode(each).hex()} for each in parts()],
        "stream": stream(parts()).hex(),
        "orders": write_orders(ORDERS, two, 2, held).hex(),
    }


def _columns(batch: list[Item]) -> bytes:
    """A batch before it is compressed."""
    without = [packing._without_digest(*one) for one in batch]
    return msgspec.msgpack.encode([without, [one[1] for one in batch], [one[2] for one in batch]])


def _tag(frame: Frame) -> str:
    return "entries" if isinstance(frame, Entries) else str(msgspec.to_builtins(frame)[0])


def _raw(payload: object) -> bytes:
    """A frame around anything."""
    packed = payload if isinstance(payload, bytes) else msgspec.msgpack.encode(payload)
    return len(packed).to_bytes(4, "big") + packed


def refused() -> dict[str, Any]:
    """Streams to a central that holds entry 0, under a request that offered 5, each with the code of its refusal."""
    good = parts()
    hello, checkpoint, piece = good[0], good[2], good[3]
    batch = [item(one) for one in entries()]
    sent = Entries(tuple(batch[1:]))
    other = Signer(SIGNER.name, fixed("another key"))
    swapped = entry(JOURNAL, 4, "node.started", b'{"software":"1","orphans_removed":0}')
    forked = [*entries()[1:4], swapped]
    bad: dict[str, tuple[str, bytes]] = {
        "another version's prefix": ("frame", b"sanad frames 3\n" + stream(good)[len(frames.PREFIX) :]),
        "cut before its end": ("frame", stream(good[:-1])),
        "bytes behind the end": ("frame", stream(good) + b"\0"),
        "a frame of no length": ("frame", frames.PREFIX + bytes(4)),
        "a length over the bound": ("frame", frames.PREFIX + (frames.MAX_FRAME + 1).to_bytes(4, "big")),
        "an unknown tag": ("frame", stream([hello]) + _raw(["later", 1])),
        "one field too many": ("frame", stream([hello]) + _raw(["pulse", 1])),
        "a number not in its shortest form": ("frame", frames.PREFIX + _raw(_longer())),
        "a piece that goes beyond its file": ("frame", stream([hello]) + _raw(["piece", DIGEST, 10, 9, b"12"])),
        "an empty piece": ("frame", stream([hello]) + _raw(["piece", DIGEST, 10, 0, b""])),
        "entries that are not packed": ("frame", stream([hello]) + _raw(["entries", b"{}"])),
        "no hello": ("out_of_turn", stream([sent])),
        "hello twice": ("out_of_turn", stream([hello, hello])),
        "another size than the request offered": ("out_of_turn", stream([Hello(JOURNAL, 4)])),
        "a piece before the checkpoint": ("out_of_turn", stream([hello, sent, piece])),
        "the end before the checkpoint": ("out_of_turn", stream([hello, sent, End()])),
        "another journal": ("wrong_journal", stream([Hello("a" * 26, 5)])),
        "an entry that is there already": ("out_of_step", stream([hello, Entries(tuple(batch))])),
        "an entry left out": ("out_of_step", stream([hello, Entries((batch[1], batch[3]))])),
        "a changed header": ("entry", stream([hello, Entries(((batch[1][0][:-1] + b" }", *batch[1][1:]),))])),
        "a body that is not the header's": ("entry", stream([hello, Entries(((batch[1][0], batch[1][1], b"{}"),))])),
        "a checkpoint by another key": ("checkpoint", stream([hello, sent, frames.Checkpoint(note(5, other))])),
        "a checkpoint over fewer": ("out_of_turn", stream([hello, sent, frames.Checkpoint(note(4))])),
        "less than was offered": ("rollback", stream([hello, Entries(tuple(batch[1:4])), frames.Checkpoint(note(4))])),
        "another root": ("fork", stream([hello, Entries(tuple(map(item, forked))), checkpoint])),
        "a body kept back": ("bodies_owed", stream([hello, Entries((batch[1], _bare(2), *batch[3:])), checkpoint])),
        "a file that no entry names": ("unknown_blob", stream([*good[:3], BlobPiece("0" * 64, 1, 0, b"x")])),
        "a piece that leaves a gap": ("out_of_step", stream([*good[:3], BlobPiece(DIGEST, 100, CUT, SEALED[CUT:])])),
    }
    return {name: {"code": code, "stream": data.hex()} for name, (code, data) in bad.items()}


def _longer() -> bytes:
    """`Hello` with the number 5 in two bytes."""
    return msgspec.msgpack.encode(["hello", JOURNAL, 5])[:-1] + b"\xcc\x05"


def _bare(place: int) -> Item:
    return entries()[place].header_bytes, None, None


def files() -> dict[str, bytes]:
    """Each file's name and content."""
    made = {
        "journal.json": journal(),
        "stream.json": whole(),
        "requests.json": requests(),
        "messages.json": messages(),
        "lists.json": lists(),
        "refused.json": refused(),
    }
    return {name: msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n" for name, value in made.items()}


def main() -> int:
    """Write them."""
    FOLDER.mkdir(exist_ok=True)
    for name, content in files().items():
        (FOLDER / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
