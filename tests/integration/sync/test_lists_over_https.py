"""The public lists on their way: to anybody who asks, and to a node at each sync."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from appliance.certificates.lists import BadLists, OlderLists, PublicLists, TrustedSigner
from appliance.certificates.listsfile import read_lists, write_lists
from appliance.journal.errors import SanadError
from appliance.journal.notes import Signer
from appliance.records import folding, tables
from appliance.records.moment import at_text
from appliance.store import publiclists
from provisioning.listsstanding import lists_standing
from sync import courier, courierdisk, wire
from sync.agent import fetch_lists_now, sync_once
from sync.central.central import LISTS_KEY, Central
from sync.central.publishing import Publication
from sync.link import Link
from sync.outcome import SyncOutcome
from sync.refusals import BadRequest, BadSignature, NotEnrolled, Quarantined
from tests.support.centrals import CENTRE, EnrolledNode, cloned, enrol, free_port, served
from tests.support.lists import later
from tests.support.lists import publisher as another_publisher
from tests.support.nodes import real_clock as now


def sync(node: EnrolledNode) -> SyncOutcome:
    return sync_once(node.store, node.address, now_s=lambda: int(time.time()))


def get(central: Central, path: str, **headers: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        session.headers.clear()
        return session.get(central.url + path, headers=headers, verify=str(central.layout.authority), timeout=30)


def kept(node: EnrolledNode) -> PublicLists:
    found = publiclists.kept(node.store)
    assert found.lists is not None, found.trouble
    return found.lists


def node_rows(node: EnrolledNode) -> list[tuple[object, ...]]:
    with node.store.read() as tx:
        return tx.all(select(tables.ordered_lists))


def folded(central: Central, node: EnrolledNode) -> list[tuple[object, ...]]:
    """The same table as central folds it, once it has all of the node's entries."""
    assert sync(node).complete
    central.index.settle(30)
    with central._index_db.read() as tx:
        return [tuple(row) for row in tx.all(select(tables.ordered_lists))]


def refused_sync(node: EnrolledNode) -> type[SanadError]:
    with pytest.raises(SanadError) as refused:
        sync(node)
    return refused.type


def key_of_kind(central: Central, kind: str) -> str:
    """What names the first key of this kind."""
    return next(each for each in central.trust.publish().lists.trust.signers if each.kind == kind).kid.hex()


def centre_key(lists: PublicLists) -> TrustedSigner:
    (found,) = [each for each in lists.trust.signers if each.kind == "centre"]
    return found


