"""A node and central over real HTTPS on loopback: links that break, requests that are not to be believed."""

from __future__ import annotations

import os
import random
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from appliance.journal.entry import Entry
from appliance.journal.errors import IntegrityError, NetworkError, OperatorError
from appliance.journal.ids import JournalId
from appliance.journal.kinds import NumbersLeased
from appliance.records.log import Log
from appliance.sealing import age
from appliance.store.store import NODE_KEY, NodeKeys
from sync import signatures, wire
from sync.agent import sync_once
from sync.calls import Caller, Calls
from sync.central import inflow
from sync.central import serve as serve_module
from sync.central.authority import Authority, new_key
from sync.central.central import Central
from sync.enrol import enrol_request
from sync.frames import Hello
from sync.invite import Invite
from sync.link import Address, Link, NotOurCentral
from sync.outcome import SyncOutcome
from sync.refusals import (
    BadChallenge,
    BadRequest,
    BadSignature,
    CentralFault,
    Fork,
    InviteUsed,
    NotEnrolled,
    Quarantined,
    Rollback,
    TakenOver,
    WrongJournal,
)
from sync.signatures import Said
from sync.wire import ChallengeAnswer
from tests.support.centrals import CENTRE, HOST, EnrolledNode, cloned, create_store, enrol, free_port, served, stream
from tests.support.links import OK_PAGE, REDIRECT, CuttingProxy, answering


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with served(tmp_path_factory.mktemp("central") / "home") as made:
        yield made


def sync(node: EnrolledNode, address: Address | None = None) -> SyncOutcome:
    return sync_once(node.store, address or node.address, now_s=lambda: int(time.time()))


def same_on_both_sides(central: Central, node: EnrolledNode) -> bool:
    """Whether central holds every entry of the node exactly once, and has countersigned them."""
    head = node.store.head()
    with central._archive_db.read() as tx:
        log = Log(tx, node.store.journal)
        theirs = log.head()
        assert theirs is not None
        held = list(log.entries(0, theirs.size))
        assert log.count() == theirs.size
    return held == list(node.store.entries(0, head.size)) and head.cosigned_size == theirs.cosigned_size == head.size


def test_a_node_syncs_its_entries_and_blobs_and_central_can_open_them(central: Central, node: EnrolledNode) -> None:
    papers = [os.urandom(size) for size in (10, 100_000, 700_000)]
    digests = [node.store.put_blob(paper) for paper in papers]
    for digest in digests:
        node.commit(3, blobs=(digest,))
    outcome = sync(node)
    assert outcome.complete
    assert same_on_both_sides(central, node)
    assert [central.fetch(digest) for digest in digests] == papers
    again = sync(node)
    assert (again.entries_sent, again.blob_bytes_sent) == (0, 0)


def test_more_entries_than_fit_into_a_batch_arrive(central: Central, node: EnrolledNode) -> None:
    node.commit(1100)
    assert sync(node).complete
    assert same_on_both_sides(central, node)


def test_orders_come_down_and_that_they_were_applied_goes_up(central: Central, node: EnrolledNode) -> None:
    central.lease(node.store.journal)
    outcome = sync(node)
    assert (outcome.orders_taken, outcome.complete) == (1, True)
    assert same_on_both_sides(central, node)
    central.order(node.store.journal, [NumbersLeased(prefix="PEW01", first=1, last=2)] * 3)
    assert sync(node).orders_taken == 3


