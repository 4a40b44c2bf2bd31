"""What runs on the two sides of an emulated link, each in a process of its own.

python -m tests.bench.linkprograms central HOME          makes a central, prints an invite, serves
python -m tests.bench.linkprograms node HOME INVITE RECORDS FILES BYTES CONGESTION
                                                         enrols, fills its journal, says `ready`; syncs at each line
python -m tests.bench.linkprograms receive FOLDER        an HTTPS server that keeps what it is sent
python -m tests.bench.linkprograms items FOLDER CA       sends each file of a folder by a request of its own
python -m tests.bench.linkprograms pieces FOLDER CA      sends each file in pieces, asking first how much is there
"""

from __future__ import annotations

import http.server
import json
import os
import random
import ssl
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from appliance.access import operators
from appliance.access.operators import NewOperator
from appliance.access.session import Role, Session
from appliance.journal.ids import BlobDigest, entity_id
from appliance.journal.kinds import PersonAdded
from appliance.store.commit import MAX_DRAFTS, Draft
from appliance.store.layout import Layout
from appliance.store.store import Store
from sync import link
from sync.agent import follow, sync_once
from sync.calls import Spare
from sync.central.authority import Authority, new_key
from sync.central.serve import Service, bind
from sync.following import Timing
from sync.invite import encode_invite, parse_invite
from sync.keeping import keep_synced
from sync.link import Address
from sync.outcome import SyncOutcome
from tests.support.centrals import CENTRE, EnrolledNode, enrol, new_central, open_central
from tests.support.netlab import CENTRAL
from tests.support.nodes import PASSWORD, halt, real_clock

PORT: Final = 8443
PEER_PORT: Final = 8444
URL: Final = f"https://{CENTRAL}:{PORT}"
KEY: Final = b"k" * 32
PIECE: Final = 256 * 1024
"""Bytes that a resumable upload sends at once."""


def say(**values: object) -> None:
    """One line of JSON for whoever started this."""
    print(json.dumps(values), flush=True)


def central(home: Path) -> None:
    """Serve until killed; a home that is there already is served again."""
    if not (home / "archive.db").exists():
        new_central(home, URL).close()
    opened = open_central(home, URL)
    service = Service(opened, [CENTRAL], [bind(CENTRAL, PORT)])
    service.run(lambda: say(invite=encode_invite(opened.invite(*CENTRE))))


def staff(store: Store) -> Session:
    """An operator at a counter."""
    operators.add_first_supervisor(store, NewOperator("sana", "Sana", (Role.SUPERVISOR,), PASSWORD), os.urandom)
    sana = operators.sign_in(store, login="sana", password=PASSWORD, role=Role.SUPERVISOR, counter="1")
    operators.add_operator(store, sana, NewOperator("omar", "Omar", (Role.OPERATOR,), PASSWORD), os.urandom)
    return operators.sign_in(store, login="omar", password=PASSWORD, role=Role.OPERATOR, counter="1")


def fill(node: EnrolledNode, session: Session, records: int, files: int, size: int) -> int:
    """Write a corpus: records as an operator types them, and scans, which nothing compresses. Gives its bytes."""
    chance = random.Random(1)
    store = node.store
    before = store.head().size
    drafts = []
    for number in range(records):
        body = PersonAdded(name=f"SPECIMEN {chance.randbytes(4).hex()}", born="1990-01-01", phone=f"030012{number:05}")
        drafts.append(Draft(body, entity_id(chance.randbytes(16))))
    for start in range(0, len(drafts), MAX_DRAFTS):
        some = drafts[start : start + MAX_DRAFTS]
        store.commit(session, lambda _, some=some: some)  # type: ignore[misc]
    total = 0
    for _ in range(files):
        digest = store.put_blob(chance.randbytes(size))
        total += store.blob_bytes(digest)
        node.commit(1, blobs=(BlobDigest(digest),))
    entries = store.entries(before, store.head().size)
    return total + sum(len(each.header_bytes) + len(each.salt or b"") + len(each.body or b"") for each in entries)


def node(
    home: Path, invite: str, records: str, files: str, size: str, congestion: str, *, following: bool = False
) -> None:
    """Sync at each line of standard input."""
    choose(congestion)
    made = enrol(home, parse_invite(invite), KEY)
    (home / "kept").write_text(json.dumps([made.enrolled.address.url, made.enrolled.address.authority.hex()]))
    session = staff(made.store)
    sync_once(made.store, made.address, now_s=now_s)
    if following:
        keep_following(made, session, int(records), int(files), int(size))
    payload = fill(made, session, int(records), int(files), int(size))
    corpus(made, home.parent / "corpus")
    say(ready=True, payload=payload)
    sync_on(made.store, made.address)


def again(home: Path, congestion: str) -> None:
    """Go on where a killed node was."""
    choose(congestion)
    url, authority = json.loads((home / "kept").read_text())
    layout = Layout(home)
    store = Store(layout, KEY, clock=real_clock, random=os.urandom, halt=halt)
    say(ready=True, payload=0)
    sync_on(store, Address(url, bytes.fromhex(authority)))