def lay(central: Central, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let central give these bytes for its lists, whatever they are."""
    given = Publication(central.trust.publish().lists, content)
    monkeypatch.setattr(central.trust, "current", lambda: given)


# Anybody


def test_anybody_gets_the_lists_as_text_and_only_once(central: Central) -> None:
    answer = get(central, wire.LISTS)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.content == (central.layout.home / "lists").read_bytes()
    assert read_lists(answer.content, [central.trust.key]) == central.trust.publish().lists
    for tag in (answer.headers["etag"], f'"other", W/{answer.headers["etag"]}'):
        again = get(central, wire.LISTS, **{"if-none-match": tag})
        assert (again.status_code, again.content) == (304, b"")
    assert get(central, wire.LISTS, **{"if-none-match": '"other"'}).status_code == 200


def test_whoever_can_take_them_compressed_gets_them_so(central: Central) -> None:
    with requests.Session() as session:
        answer = session.get(
            central.url + wire.LISTS,
            headers={"accept-encoding": "gzip"},
            verify=str(central.layout.authority),
            stream=True,
            timeout=30,
        )
        assert answer.headers["content-encoding"] == "gzip"
        raw = answer.raw.read(decode_content=False)
    assert len(raw) < central.layout.lists.stat().st_size
    assert gzip.decompress(raw) == central.layout.lists.read_bytes()


@pytest.mark.parametrize("reason", ["compromised", "left", "lost", "replaced"])
def test_openssl_finds_a_revoked_key_in_the_revocation_list_that_anybody_gets(
    central: Central, node: EnrolledNode, tmp_path: Path, reason: str
) -> None:
    def openssl(*words: str) -> str:
        run = subprocess.run(["openssl", *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        return run.stdout + run.stderr

    def fetch() -> None:
        answer = get(central, wire.CRL)
        assert answer.headers["content-type"] == "application/pkix-crl"
        (tmp_path / "crl.der").write_bytes(answer.content)

    shutil.copy(central.layout.authority, tmp_path / "ca.pem")
    certificate = x509.load_der_x509_certificate(node.enrolled.centre_certificate)
    (tmp_path / "centre.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    check = ("verify", "-x509_strict", "-crl_check", "-CAfile", "ca.pem", "-CRLfile", "crl.der", "centre.pem")
    fetch()
    assert "verify OK" in openssl("crl", "-in", "crl.der", "-inform", "DER", "-CAfile", "ca.pem", "-noout", "-verify")
    assert "centre.pem: OK" in openssl(*check)
    before = int(openssl("crl", "-in", "crl.der", "-noout", "-crlnumber").strip().rpartition("=")[2], 16)
    signer = centre_key(central.trust.publish().lists)
    central.trust.revoke(signer.kid.hex(), reason)
    fetch()
    assert "verify OK" in openssl("crl", "-in", "crl.der", "-inform", "DER", "-CAfile", "ca.pem", "-noout", "-verify")
    assert "certificate revoked" in openssl(*check)
    assert int(openssl("crl", "-in", "crl.der", "-noout", "-crlnumber").strip().rpartition("=")[2], 16) > before
    words = {"left": "Affiliation Changed", "replaced": "Superseded"}.get(reason, "Key Compromise")
    assert words in openssl("crl", "-in", "crl.der", "-noout", "-text")


# A node


def test_a_node_has_the_lists_after_it_synced(central: Central, node: EnrolledNode) -> None:
    outcome = sync(node)
    assert (outcome.complete, outcome.lists_trouble) == (True, "")
    assert kept(node) == central.trust.publish().lists
    assert node.store.layout.lists.read_bytes() == central.layout.lists.read_bytes()


def test_a_node_that_has_just_enrolled_gets_the_lists_without_a_sync(central: Central, node: EnrolledNode) -> None:
    assert fetch_lists_now(node.store, node.address) == ""
    assert centre_key(kept(node)).centre == CENTRE[0]


def test_a_node_takes_up_what_central_publishes_later(central: Central, node: EnrolledNode) -> None:
    sync(node)
    kid = centre_key(kept(node)).kid.hex()
    central.trust.revoke(kid, "compromised")
    sync(node)
    assert centre_key(kept(node)).reason == "compromised"


def test_a_node_fetches_nothing_that_it_has(
    central: Central, node: EnrolledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(node)
    statuses: list[int] = []
    call = Link.call

    def noted(self: Link, method: str, path: str, **more: object) -> object:
        reply = call(self, method, path, **more)  # type: ignore[arg-type]
        if path == wire.LISTS:
            statuses.append(reply.status)
        return reply

    monkeypatch.setattr(Link, "call", noted)
    assert sync(node).lists_trouble == ""
    assert statuses == [304]


def test_a_node_that_has_lists_fetches_only_what_changed(
    central: Central, node: EnrolledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(node)
    for hours in (1, 2):
        central.trust.revoke(
            centre_key(central.trust.publish().lists).kid.hex(), "lost", now() - timedelta(hours=hours)
        )
        assert get(central, wire.LISTS, **{"a-im": "sanad-lines"}).status_code == 200
    carried: list[tuple[int, int]] = []
    call = Link.call

    def noted(self: Link, method: str, path: str, **more: object) -> object:
        reply = call(self, method, path, **more)  # type: ignore[arg-type]
        if path == wire.LISTS:
            carried.append((reply.status, len(reply.body)))
        return reply

    monkeypatch.setattr(Link, "call", noted)
    assert sync(node).lists_trouble == ""
    ((status, size),) = carried
    assert status == 226
    assert size < len(central.layout.lists.read_bytes()) / 2
    assert kept(node) == central.trust.publish().lists


@pytest.mark.parametrize("junk", [b"", b"<html>", b"=0 1\n.\n", b"=0 999999999\n.\n"])
def test_changes_that_do_not_fit_are_left_for_the_whole_lists(
    central: Central, node: EnrolledNode, monkeypatch: pytest.MonkeyPatch, junk: bytes
) -> None:
    sync(node)
    central.trust.revoke(centre_key(kept(node)).kid.hex(), "lost")
    monkeypatch.setattr("sync.central.publicdesk.PublicDesk._changes", lambda *_: ('"any"', junk))
    assert sync(node).lists_trouble == ""
    assert kept(node) == central.trust.publish().lists


def test_a_file_that_was_put_back_at_a_node_shows_and_the_next_sync_brings_the_newest(
    central: Central, node: EnrolledNode
) -> None:
    sync(node)
    older = node.store.layout.lists.read_bytes()
    central.trust.revoke(centre_key(kept(node)).kid.hex(), "compromised")
    sync(node)
    node.store.layout.lists.write_bytes(older)
    assert "put back" in publiclists.kept(node.store).trouble
    with pytest.raises(OlderLists):
        publiclists.keep(node.store, older)
    assert sync(node).lists_trouble == ""
    assert centre_key(kept(node)).reason == "compromised"


def test_a_file_that_was_taken_away_or_spoilt_at_a_node_shows_and_comes_back(
    central: Central, node: EnrolledNode
) -> None:
    sync(node)
    node.store.layout.lists.unlink()
    assert "taken" in publiclists.kept(node.store).trouble
    sync(node)
    node.store.layout.lists.write_bytes(b"spoilt")
    assert "cannot be used" in publiclists.kept(node.store).trouble
    assert sync(node).lists_trouble == ""
    assert kept(node) == central.trust.publish().lists


@pytest.mark.parametrize(
    "junk",
    [b"", b"<html>Sign in to this network</html>", b"\x00" * 100_000, b"sanad/lists/", b"\n\n\n\n"],
    ids=["nothing", "portal", "zeros", "beginning", "lines"],
)
def test_whatever_comes_in_place_of_lists_a_node_keeps_its_own_and_syncs_its_entries(
    central: Central, node: EnrolledNode, monkeypatch: pytest.MonkeyPatch, junk: bytes
) -> None:
    sync(node)
    before = kept(node)
    node.commit(3)
    lay(central, junk, monkeypatch)
    outcome = sync(node)
    assert outcome.complete
    assert outcome.lists_trouble != ""
    assert kept(node) == before


def test_lists_that_were_cut_on_the_way_are_not_kept(
    central: Central, node: EnrolledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(node)
    before = kept(node)
    content = central.layout.lists.read_bytes()
    lay(central, content[: len(content) // 2], monkeypatch)
    assert sync(node).lists_trouble != ""
    assert kept(node) == before


def test_lists_without_end_are_not_read_to_their_end(
    central: Central, node: EnrolledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.listsfetch.MAX_LISTS", 10_000)
    lay(central, b"#" * 5_000_000, monkeypatch)
    outcome = sync(node)
    assert outcome.complete
    assert "not understood" in outcome.lists_trouble
    assert publiclists.kept(node.store).lists is None


def test_a_central_that_knows_no_lists_is_synced_with_all_the_same(
    central: Central, node: EnrolledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "LISTS", "/v1/nothing")
    outcome = sync(node)
    assert outcome.complete
    assert outcome.lists_trouble != ""


def test_lists_by_another_central_are_not_kept(
    central: Central, node: EnrolledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(node)
    before = kept(node)
    for signer in (another_publisher(), Signer(central.trust.key.name, b"another seed".ljust(32))):
        newest = later(central.trust.publish().lists, seconds=9)
        lay(central, write_lists(newest.trust, newest.revocations, signer), monkeypatch)
        assert "nobody here trusts" in sync(node).lists_trouble
        assert kept(node) == before


def test_lists_that_go_back_or_forget_are_not_kept(
    central: Central, node: EnrolledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Signer(central.trust.key.name, central._secret(LISTS_KEY))
    sync(node)
    now = kept(node)
    past, forgetful = later(now, seconds=-9), later(now, seconds=9)
    forgetful = replace(forgetful, trust=replace(forgetful.trust, signers=()))
    for bad in (past, forgetful):
        with pytest.raises(OlderLists):
            publiclists.keep(node.store, write_lists(bad.trust, bad.revocations, own))
        with pytest.raises(BadLists):
            publiclists.keep(node.store, write_lists(bad.trust, bad.revocations, another_publisher()))
    assert kept(node) == now


# What central's orders tell of the lists


def standing(node: EnrolledNode) -> str:
    return lists_standing(node.store).words


def without_revocations(central: Central) -> bytes:
    """Lists under the number of those that are published, by the same key, by which no key has ended."""
    lists = central.trust.publish().lists
    trust = replace(lists.trust, signers=tuple(replace(s, revoked_at=None, reason="") for s in lists.trust.signers))
    return write_lists(trust, lists.revocations, Signer(central.trust.key.name, central._secret(LISTS_KEY)))


def test_an_idle_node_is_ordered_to_know_lists_by_which_a_key_has_ended(central: Central, node: EnrolledNode) -> None:
    sync(node)
    central.trust.revoke(centre_key(kept(node)).kid.hex(), "compromised")
    sync(node)
    published = central.trust.publish()
    ordered = publiclists.kept(node.store).ordered
    assert ordered == publiclists.Ordered(published.lists.number, at_text(published.lists.at), published.sha256)
    assert kept(node) == published.lists
    assert folded(central, node) == [tuple(row) for row in node_rows(node)]


def test_an_older_copy_of_a_home_is_stopped_and_knows_all_the_same_which_keys_have_ended(
    central: Central, node: EnrolledNode, tmp_path: Path
) -> None:
    sync(node)
    copy = cloned(node, tmp_path / "copy")
    central.trust.revoke(centre_key(kept(node)).kid.hex(), "compromised")
    node.commit()
    sync(node)
    refusals = [refused_sync(copy) for _ in range(3)]
    assert refusals[-1] is Quarantined
    assert kept(copy) == central.trust.publish().lists
    assert publiclists.kept(copy.store).ordered == publiclists.kept(node.store).ordered
    copy.store.close()


def test_a_node_in_quarantine_is_ordered_to_know_what_ended_since_and_reads_the_lists(
    central: Central, node: EnrolledNode
) -> None:
    sync(node)
    central.fleet.stop(node.store.journal, "Its box was stolen.", "ayesha")
    central.trust.revoke(centre_key(kept(node)).kid.hex(), "compromised")
    assert refused_sync(node) is Quarantined
    published = central.trust.publish()
    assert kept(node) == published.lists
    ordered = publiclists.kept(node.store).ordered
    assert ordered is not None
    assert ordered.sha256 == published.sha256


def test_a_central_that_forgot_the_order_has_it_back_from_the_node_and_both_know_the_newest(tmp_path: Path) -> None:
    home, port = tmp_path / "central", free_port()
    with served(home, port=port) as central:
        node = enrol(tmp_path / "node", central.invite(*CENTRE))
        sync(node)
        central.trust.revoke(key_of_kind(central, "timestamp"), "lost")
        sync(node)
    shutil.copytree(home, tmp_path / "backup")
    with served(home, port=port) as central:
        central.trust.revoke(key_of_kind(central, "centre"), "compromised")
        sync(node)
        newest = publiclists.kept(node.store).ordered
    shutil.rmtree(home)
    shutil.copytree(tmp_path / "backup", home)
    with served(home, port=port) as central:
        for _ in range(3):
            sync(node)
        central.index.settle(30)
        with node.store.read() as mine, central._index_db.read() as theirs:
            folding.same_tables(mine, theirs, node.store.journal)
        found = publiclists.kept(node.store)
        assert newest is not None
        assert found.ordered is not None
        assert found.ordered.number >= newest.number
        assert found.trouble == ""
        assert found.lists == central.trust.publish().lists
    node.store.close()


def test_lists_and_the_memory_of_them_that_were_put_back_show_by_the_orders(
    central: Central, node: EnrolledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(node)
    older, number = node.store.layout.lists.read_bytes(), str(kept(node).number)
    central.trust.revoke(centre_key(kept(node)).kid.hex(), "compromised")
    with monkeypatch.context() as darkness:
        darkness.setattr("sync.listsfetch.fetch_lists", lambda *_: False)
        darkness.setattr("sync.calls.fetch_lists", lambda *_: False)
        sync(node)
    node.store.layout.lists.write_bytes(older)
    node.store.remember(**{publiclists.NUMBER: number})
    assert "Central has newer public lists" in standing(node)
    assert publiclists.kept(node.store).content == older
    assert not publiclists.keep(node.store, older)
    sync(node)
    assert "Central has newer" not in standing(node)
    assert centre_key(kept(node)).reason == "compromised"


def test_other_lists_under_the_number_that_was_ordered_are_not_kept(
    central: Central, node: EnrolledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(node)
    before = kept(node)
    central.trust.revoke(centre_key(before).kid.hex(), "compromised")
    right = central.trust.publish().content
    with monkeypatch.context() as forged:
        lay(central, without_revocations(central), forged)
        assert "not those that central's orders tell of" in sync(node).lists_trouble
    assert kept(node) == before
    assert publiclists.keep(node.store, right)


def test_a_receipt_brings_the_order_and_the_lists(central: Central, node: EnrolledNode, stick: Path) -> None:
    sync(node)
    central.trust.revoke(centre_key(kept(node)).kid.hex(), "lost")
    (found,) = courierdisk.find(courier.export(node.store, stick).files[0])
    taken = central.courier.take(found)
    receipt = central.courier.write_receipt(
        taken.journal, stick, number=taken.number, orders_held=taken.orders_held, orders_root=taken.orders_root
    )
    (found,) = courierdisk.find(receipt.place)
    courier.take_receipt(node.store, found)
    ordered = publiclists.kept(node.store).ordered
    assert ordered is not None
    assert ordered.number == kept(node).number == central.trust.publish().lists.number


def test_a_central_restored_from_a_backup_is_given_back_what_a_node_holds(tmp_path: Path) -> None:
    home, port = tmp_path / "central", free_port()
    with served(home, port=port) as central:
        node = enrol(tmp_path / "node", central.invite(*CENTRE))
        sync(node)
    shutil.copytree(home, tmp_path / "backup")
    with served(home, port=port) as central:
        signer = centre_key(central.trust.publish().lists)
        central.trust.revoke(signer.kid.hex(), "compromised")
        sync(node)
        held = kept(node)
    shutil.rmtree(home)
    shutil.copytree(tmp_path / "backup", home)
    with served(home, port=port) as central:
        assert central.trust.publish().lists.number < held.number
        assert sync(node).lists_trouble == ""
        assert centre_key(central.trust.publish().lists).reason == "compromised"
        assert kept(node).number >= held.number
    node.store.close()


def test_a_node_out_of_service_is_refused_from_then_on(central: Central, node: EnrolledNode) -> None:
    sync(node)
    central.trust.revoke(node.store.journal, "lost")
    node.commit()
    with pytest.raises(NotEnrolled, match="out of service"):
        sync(node)


def test_strangers_hand_back_nothing(central: Central, node: EnrolledNode) -> None:
    sync(node)
    with Link(node.address) as link, pytest.raises(SanadError) as refused:
        link.call("POST", wire.LISTS, limit=wire.MAX_ANSWER, body=central.layout.lists.read_bytes())
    assert isinstance(refused.value, BadSignature | BadRequest)