def test_orders_that_do_not_fit_keep_no_entry_of_the_node_s_own_from_going_up(
    central: Central, node: EnrolledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    central.lease(node.store.journal)
    wrong = stream([Hello(node.store.journal, 3)])
    with monkeypatch.context() as patch:
        patch.setattr(Central, "orders_stream", lambda *_: wrong)
        with pytest.raises(WrongJournal):
            sync(node)
    assert same_on_both_sides(central, node)
    assert sync(node).orders_taken == 1


@pytest.mark.parametrize("seed", range(3))
def test_a_link_that_dies_anywhere_costs_little_and_loses_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    port = free_port()
    proxy = CuttingProxy(port)
    with served(tmp_path / "central", port=port, url=proxy.url) as central:
        node = enrol(tmp_path / "node", central.invite(*CENTRE))
        digests = [node.store.put_blob(os.urandom(200_000)) for _ in range(3)]
        node.commit(200)
        node.commit(1, blobs=tuple(digests))
        payload = sum(map(entry_bytes, node.store.entries(1, node.store.head().size))) + 3 * 200_500
        proxy.carried.clear()
        cuts = [chance.randrange(400, 400_000) for _ in range(6)]
        proxy.budgets[:] = cuts
        failures = 0
        while proxy.budgets:
            try:
                sync(node)
            except NetworkError:
                failures += 1
        assert sync(node).complete
        assert failures >= 2
        assert same_on_both_sides(central, node)
        assert all(central.fetch(digest) for digest in digests)
        # For each cut: a handshake and two requests, and what was on its way or not yet a whole piece.
        assert sum(proxy.carried) <= payload * 1.05 + (failures + 1) * 128 * 1024
    proxy.close()
    node.store.close()


def entry_bytes(entry: Entry) -> int:
    return len(entry.header_bytes) + len(entry.salt or b"") + len(entry.body or b"")


def test_central_that_dies_between_storing_and_countersigning_acknowledges_when_it_is_back(tmp_path: Path) -> None:
    died: list[JournalId] = []

    def die(journal: JournalId) -> None:
        died.append(journal)
        raise RuntimeError

    port = free_port()
    with served(tmp_path / "central", port=port) as central:
        node = enrol(tmp_path / "node", central.invite(*CENTRE))
    node.commit(5)
    with served(tmp_path / "central", port=port, stored=die), pytest.raises(CentralFault):
        sync(node)
    assert node.store.head().cosigned_size == 1
    with served(tmp_path / "central", port=port) as central:
        outcome = sync(node)
        assert (outcome.complete, outcome.entries_sent) == (True, 0)
        assert same_on_both_sides(central, node)
    assert died == [node.store.journal]
    node.store.close()


def test_sessions_of_one_node_at_once_do_no_harm(central: Central, node: EnrolledNode) -> None:
    blobs = [node.store.put_blob(os.urandom(300_000)) for _ in range(4)]
    for blob in blobs:
        node.commit(50, blobs=(blob,))
    failures: list[BaseException] = []

    def one() -> None:
        try:
            sync(node)
        except NetworkError as error:
            failures.append(error)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sync(node).complete
    assert same_on_both_sides(central, node)


def test_a_newer_session_ends_a_stream_that_hangs(central: Central, node: EnrolledNode) -> None:
    node.commit(3)
    sent, go_on = threading.Event(), threading.Event()
    caught: list[BaseException] = []

    def hanging() -> Iterator[bytes]:
        yield stream([Hello(node.store.journal, node.store.head().size)], end=False)
        sent.set()
        go_on.wait(30)
        yield b""

    def hang() -> None:
        try:
            signed_call(node, "POST", wire.STREAM, hanging())
        except NetworkError as error:
            caught.append(error)

    thread = threading.Thread(target=hang)
    thread.start()
    assert sent.wait(30)
    assert sync(node).complete
    go_on.set()
    thread.join()
    assert isinstance(caught[0], TakenOver | NetworkError)


# Requests that must not be believed


def signed_call(
    node: EnrolledNode,
    method: str,
    path: str,
    body: bytes | Iterator[bytes] | None = None,
    *,
    nonce: str | None = None,
    seed: bytes | None = None,
    sent: list[requests.PreparedRequest] | None = None,
) -> bytes:
    """A signed request by hand; a stream is of a session that was just opened."""
    with Link(node.address) as link:
        session, offset = signatures.NO_SESSION, 0
        if path == wire.STREAM:
            head = node.store.head()
            calls = Calls(link, Caller(node.store.journal, node.store.secret(NODE_KEY), lambda: 0))
            answer = calls.open(head.checkpoint, head.size, head.cosigned, 0)
            session, offset = answer.session, answer.staged
        headers = {signatures.JOURNAL_HEADER: node.store.journal}
        fresh = link.call("GET", wire.CHALLENGE, limit=1000, headers=headers).body
        challenge = msgspec.json.decode(fresh, type=ChallengeAnswer).challenge

        def sign(request: requests.PreparedRequest) -> None:
            signatures.sign(
                request,
                Said(node.store.head().size, nonce or challenge, session, offset),
                seed=seed or node.store.secret(NODE_KEY),
                journal=node.store.journal,
                now_s=0,
            )
            if sent is not None:
                sent.append(request)

        return link.call(method, path, limit=wire.MAX_ANSWER, body=body, sign=sign).body


def test_a_request_that_is_sent_again_is_refused(node: EnrolledNode) -> None:
    sent: list[requests.PreparedRequest] = []
    signed_call(node, "GET", f"{wire.ORDERS}?from=0", sent=sent)
    headers = {name: str(value) for name, value in sent[0].headers.items()}
    with Link(node.address) as link, pytest.raises(BadChallenge):
        link.call("GET", f"{wire.ORDERS}?from=0", limit=1000, headers=headers)
    with Link(node.address) as link, pytest.raises(BadSignature):
        link.call("GET", f"{wire.ORDERS}?from=1", limit=1000, headers=headers)


def test_a_request_by_another_key_or_for_no_challenge_is_refused(node: EnrolledNode) -> None:
    with pytest.raises(BadSignature):
        signed_call(node, "GET", f"{wire.ORDERS}?from=0", seed=b"x" * 32)
    with pytest.raises(BadChallenge):
        signed_call(node, "GET", f"{wire.ORDERS}?from=0", nonce="made up")


def test_a_request_signed_for_another_address_of_central_is_refused(node: EnrolledNode) -> None:
    elsewhere = Address(node.address.url.replace(HOST, "localhost"), node.address.authority)
    with pytest.raises(BadSignature):
        sync(node, elsewhere)


@pytest.mark.parametrize("path", [wire.STREAM, wire.SESSION, f"{wire.ORDERS}?from=0"])
def test_a_request_that_is_not_signed_is_refused(node: EnrolledNode, path: str) -> None:
    method = "GET" if path.startswith(wire.ORDERS) else "POST"
    for headers in ({}, {"sanad-journal": node.store.journal, "sanad-offered-size": "1"}):
        with Link(node.address) as link, pytest.raises((BadSignature, BadRequest)):
            link.call(method, path, limit=1000, headers=headers)


def test_a_node_that_is_not_enrolled_is_refused(central: Central, node: EnrolledNode, tmp_path: Path) -> None:
    invite = central.invite(*CENTRE)
    stranger = create_store(tmp_path / "stranger", NodeKeys.generate(os.urandom), invite)
    with pytest.raises(NotEnrolled) as caught:
        sync_once(stranger, node.address, now_s=lambda: 0)
    assert isinstance(caught.value, OperatorError)
    stranger.close()


def test_an_invite_is_good_for_one_node_over_the_wire_too(central: Central, tmp_path: Path) -> None:
    invite = central.invite(*CENTRE)
    first = enrol(tmp_path / "first", invite)
    again = enrol_request(
        invite,
        journal=first.store.signer,
        node_key=first.keys.node,
        centre_key=first.keys.centre,
        recipient=age.recipient_of(first.keys.age_identity),
        entry=next(first.store.entries(0, 1)),
    )
    assert again == first.enrolled
    with pytest.raises(InviteUsed):
        enrol(tmp_path / "second", invite)
    first.store.close()


@pytest.mark.parametrize(("entries", "error"), [(4, Fork), (6, IntegrityError)])
def test_a_cloned_node_is_refused_and_the_first_goes_on(
    central: Central, node: EnrolledNode, tmp_path: Path, entries: int, error: type[IntegrityError]
) -> None:
    node.commit(3)
    sync(node)
    clone = cloned(node, tmp_path / "clone")
    node.commit(4)
    clone.commit(entries)
    assert sync(node).complete
    with pytest.raises(error) as caught:
        sync(clone)
    assert caught.value.next_step
    node.commit(2)
    if error is Fork:
        # Nobody but a person can tell which of the two is the node.
        for each in (clone, node):
            with pytest.raises(Quarantined):
                sync(each)
        central.fleet.lift(node.store.journal, "The copy was found and unplugged.", "tester")
    assert sync(node).complete
    assert same_on_both_sides(central, node)
    clone.store.close()


def test_a_node_put_back_from_a_backup_is_told_that_it_is_an_older_copy(node: EnrolledNode, tmp_path: Path) -> None:
    node.commit(3)
    backup = cloned(node, tmp_path / "backup")
    node.commit(4)
    sync(node)
    with pytest.raises(Rollback, match="older copy"):
        sync(backup)
    backup.store.close()


def test_a_tampered_stream_is_refused_in_words_though_its_sender_goes_on(central: Central, node: EnrolledNode) -> None:
    def endless() -> Iterator[bytes]:
        yield stream([Hello(node.store.journal, node.store.head().size)], end=False)
        for _ in range(200):
            yield os.urandom(16 * 1024)

    with pytest.raises(IntegrityError):
        signed_call(node, "POST", wire.STREAM, endless())
    assert sync(node).complete


def test_a_sender_that_was_cut_off_hears_why_at_its_next_session(
    node: EnrolledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflow, "DRAIN_BYTES", 0)

    def endless() -> Iterator[bytes]:
        yield stream([Hello(node.store.journal, node.store.head().size)], end=False)
        for _ in range(2000):
            yield os.urandom(16 * 1024)

    with pytest.raises(NetworkError):
        signed_call(node, "POST", wire.STREAM, endless())
    with pytest.raises(IntegrityError, match="frame"):
        sync(node)
    assert sync(node).complete


# Blobs that are not there


def test_a_blob_that_this_node_has_lost_is_named_and_blocks_nothing(central: Central, node: EnrolledNode) -> None:
    digests = [node.store.put_blob(os.urandom(50_000)) for _ in range(3)]
    node.commit(1, blobs=tuple(digests))
    place = node.store.layout.blobs
    (place / digests[0][:2] / digests[0]).unlink()
    (place / digests[1][:2] / digests[1]).write_bytes(b"damaged")
    outcome = sync(node)
    assert set(outcome.missing) == set(digests[:2])
    assert not outcome.complete
    assert outcome.cosigned_size == outcome.size
    assert central.fetch(digests[2])
    assert set(sync(node).missing) == set(digests[:2])


# What answers in central's place


def own_tls(folder: Path, authority: Authority) -> ssl.SSLContext:
    key = new_key()
    certificate = authority.certify_server(key.public_key(), [HOST], datetime.now(UTC))
    pem = certificate.public_bytes(Encoding.PEM)
    pem += key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "portal.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "portal.pem")
    return context


def at(node: EnrolledNode, port: int) -> Address:
    return Address(f"https://{HOST}:{port}", node.address.authority)


@pytest.mark.parametrize("page", [OK_PAGE, REDIRECT])
def test_a_captive_portal_with_a_certificate_of_its_own_is_not_believed(
    node: EnrolledNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: bytes
) -> None:
    portal = Authority.create("Portal", datetime.now(UTC))
    bundle = tmp_path / "portal-ca.pem"
    bundle.write_bytes(portal.certificate.public_bytes(Encoding.PEM))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(bundle))
    context = own_tls(tmp_path, portal)
    with answering(page, lambda raw: context.wrap_socket(raw, server_side=True)) as port:
        with pytest.raises(NotOurCentral, match="not our central"):
            sync(node, at(node, port))
        monkeypatch.setenv("HTTPS_PROXY", f"http://{HOST}:{port}")
        assert sync(node).complete


