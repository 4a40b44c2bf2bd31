"""Networks that are in the way: what holds streams back, answers in central's place, or shows another time.

The node's carrier runs as `sanad node` runs it, over real sockets. Time passes by waiting, a hundred times as fast.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from appliance.journal.errors import NetworkError, SanadError
from appliance.store import carried
from appliance.store.carrying import carrying
from provisioning.carrier import BOUNDED_S, Paused
from provisioning.settings import NODE_FILE
from sync.agent import HeldBack
from sync.central import app as app_module
from sync.central.authority import Authority, new_key
from sync.central.central import Central
from sync.central.serve import _tls
from sync.following import STALL_S
from sync.link import LinkDown, NotOurCentral
from sync.outcome import SyncOutcome
from tests.support.carrying import Session, Time, carrier_of, is_all_there, until, words
from tests.support.centrals import CENTRE, HOST, EnrolledNode, enrol, free_port, served
from tests.support.links import OK_PAGE, REDIRECT, answering
from tests.support.nodes import real_clock
from tests.support.proxies import BufferingProxy, TunnelProxy

PAGE = b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\nconnection: close\r\n\r\n<html>Sign in</html>"
STRANGE = b'HTTP/1.1 200 OK\r\ncontent-length: 26\r\nconnection: close\r\n\r\n{"challenge":"","size":99}'


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with served(tmp_path_factory.mktemp("central") / "home") as made:
        yield made


def test_a_proxy_that_buffers_is_found_out_gone_around_and_tried_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "NEWS_HOLD_S", 0.1)
    proxy, port, time = BufferingProxy(), free_port(), Time()
    with served(tmp_path / "central", port=port, url=proxy.url) as central:
        proxy.start(central, port)
        node = enrol(tmp_path / "node", central.invite(*CENTRE))
        carrier = carrier_of(node, time)
        node.commit(3)
        held_back = Session(carrier, time).join()
        assert isinstance(held_back, HeldBack)
        assert time.now_s >= STALL_S
        digest = node.store.put_blob(os.urandom(100_000))
        node.commit(1, blobs=(digest,))
        small = Session(carrier, time).join()
        assert isinstance(small, SyncOutcome)
        assert small.complete
        assert is_all_there(node, central, digest)
        assert "A proxy slows sending" in words(node)
        time.now_s += BOUNDED_S
        proxy.buffers = False
        again = Session(carrier, time)
        node.commit(1)
        until(lambda: is_all_there(node, central) and "proxy" not in words(node))
        assert isinstance(again.end(), SyncOutcome)
        node.store.close()
    proxy.close()


def test_where_streams_are_held_back_the_cap_and_a_pause_hold_too(central: Central, node: EnrolledNode) -> None:
    time = Time()
    carrier = carrier_of(node, time)
    carrier._bounded_until = BOUNDED_S
    with (node.store.layout.home / NODE_FILE).open("a") as file:
        file.write('\n[sync]\nmegabytes_per_day = 1\n\n[casework]\ntimezone = "Asia/Karachi"\n')
    digest = node.store.put_blob(os.urandom(2_000_000))
    node.commit(2, blobs=(digest,))
    came = Session(carrier, time).join()
    assert isinstance(came, SyncOutcome)
    assert (came.size, came.wanted) == (came.cosigned_size, 1)
    assert came.blob_bytes_sent <= 1_000_000
    assert not central.holds(digest)
    with carrying(node.store.layout.home):
        said = words(node)
        assert said.splitlines()[0] == "All is well: today's megabytes are used up, papers go on at 05:00."
        assert "Today's bound of 1 megabytes is sent; 1 sealed file waits until 05:00 by the centre's clock." in said
        node.store.remember(**{carried.HELD_BACK: node.store.now()})
        assert words(node).startswith("A proxy slows sending. Today's megabytes are used up, papers go on at 05:00.")
        assert "let streams pass" in words(node)
    node.commit(1)
    time.end.set()
    assert isinstance(Session(carrier, time).join(), Paused)


@contextlib.contextmanager
def _stranger(kind: str, central: Central) -> Iterator[int]:
    """Something that answers in central's place; gives its port."""
    page, wrap = {
        "a sign-in page without TLS": (PAGE, None),
        "a redirection without TLS": (REDIRECT, None),
        "a page under another certificate": (PAGE, _other_certificate()),
        "a redirection under another certificate": (REDIRECT, _other_certificate()),
        "a page under central's certificate": (PAGE, _tls(central, [HOST])),
        "a redirection under central's certificate": (REDIRECT, _tls(central, [HOST])),
        "empty JSON under central's certificate": (OK_PAGE, _tls(central, [HOST])),
        "strange JSON under central's certificate": (STRANGE, _tls(central, [HOST])),
    }[kind]
    if wrap is None:
        with answering(page) as port:
            yield port
        return
    with answering(page, lambda raw: wrap.wrap_socket(raw, server_side=True)) as port:
        yield port


