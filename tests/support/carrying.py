"""A node's carrier, run as `sanad node` runs it, in time that passes by waiting, a hundred times as fast."""

from __future__ import annotations

import threading
import time as real
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from appliance.journal.errors import SanadError
from appliance.journal.ids import BlobDigest
from appliance.store import carried
from provisioning.carrier import Carrier
from provisioning.settings import NODE_FILE, Centre, node_toml
from sync.central.central import Central
from sync.following import Timing
from sync.link import Address
from sync.outcome import SyncOutcome
from tests.support.centrals import CENTRE, EnrolledNode

FASTER: Final = 100.0
PATIENCE_S: Final = 60.0


@dataclass
class Time:
    """Time that passes by waiting."""

    now_s: float = 0.0
    end: threading.Event = field(default_factory=threading.Event)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, seconds: float) -> bool:
        ended = self.end.wait(seconds / FASTER)
        with self._guard:
            self.now_s += seconds
        return ended

    @property
    def timing(self) -> Timing:
        return Timing(lambda: self.now_s, self.wait)


def carrier_of(node: EnrolledNode, time: Time, address: Address | None = None) -> Carrier:
    file = node.store.layout.home / NODE_FILE
    file.write_text(node_toml(Centre(code=CENTRE[0], name=CENTRE[1]), node.address.url))
    return Carrier(node.store, address or node.address, time.timing)


class Session:
    """One session of a carrier, in a thread."""

    def __init__(self, carrier: Carrier, time: Time) -> None:
        self.came: SyncOutcome | SanadError | None = None
        self._carrier = carrier
        self._time = time
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.came = self._carrier.session(lambda: None)
        except SanadError as error:
            self.came = error

    def end(self) -> SyncOutcome | SanadError | None:
        self._time.end.set()
        return self.join()

    def join(self) -> SyncOutcome | SanadError | None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        self._time.end.clear()
        return self.came


def words(node: EnrolledNode) -> str:
    standing = carried.carried(node.store)
    return "\n".join((standing.words(datetime.now(UTC)), *standing.details))


def is_all_there(node: EnrolledNode, central: Central, digest: BlobDigest | None = None) -> bool:
    head = node.store.head()
    return head.size == head.cosigned_size and (digest is None or central.holds(digest))


def until(holds: Callable[[], bool]) -> None:
    """Look again and again until something holds."""
    deadline = real.monotonic() + PATIENCE_S
    while not holds():
        assert real.monotonic() < deadline
        real.sleep(0.02)