@pytest.mark.parametrize("page", [OK_PAGE, REDIRECT, b"", b"\x00" * 10, b"SSH-2.0-x\r\n"])
def test_a_server_without_tls_is_not_believed(node: EnrolledNode, page: bytes) -> None:
    with answering(page) as port, pytest.raises(NetworkError) as caught:
        sync(node, at(node, port))
    assert caught.value.next_step
    if page.startswith(b"HTTP"):
        assert isinstance(caught.value, NotOurCentral)


def test_a_central_of_another_authority_cannot_enrol_a_node(central: Central, tmp_path: Path) -> None:
    good = central.invite(*CENTRE)
    other = Authority.create("Portal", datetime.now(UTC)).certificate.public_bytes(Encoding.DER)
    wrong = msgspec.structs.replace(good, authority=other)
    assert isinstance(wrong, Invite)
    with pytest.raises(NotOurCentral):
        enrol(tmp_path / "node", wrong)


def test_no_central_no_name_and_no_route_are_told_apart(node: EnrolledNode) -> None:
    with pytest.raises(NetworkError, match="not running"):
        sync(node, at(node, free_port()))
    with pytest.raises(NetworkError, match="name was not found"):
        sync(node, Address("https://central.invalid", node.address.authority))


def test_a_certificate_that_is_not_valid_by_this_clock_is_said_to_be_the_clock_s(
    node: EnrolledNode, tmp_path: Path, central: Central
) -> None:
    key = new_key()
    certificate = central._authority.certify_server(key.public_key(), [HOST], datetime(2001, 1, 1, tzinfo=UTC))
    pem = certificate.public_bytes(Encoding.PEM)
    (tmp_path / "old.pem").write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "old.pem")
    with (
        answering(OK_PAGE, lambda raw: context.wrap_socket(raw, server_side=True)) as port,
        pytest.raises(NotOurCentral, match="clock"),
    ):
        sync(node, at(node, port))


