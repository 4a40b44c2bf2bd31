"""Central certifies officers: in the session that asks, once each, whatever it was doing when it died."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.access import operators
from appliance.access.operators import NewOperator
from appliance.access.session import Role, Session
from appliance.casework.centre import Centre, CentreRules
from appliance.casework.key_making import end_key, make_sealed_key
from appliance.casework.key_opening import opened
from appliance.casework.officer_keys import KeyState, OfficerKey, keys_of
from appliance.catalogue import Calendar, Catalogue
from appliance.certificates.officer import CLOCK_SLACK, OFFICER_LIFE, officer_request, officer_subject
from appliance.certificates.signer import PREHASHED, load_key
from appliance.journal import kinds as k
from appliance.journal.entry import Entry
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, orders_of
from appliance.records.log import Log
from appliance.store.store import Draft
from sync.agent import sync_once
from sync.central import tables as t
from sync.central.authority import CENTRE_USAGE
from sync.central.central import Central
from sync.central.certifying import try_answer
from tests.support.centrals import CENTRE, EnrolledNode, enrol, open_central, served
from tests.support.nodes import PASSWORD

PIN = "481920"
OFFICER = NewOperator("rabia", "SPECIMEN Rabia", (Role.OFFICER,), PASSWORD)


@dataclass
class Office:
    """An enrolled node with an officer at it."""

    node: EnrolledNode
    centre: Centre
    supervisor: Session
    officer: Session

    def sync(self) -> int:
        """Sync; answers how many orders came."""
        done = sync_once(self.node.store, self.node.address, now_s=lambda: int(time.time()))
        assert done.complete
        return done.orders_taken

    def key(self, about: EntityId) -> OfficerKey:
        """A key as it stands."""
        (found,) = (each for each in keys_of(self.node.store, self.officer) if each.id == about)
        return found

    def asks(self, csr: bytes, session: Session | None = None) -> EntityId:
        """Write a request, also one that no honest node would."""
        about = self.node.store.new_id()
        body = k.OfficerKeyMade(csr=csr, storage="sealed")
        self.node.store.commit(session or self.officer, lambda _: [Draft(body, about)])
        return about


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with served(tmp_path_factory.mktemp("central") / "home") as made:
        yield made


def open_office(home: Path, central: Central) -> Office:
    node = enrol(home, central.invite(*CENTRE))
    store = node.store
    operators.add_first_supervisor(
        store, NewOperator("sana", "SPECIMEN Sana", (Role.SUPERVISOR,), PASSWORD), os.urandom
    )
    supervisor = operators.sign_in(store, login="sana", password=PASSWORD, role=Role.SUPERVISOR, counter="1")
    operators.add_operator(store, supervisor, OFFICER, os.urandom)
    officer = operators.sign_in(store, login="rabia", password=PASSWORD, role=Role.OFFICER, counter="1")
    place = store.layout.authority
    place.parent.mkdir(exist_ok=True)
    authority = x509.load_der_x509_certificate(central._authority.certificate.public_bytes(Encoding.DER))
    place.write_bytes(authority.public_bytes(Encoding.PEM))
    centre = Centre(store, Catalogue({}), Calendar(), CentreRules(*CENTRE))
    return Office(node, centre, supervisor, officer)


@pytest.fixture
def office(central: Central, tmp_path: Path) -> Iterator[Office]:
    made = open_office(tmp_path / "node", central)
    yield made
    made.node.store.close()


def orders(central: Central, office: Office) -> list[Entry]:
    with central._archive_db.read() as tx:
        log = Log(tx, orders_of(office.node.store.journal))
        head = log.head()
        return list(log.entries(0, head.size if head else 0))


def answers(central: Central, office: Office) -> list[str]:
    kinds = (k.OfficerKeyCertified.KIND, k.OfficerKeyRefused.KIND)
    return [entry.header.kind for entry in orders(central, office) if entry.header.kind in kinds]


def request(
    office: Office, key: ec.EllipticCurvePrivateKey, *, name: str = OFFICER.name, code: str = CENTRE[0]
) -> bytes:
    subject = officer_subject(code, CENTRE[1], name, office.officer.actor)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return officer_request(subject, public, lambda digest: key.sign(digest, PREHASHED))


def fresh() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def test_a_key_is_certified_in_the_session_that_asks_and_signs_from_then_on(central: Central, office: Office) -> None:
    about = make_sealed_key(office.centre, office.officer, PIN)
    assert office.sync() == 1
    key = office.key(about)
    assert key.state is KeyState.CERTIFIED
    with opened(office.centre, office.officer, PIN) as signer:
        assert signer.certificate == key.certificate


def test_the_certificate_names_officer_and_centre_for_documents_alone_and_for_a_year(
    central: Central, office: Office
) -> None:
    about = make_sealed_key(office.centre, office.officer, PIN)
    office.sync()
    found = x509.load_der_x509_certificate(office.key(about).certificate)
    assert found.subject == officer_subject(*CENTRE, OFFICER.name, office.officer.actor)
    usage = found.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.content_commitment
    assert not usage.value.digital_signature
    assert tuple(found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == CENTRE_USAGE
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert found.not_valid_after_utc - found.not_valid_before_utc == OFFICER_LIFE + CLOCK_SLACK


def test_a_key_that_was_answered_is_not_answered_again(central: Central, office: Office) -> None:
    make_sealed_key(office.centre, office.officer, PIN)
    office.sync()
    journal = office.node.store.journal
    assert central._certifier.answer(journal) == 0
    # Nor where the tables were made anew, and show it as waiting for as long as the orders are not folded.
    with central._index_db.write() as tx:
        tx.run(sa.text("UPDATE folded_officer_keys SET state = 'asked'"), {})
    assert central._certifier.answer(journal) == 0
    assert answers(central, office) == [k.OfficerKeyCertified.KIND]


def test_what_central_did_not_answer_before_it_died_it_answers_at_its_next_start(tmp_path: Path) -> None:
    with served(tmp_path / "central") as central:
        office = open_office(tmp_path / "node", central)
        with pytest.MonkeyPatch.context() as patched:
            # It dies when the entries are stored, folded and countersigned, and before it orders anything.
            patched.setattr("sync.central.certifying.Certifier.answer", lambda *_: 0)
            make_sealed_key(office.centre, office.officer, PIN)
            assert office.sync() == 0
    again = open_central(tmp_path / "central")
    assert answers(again, office) == [k.OfficerKeyCertified.KIND]
    again.close()
    office.node.store.close()


def test_a_crash_between_the_order_and_its_mark_leaves_neither(
    central: Central, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        pass

    give: Callable[..., None] = central._certifier.give

    def dies_after(*args: object) -> None:
        give(*args)
        raise Died

    about = make_sealed_key(office.centre, office.officer, PIN)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sync.central.certifying.Certifier.answer", lambda *_: 0)
        office.sync()
    died = replace(central._certifier, give=dies_after)
    with pytest.raises(Died):
        died.answer(office.node.store.journal)
    assert answers(central, office) == []
    assert central._certifier.answer(office.node.store.journal) == 1
    assert office.sync() == 1
    assert office.key(about).state is KeyState.CERTIFIED


def bad_requests(office: Office) -> Sequence[tuple[bytes, str]]:
    key = fresh()
    good = request(office, key)
    p384 = x509.CertificateSigningRequestBuilder().subject_name(
        officer_subject(*CENTRE, OFFICER.name, office.officer.actor)
    )
    other_curve = p384.sign(ec.generate_private_key(ec.SECP384R1()), SHA256()).public_bytes(Encoding.DER)
    return [
        (b"no request", "request"),
        (good[:-9], "request"),
        (good[:-1] + bytes([good[-1] ^ 1]), "request"),
        (request(office, key, name="SPECIMEN Omar"), "request"),
        (request(office, key, code="KBL01"), "request"),
        (other_curve, "request"),
    ]


def test_a_request_that_is_not_signed_or_names_somebody_else_is_refused_with_its_reason(
    central: Central, office: Office
) -> None:
    for csr, reason in bad_requests(office):
        about = office.asks(csr)
        office.sync()
        key = office.key(about)
        assert (key.state, key.reason) == (KeyState.REFUSED, reason)


def test_a_public_key_is_certified_once_for_one_officer(central: Central, office: Office) -> None:
    csr = request(office, fresh())
    first, second = office.asks(csr), office.asks(csr)
    office.sync()
    assert office.key(first).state is KeyState.CERTIFIED
    assert (office.key(second).state, office.key(second).reason) == (KeyState.REFUSED, "repeated")


def test_the_centre_s_own_key_is_no_officer_s(central: Central, office: Office) -> None:
    about = office.asks(request(office, load_key(office.node.keys.centre)))
    office.sync()
    assert office.key(about).reason == "repeated"


def test_somebody_who_is_no_officer_any_more_is_refused(central: Central, office: Office) -> None:
    about = make_sealed_key(office.centre, office.officer, PIN)
    operators.change_operator(
        office.node.store,
        office.supervisor,
        EntityId(office.officer.actor),
        roles=(Role.OPERATOR,),
        active=True,
        reason="Moved to the counter",
    )
    office.sync()
    assert (office.key(about).state, office.key(about).reason) == (KeyState.REFUSED, "role")


def test_a_key_that_was_ended_before_central_heard_of_it_is_not_certified(central: Central, office: Office) -> None:
    about = make_sealed_key(office.centre, office.officer, PIN)
    end_key(office.node.store, office.officer, about, "forgotten")
    assert office.sync() == 0
    assert office.key(about).state is KeyState.REVOKED


def test_where_central_may_give_no_orders_the_key_waits(central: Central, office: Office) -> None:
    def lost(*_: object) -> None:
        raise OperatorError("Central gives no orders now.")

    about = make_sealed_key(office.centre, office.officer, PIN)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sync.central.certifying.Certifier.answer", lambda *_: 0)
        office.sync()
    journal = office.node.store.journal
    try_answer(replace(central._certifier, give=lost), journal)
    assert answers(central, office) == []
    central.index.soon(journal)
    central.index.settle(30)
    office.sync()
    assert office.key(about).state is KeyState.CERTIFIED


def test_an_archive_of_before_gains_what_is_kept_of_officers(tmp_path: Path) -> None:
    with served(tmp_path / "central") as central, central._archive_db.write() as tx:
        tx.run(sa.text(f"DROP TABLE {t.officer_answers.name}"), {})
    with open_central(tmp_path / "central")._archive_db.read() as tx:
        assert tx.all(sa.select(t.officer_answers.c.key), {}) == []