def _other_certificate() -> ssl.SSLContext:
    now, key = datetime.now(UTC), new_key()
    certificate = Authority.create("Somebody else", now).certify_server(key.public_key(), [HOST], now)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pem = certificate.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.memfd_create("other")
    os.write(descriptor, pem)
    context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    os.close(descriptor)
    return context


@pytest.mark.parametrize(
    ("kind", "error", "advice"),
    [
        ("a sign-in page without TLS", NotOurCentral, "asks for a sign-in in a browser"),
        ("a redirection without TLS", NotOurCentral, "asks for a sign-in in a browser"),
        ("a page under another certificate", NotOurCentral, "asks for a sign-in in a browser"),
        ("a redirection under another certificate", NotOurCentral, "asks for a sign-in in a browser"),
        ("a page under central's certificate", NetworkError, "Ask central IT whether central is running"),
        ("a redirection under central's certificate", NetworkError, "Ask central IT whether central is running"),
        ("empty JSON under central's certificate", NetworkError, "Ask central IT whether central is running"),
        ("strange JSON under central's certificate", NetworkError, "Ask central IT"),
    ],
)
def test_what_answers_in_central_s_place_is_never_believed(
    central: Central, node: EnrolledNode, kind: str, error: type[SanadError], advice: str
) -> None:
    time = Time()
    digest = node.store.put_blob(os.urandom(1000))
    node.commit(2, blobs=(digest,))
    before = node.store.head()
    with _stranger(kind, central) as port:
        came = Session(carrier_of(node, time, replace(node.address, url=f"https://{HOST}:{port}")), time).join()
    assert isinstance(came, error)
    assert node.store.head() == before
    assert not words(node).startswith("All is well")
    assert advice in words(node)
    right = Session(carrier_of(node, time), time)
    until(lambda: is_all_there(node, central, digest))
    right.end()
    assert advice not in words(node)


def test_a_stream_goes_through_a_proxy_that_tunnels(central: Central, node: EnrolledNode) -> None:
    proxy, time = TunnelProxy(), Time()
    digest = node.store.put_blob(os.urandom(100_000))
    node.commit(2, blobs=(digest,))
    session = Session(carrier_of(node, time, replace(node.address, proxy=proxy.url)), time)
    until(lambda: is_all_there(node, central, digest))
    assert isinstance(session.end(), SyncOutcome)
    proxy.close()
    assert {line.split()[1] for line in proxy.asked} == {node.address.url.removeprefix("https://")}


@pytest.mark.parametrize("status", [b"407 Proxy Authentication Required", b"403 Forbidden"])
def test_a_proxy_that_refuses_is_told_from_a_link_that_is_down(node: EnrolledNode, status: bytes) -> None:
    proxy, time = TunnelProxy(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n"), Time()
    came = Session(carrier_of(node, time, replace(node.address, proxy=proxy.url)), time).join()
    proxy.close()
    assert isinstance(came, NetworkError)
    assert not isinstance(came, LinkDown)
    assert f"(status {status[:3].decode()})" in words(node)
    assert "Ask whoever runs the proxy" in words(node)


def test_a_proxy_that_is_not_there_is_named(node: EnrolledNode) -> None:
    time = Time()
    gone = replace(node.address, proxy=f"http://{HOST}:{free_port()}")
    assert isinstance(Session(carrier_of(node, time, gone), time).join(), LinkDown)
    assert "proxy that node.toml names" in words(node)


@pytest.mark.parametrize(("days", "told"), [(3, "3 days behind central's"), (-3, "3 days ahead of central's")])
def test_a_clock_that_is_days_off_stops_nothing_and_is_told(tmp_path: Path, days: int, told: str) -> None:
    # Central's certificate was made when its clock still was right.
    served_at = free_port()
    with served(tmp_path / "central", port=served_at) as central:
        node = enrol(tmp_path / "node", central.invite(*CENTRE))
    clock: Callable[[], datetime] = lambda: real_clock() + timedelta(days=days)  # noqa: E731
    time = Time()
    with served(tmp_path / "central", port=served_at, clock=clock) as central:
        session = Session(carrier_of(node, time), time)
        node.commit(2)
        until(lambda: is_all_there(node, central) and told in words(node))
        assert isinstance(session.end(), SyncOutcome)
    assert words(node).endswith("set it.")
    node.store.close()