# The server by itself


def port_of(node: EnrolledNode) -> int:
    return int(node.address.url.rpartition(":")[2])


def test_only_tls_1_3_is_spoken(node: EnrolledNode) -> None:
    found = {}
    for version in ("-tls1_2", "-tls1_3"):
        command = ["openssl", "s_client", version, "-connect", f"{HOST}:{port_of(node)}"]
        found[version] = subprocess.run(command, input=b"", capture_output=True, timeout=30, check=False).stdout
    assert b"TLSv1.3" in found["-tls1_3"]
    assert b"BEGIN CERTIFICATE" not in found["-tls1_2"]


def test_health_is_told_and_everything_else_is_refused_in_json(node: EnrolledNode) -> None:
    with Link(node.address) as link:
        assert link.call("GET", wire.HEALTH, limit=100).body == b'{"status":"ok"}'
        for path in ("/v1", "/docs", "/openapi.json", "/v1/../etc/passwd"):
            with pytest.raises(BadRequest) as caught:
                link.call("GET", path, limit=1000)
            assert caught.value.next_step
        with pytest.raises(BadRequest):
            link.call("PUT", wire.STREAM, limit=1000)


def test_a_request_that_is_too_large_is_refused(node: EnrolledNode) -> None:
    with pytest.raises(BadRequest, match="larger"):
        signed_call(node, "POST", wire.SESSION, b"x" * (wire.MAX_SESSION + 1))
    with Link(node.address) as link, pytest.raises(BadRequest, match="larger"):
        link.call("POST", wire.ENROL, limit=1000, body=(b"x" * 10_000 for _ in range(40)))


def test_a_client_that_says_nothing_or_half_a_head_is_let_go(
    node: EnrolledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve_module, "IDLE_TIMEOUT_S", 0.2)
    context = ssl.create_default_context(cadata=node.address.authority)
    for said in (b"", b"GET /healthz HTTP/1.1\r\nHost: ", b"GET"):
        with (
            socket.create_connection((HOST, port_of(node)), timeout=20) as raw,
            context.wrap_socket(raw, server_hostname=HOST) as client,
        ):
            client.sendall(said)
            assert client.recv(1000) == b""


def test_an_error_in_a_frame_is_told_to_the_node(node: EnrolledNode) -> None:
    with pytest.raises(IntegrityError) as caught:
        signed_call(node, "POST", wire.STREAM, b"no frames at all")
    assert "frames" in caught.value.sentence
