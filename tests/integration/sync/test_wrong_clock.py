"""A node whose clock is outside the dates of central's certificate, while it follows: over real TLS.

Here the clock stays and the dates move, which is the same to whoever holds one against the other.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from appliance.journal.errors import SanadError
from provisioning.carrier import Carrier
from sync.central import authority, serve
from sync.central.central import Central
from sync.keeping import keep_synced
from sync.link import WrongTime
from sync.outcome import SyncOutcome
from tests.support.carrying import PATIENCE_S, Time, carrier_of, is_all_there, until, words
from tests.support.centrals import CENTRE, enrol, free_port, served

CLOCK = "This box's clock is wrong, so central is not believed: set the clock."


@dataclass
class Dates:
    """The dates of the certificate that central's server shows, from one connection to the next."""

    patch: pytest.MonkeyPatch
    folder: Path
    kind: str = "right"
    """What a server that begins shows first."""
    contexts: list[ssl.SSLContext] = field(default_factory=list)

    def keep_contexts(self) -> None:
        make = serve._tls

        def kept(central: Central, hosts: list[str]) -> ssl.SSLContext:
            self.contexts.append(make(central, hosts))
            self.show(central, self.kind)
            return self.contexts[-1]

        self.patch.setattr(serve, "_tls", kept)

    def show(self, central: Central, kind: str) -> None:
        """Have the server that runs show a certificate that is right, over, or begins later."""
        now = datetime.now(UTC)
        with self.patch.context() as patch:
            if kind == "not yet valid":
                patch.setitem(authority._certificate.__kwdefaults__ or {}, "begin", now + timedelta(days=1))
            certificate, key = central._authority, authority.new_key()
            ends = now - authority.SERVER_LIFE - timedelta(days=1) if kind == "over" else now
            shown = certificate.certify_server(key.public_key(), ["127.0.0.1", "localhost"], ends)
        pem = self.folder / "shown.pem"
        pem.write_bytes(
            shown.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        self.contexts[-1].load_cert_chain(pem)


@contextmanager
def kept_synced(carrier: Carrier, time: Time, reports: list[SyncOutcome | SanadError]) -> Iterator[None]:
    """The loop of the node service."""
    work: dict[str, Callable[..., object]] = {"wait": time.wait, "random": lambda: 0.5, "report": reports.append}
    thread = threading.Thread(target=lambda: keep_synced(carrier.session, **work))  # type: ignore[arg-type]
    thread.start()
    try:
        yield
    finally:
        time.end.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


@pytest.mark.parametrize("kind", ["not yet valid", "over"])
def test_a_clock_that_goes_wrong_while_it_follows_is_said_and_work_goes_on_once_it_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    dates, time, port = Dates(monkeypatch, tmp_path), Time(), free_port()
    dates.keep_contexts()
    reports: list[SyncOutcome | SanadError] = []
    with served(tmp_path / "central", port=port) as central:
        node = enrol(tmp_path / "node", central.invite(*CENTRE))
        loop = kept_synced(carrier_of(node, time), time, reports)
        loop.__enter__()
        node.commit(3)
        until(lambda: is_all_there(node, central) and words(node).startswith("All is well"))
    try:
        dates.kind = kind
        with served(tmp_path / "central", port=port) as central:
            node.commit(2)
            until(lambda: words(node).splitlines()[0] == CLOCK)
            assert "Set the node's clock." in words(node)
            assert any(isinstance(each, WrongTime) for each in reports)
            assert not is_all_there(node, central)
            dates.show(central, "right")
            until(lambda: is_all_there(node, central) and words(node).startswith("All is well"))
    finally:
        loop.__exit__(None, None, None)
    node.store.close()


def test_a_clock_that_is_wrong_from_the_beginning_is_said_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dates, time = Dates(monkeypatch, tmp_path), Time()
    dates.keep_contexts()
    with served(tmp_path / "central") as central:
        node = enrol(tmp_path / "node", central.invite(*CENTRE))
        node.commit(2)
        dates.show(central, "over")
        with kept_synced(carrier_of(node, time), time, []):
            until(lambda: words(node).splitlines()[0] == CLOCK)
            dates.show(central, "right")
            until(lambda: is_all_there(node, central) and words(node).startswith("All is well"))
    node.store.close()
