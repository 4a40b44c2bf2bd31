"""Enrolling by hand: what central asks for, and what it answers to whom."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509

from appliance.journal.checkpoint import open_checkpoint, open_cosignature
from appliance.journal.errors import OperatorError, SanadError
from appliance.journal.kinds import NumbersLeased, decode_body
from appliance.journal.notes import VerifierKey
from appliance.sealing import age
from sync.central import registry
from sync.central.central import Central
from sync.centre import centre_request, centre_subject, check_centre_certificate
from sync.invite import EnrolAnswer, EnrolRequest, Invite
from sync.refusals import InviteExpired, InviteUnknown, InviteUsed
from tests.support.centrals import CENTRE, Scribe, new_central


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    made = new_central(tmp_path / "central")
    yield made
    made.close()


def opened(centre: str = CENTRE[0]) -> Scribe:
    scribe = Scribe()
    scribe.opens(centre)
    return scribe


def ask(central: Central, request: EnrolRequest) -> EnrolAnswer:
    return msgspec.json.decode(central.enrol(msgspec.json.encode(request)), type=EnrolAnswer)


def block(answer: EnrolAnswer) -> NumbersLeased:
    body = decode_body("numbers.leased", answer.orders[1][2] or b"")
    assert isinstance(body, NumbersLeased)
    return body


def test_an_invited_node_gets_a_certificate_keys_orders_and_a_cosignature(central: Central) -> None:
    scribe = opened()
    answer = ask(central, scribe.request(central.invite(*CENTRE)))
    assert open_checkpoint(answer.cosigned, scribe.signer.verifier) == scribe.checkpoint(1)
    open_cosignature(answer.cosigned, VerifierKey.parse(answer.cosigner))
    orders = open_checkpoint(answer.orders_checkpoint, VerifierKey.parse(answer.orders_key))
    assert orders.size == len(answer.orders) == 2
    assert (block(answer).prefix, block(answer).first) == (CENTRE[0], 1)
    assert [status.node.journal for status in central.nodes()] == [scribe.journal]


def test_the_centre_s_key_is_certified_for_the_centre_and_central_keeps_the_certificate(central: Central) -> None:
    scribe, invite = opened(), central.invite(*CENTRE)
    answer = ask(central, scribe.request(invite))
    check_centre_certificate(answer.centre_certificate, invite.authority, scribe.centre_key, *CENTRE)
    (status,) = central.nodes()
    assert status.node.centre_certificate == answer.centre_certificate
    named = x509.load_der_x509_certificate(answer.centre_certificate).subject
    assert named == centre_subject(*CENTRE)


def test_the_same_node_that_asks_again_is_answered_the_same(central: Central) -> None:
    scribe, invite = opened(), central.invite(*CENTRE)
    body = msgspec.json.encode(scribe.request(invite))
    assert central.enrol(body) == central.enrol(body)
    assert len(central.nodes()) == 1


def test_an_invite_that_was_used_is_refused_to_another_node(central: Central) -> None:
    invite = central.invite(*CENTRE)
    ask(central, opened().request(invite))
    with pytest.raises(InviteUsed):
        ask(central, opened().request(invite))
    assert len(central.nodes()) == 1


def test_an_invite_that_was_used_is_refused_to_the_same_journal_with_another_node_key(central: Central) -> None:
    scribe, invite = opened(), central.invite(*CENTRE)
    ask(central, scribe.request(invite))
    thief = Scribe(seed=scribe.seed, identity=scribe.identity)
    thief.opens()
    with pytest.raises(InviteUsed):
        ask(central, thief.request(invite))


def test_an_invite_that_was_used_is_refused_to_the_same_node_with_another_centre_s_key(central: Central) -> None:
    scribe, invite = opened(), central.invite(*CENTRE)
    ask(central, scribe.request(invite))
    scribe.centre_key = Scribe().centre_key
    with pytest.raises(InviteUsed):
        ask(central, scribe.request(invite))


def test_an_invite_is_refused_after_a_day_but_its_node_is_answered_again(central: Central) -> None:
    used, unused = central.invite(*CENTRE), central.invite(*CENTRE)
    scribe = opened()
    answer = ask(central, scribe.request(used))
    central._enrolment._clock = lambda: datetime.now(UTC) + timedelta(hours=24, seconds=1)
    with pytest.raises(InviteExpired):
        ask(central, opened().request(unused))
    assert ask(central, scribe.request(used)) == answer


@pytest.mark.parametrize("changes", [{"secret": os.urandom(32)}, {"secret": b""}, {"invite": "a" * 26}])
def test_an_invite_that_central_never_gave_is_refused(central: Central, changes: dict[str, object]) -> None:
    request = opened().request(central.invite(*CENTRE))
    with pytest.raises(InviteUnknown):
        ask(central, msgspec.structs.replace(request, **changes))


def test_the_secret_of_an_invite_is_not_kept(central: Central) -> None:
    invite = central.invite(*CENTRE)
    with central._archive_db.read() as tx:
        given = registry.find_invite(tx, invite.id, invite.secret)
    assert given.secret_sha256 == hashlib.sha256(invite.secret).digest()


def proofs_that_do_not_hold(invite: Invite) -> Iterator[tuple[str, EnrolRequest]]:
    good, other = opened(), opened()
    request = good.request(invite)
    replace = msgspec.structs.replace
    yield "another node's CSR", replace(request, csr=other.request(invite).csr)
    yield "another centre's CSR", replace(request, csr=request.centre_csr)
    yield "no CSR for the centre", replace(request, centre_csr=b"")
    yield "the node's CSR for the centre", replace(request, centre_csr=request.csr)
    yield (
        "a centre's CSR with another name",
        replace(request, centre_csr=centre_request(good.centre_key, invite.centre, "Specimen centre, Kabul")),
    )
    yield (
        "a centre's CSR with another code",
        replace(request, centre_csr=centre_request(good.centre_key, "KBL01", invite.centre_name)),
    )
    yield "another journal's key", replace(request, journal_key=other.request(invite).journal_key)
    yield "a short journal key", replace(request, journal_key=b"x")
    yield "a weak journal key", replace(request, journal_key=bytes(32))
    yield "another journal's checkpoint", replace(request, checkpoint=other.request(invite).checkpoint)
    yield "another journal's entry", replace(request, entry=other.request(invite).entry)
    yield "an entry without its body", replace(request, entry=(request.entry[0], None, None))
    yield "another recipient", replace(request, recipient=age.recipient_of(age.new_identity()))
    yield "no recipient", replace(request, recipient="age1nonsense")
    yield "another centre", opened("ABC99").request(invite)
    grown = opened().grow(1)
    yield "a checkpoint over two entries", replace(grown.request(invite), checkpoint=grown.note(2))
    beginner = Scribe()
    beginner.write()
    yield "an entry that opens nothing", beginner.request(invite)
    elsewhere = opened()
    elsewhere.node_key = os.urandom(32)
    yield "a CSR by a key that the entry does not name", elsewhere.request(invite)


def test_a_request_with_a_proof_that_does_not_hold_is_refused_and_leaves_nothing(central: Central) -> None:
    invite = central.invite(*CENTRE)
    for what, request in proofs_that_do_not_hold(invite):
        with pytest.raises(SanadError):
            ask(central, request)
        assert central.nodes() == [], what
    ask(central, opened().request(invite))
    assert len(central.nodes()) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"[" * 100_000, b'{"invite":"\xff"}'])
def test_a_request_that_is_none_is_refused(central: Central, body: bytes) -> None:
    with pytest.raises(SanadError):
        central.enrol(body)


def test_a_node_cannot_enrol_twice_by_two_invites(central: Central) -> None:
    scribe = opened()
    ask(central, scribe.request(central.invite(*CENTRE)))
    with pytest.raises(InviteUsed):
        ask(central, scribe.request(central.invite(*CENTRE)))


def test_blocks_of_numbers_of_one_centre_never_overlap(central: Central) -> None:
    nodes = [opened() for _ in range(3)]
    blocks = [block(ask(central, node.request(central.invite(*CENTRE)))) for node in nodes]
    central.lease(nodes[0].journal)
    edges = [edge for each in blocks for edge in (each.first, each.last)]
    assert edges == sorted(set(edges))
    with central._archive_db.read() as tx:
        last = tx.one(registry._LAST_NUMBER, {"prefix": CENTRE[0]})
    assert last == (4 * registry.BLOCK_NUMBERS,)
    elsewhere = block(ask(central, opened("ABC99").request(central.invite("ABC99", CENTRE[1]))))
    assert (elsewhere.prefix, elsewhere.first) == ("ABC99", 1)


@pytest.mark.parametrize("centre", [("pew", "Name"), ("P", "Name"), ("PEW-1", "Name"), ("PEW1", ""), ("PEW1", "a\nb")])
def test_an_invite_for_a_centre_without_a_proper_code_or_name_is_not_made(
    central: Central, centre: tuple[str, str]
) -> None:
    with pytest.raises(OperatorError):
        central.invite(*centre)


def test_no_secret_of_central_lies_in_clear_in_its_home(tmp_path: Path) -> None:
    home = tmp_path / "central"
    central = new_central(home)
    invite = central.invite(*CENTRE)
    secrets = [central._secret(name) for name in ("orders-key", "cosign-key", "ca-key", "tls-key", "age-identity")]
    central.server_identity(["localhost"])
    central.close()
    everything = b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    assert all(secret not in everything for secret in (*secrets, invite.secret))