def choose(congestion: str) -> None:
    """Use the congestion control of the namespace where it is not ours."""
    if congestion not in link.CONGESTION:
        setattr(link, "CONGESTION", ())  # noqa: B010


def sync_on(store: Store, address: Address) -> None:
    """Sync at each line of standard input."""
    for _ in sys.stdin:
        begun = time.monotonic()
        outcome = sync_once(store, address, now_s=now_s)
        say(seconds=time.monotonic() - begun, complete=outcome.complete)


def keep_following(made: EnrolledNode, operator: Session, records: int, files: int, size: int) -> None:
    """Follow as the node's service does; at each line of standard input work is done, and carried."""
    forever = threading.Event()
    timing = Timing(time.monotonic, forever.wait)
    told = threading.Semaphore(0)

    def heard(_outcome: SyncOutcome) -> None:
        told.release()

    store, spare = made.store, Spare(time.monotonic)

    def session(answered: Callable[[], None]) -> SyncOutcome:
        return follow(store, made.address, now_s=now_s, timing=timing, answered=answered, heard=heard, spare=spare)

    def run() -> None:
        keep_synced(session, wait=forever.wait, random=random.random, report=lambda _: None)

    threading.Thread(target=run, daemon=True).start()
    told.acquire()
    # An entry that came back countersigned went over the stream, and its news beside it: both are open.
    made.commit()
    until_countersigned(store)
    say(ready=True, payload=0)
    for _ in sys.stdin:
        before, begun = store.head().size, time.monotonic()
        payload = fill(made, operator, records, files, size)
        until_countersigned(store)
        seconds = time.monotonic() - begun
        corpus(made, store.layout.home.parent / "corpus", before)
        say(seconds=seconds, payload=payload, complete=True)


def until_countersigned(store: Store) -> None:
    """Wait until central has countersigned everything."""
    while store.head().cosigned_size < store.head().size:
        time.sleep(0.01)


def now_s() -> int:
    """What the clock says."""
    return int(time.time())


def corpus(made: EnrolledNode, folder: Path, start: int = -1) -> None:
    """The same corpus as files, for others to carry: each entry, and each sealed file."""
    folder.mkdir(exist_ok=True)
    store = made.store
    for entry in store.entries(store.head().cosigned_size if start < 0 else start, store.head().size):
        name = f"{entry.header.seq:06}.json"
        (folder / name).write_bytes(entry.header_bytes + (entry.salt or b"") + (entry.body or b""))
        for digest in entry.header.blobs:
            (folder / digest).write_bytes(store.sealed_blob(digest))


class _Keeper(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path

    def do_PUT(self) -> None:
        """A whole file, or a piece of one at an offset; on the disk before it is answered."""
        content = self.rfile.read(int(self.headers["content-length"]))
        place = self.folder / Path(self.path).name
        with place.open("r+b" if place.exists() else "wb") as file:
            file.seek(int(self.headers.get("upload-offset", "0")))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self._answer(b"")

    def do_GET(self) -> None:
        """How much of a file is here."""
        place = self.folder / Path(self.path).name
        self._answer(str(place.stat().st_size if place.exists() else 0).encode())

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def receive(folder: Path) -> None:
    """Serve until killed."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    authority = Authority.create("peer", now)
    key = new_key()
    certificate = authority.certify_server(key.public_key(), [CENTRAL], now)
    pem = folder.parent / "peer.pem"
    pem.write_bytes(
        certificate.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    ca = folder.parent / "peer-ca.pem"
    ca.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    _Keeper.folder = folder
    server = http.server.ThreadingHTTPServer((CENTRAL, PEER_PORT), _Keeper)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(ca=str(ca))
    threading.Event().wait()


def items(folder: Path, ca: str, *, piece: int = 0) -> None:
    """Send each file; in pieces where `piece` is not 0, asking first how much is there."""
    session = requests.Session()
    session.trust_env = False
    session.verify = ca
    begun = time.monotonic()
    for file in sorted(folder.iterdir()):
        url = f"https://{CENTRAL}:{PEER_PORT}/{file.name}"
        content = file.read_bytes()
        if not piece:
            session.put(url, data=content, timeout=60).raise_for_status()
            continue
        start = int(session.get(url, timeout=60).text)
        for offset in range(start, len(content), piece):
            headers = {"upload-offset": str(offset)}
            session.put(url, data=content[offset : offset + piece], headers=headers, timeout=60).raise_for_status()
    say(seconds=time.monotonic() - begun)


def main(what: str, *rest: str) -> None:
    """Run one of the programs."""
    match what:
        case "central":
            central(Path(rest[0]))
        case "node" | "follow":
            node(Path(rest[0]), *rest[1:], following=what == "follow")
        case "again":
            again(Path(rest[0]), rest[-1])
        case "receive":
            receive(Path(rest[0]))
        case "items":
            items(Path(rest[0]), rest[1])
        case "pieces":
            items(Path(rest[0]), rest[1], piece=PIECE)


if __name__ == "__main__":
    main(*sys.argv[1:])
