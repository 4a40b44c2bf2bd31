"""What runs on the two sides of an emulated link, each in a process of its own.

python -m tests.bench.linkprograms central HOME          makes a central, prints an invite, serves
python -m tests.bench.linkprograms node HOME INVITE RECORDS FILES BYTES CONGESTION
                                                         enrols, fills its journal, says `ready`; syncs at each line
python -m tests.bench.linkprograms follow …             the same, but follows, and does the work at each line
python -m tests.bench.linkprograms again HOME CONGESTION goes on where a killed node was
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from appliance.access import operators
from appliance.access.operators import NewOperator
from appliance.access.session import Role, Session
from appliance.journal.errors import NetworkError
from appliance.journal.ids import BlobDigest, entity_id
from appliance.journal.kinds import PersonAdded
from appliance.store.commit import MAX_DRAFTS, Draft
from appliance.store.layout import Layout
from appliance.store.store import Store
from sync import link
from sync.agent import follow, sync_once
from sync.calls import Spare
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
URL: Final = f"https://{CENTRAL}:{PORT}"
KEY: Final = b"k" * 32
RETRY_S: Final = 0.2


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
    """Sync at each line of standard input, again where the link or central is away."""
    for _ in sys.stdin:
        begun = time.monotonic()
        outcome = None
        while outcome is None:
            try:
                outcome = sync_once(store, address, now_s=now_s)
            except NetworkError:
                time.sleep(RETRY_S)
        say(seconds=time.monotonic() - begun, complete=outcome.complete)


def keep_following(made: EnrolledNode, operator: Session, records: int, files: int, size: int) -> None:
    """Follow as the node's service does; at each line of standard input work is done, and carried."""
    forever = threading.Event()
    timing = Timing(time.monotonic, forever.wait)
    news = threading.Condition()
    last: list[SyncOutcome] = []

    def heard(outcome: SyncOutcome) -> None:
        with news:
            last[:] = [outcome]
            news.notify_all()

    def until_all_is_there() -> None:
        size = store.head().size
        with news:
            news.wait_for(lambda: bool(last) and last[0].complete and last[0].size >= size)

    store, spare = made.store, Spare(time.monotonic)

    def session(answered: Callable[[], None]) -> SyncOutcome:
        return follow(store, made.address, now_s=now_s, timing=timing, answered=answered, heard=heard, spare=spare)

    def run() -> None:
        keep_synced(session, wait=forever.wait, random=random.random, report=lambda _: None)

    threading.Thread(target=run, daemon=True).start()
    # An entry that came back countersigned went over the stream, and its news beside it: both are open.
    made.commit()
    until_all_is_there()
    say(ready=True, payload=0)
    for _ in sys.stdin:
        before, begun = store.head().size, time.monotonic()
        payload = fill(made, operator, records, files, size)
        until_all_is_there()
        seconds = time.monotonic() - begun
        corpus(made, store.layout.home.parent / "corpus", before)
        say(seconds=seconds, payload=payload, complete=True)


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


def main(what: str, *rest: str) -> None:
    """Run one of the programs."""
    match what:
        case "central":
            central(Path(rest[0]))
        case "node" | "follow":
            node(Path(rest[0]), *rest[1:], following=what == "follow")
        case "again":
            again(Path(rest[0]), rest[-1])


if __name__ == "__main__":
    main(*sys.argv[1:])
