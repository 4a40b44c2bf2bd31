"""Issuing by keys: what will be signed is shown, the PIN is asked, and what was signed is what was shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.access.session import Role, Session
from appliance.casework import issuing, reviewing, steps
from appliance.casework.centre import Centre
from appliance.casework.key_making import make_sealed_key
from appliance.casework.key_opening import MAX_PINS
from appliance.casework.money import NewPayment, take_payment
from appliance.casework.officer_keys import KeyState, officer_keys
from appliance.certificates.signer import load_key
from appliance.journal import kinds as k
from appliance.journal.ids import EntityId
from appliance.store.keys import CENTRE_KEY
from appliance.store.store import ORDERS_SIGNER
from sync.central.authority import Authority
from sync.centre import centre_subject
from tests.integration.store.conftest import Central
from tests.support.consoles import Hands, signed_in
from tests.support.nodes import SteadyClock
from tests.tui.test_taking_in import citizen, handed_in
from tui.screens.case.file import CaseFile

PIN = "481920"
WRONG = "000111"


@dataclass
class Enrolled:
    """A centre that has its certificate and numbers, and a case that is approved."""

    centre: Centre
    central: Central
    authority: Authority
    application: EntityId

    def order(self, *bodies: k.Body) -> None:
        """Let central order something, and the node take it up."""
        self.central.order(*bodies)
        self.centre.store.take_orders(self.central.orders, self.central.note())

    def certify(self) -> None:
        """Let central certify the key that waits."""
        (key,) = (each for each in officer_keys(self.centre.store) if each.state is KeyState.ASKED)
        request = x509.load_der_x509_csr(key.csr)
        public = request.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        made = self.authority.certify_officer(public, request.subject, self.centre.store.clock())
        self.order(k.OfficerKeyCertified(key=key.id, certificate=made.public_bytes(Encoding.DER)))

    def officer(self) -> Session:
        """Rabia, beside the console."""
        return signed_in(self.centre, "rabia", Role.OFFICER)

    def approve(self, application: EntityId) -> None:
        """Do what it waits for, and approve it."""
        line = k.PaymentLine(code="fee", label="Fee", minor=15_000)
        payment = NewPayment(application, "Gul Bibi", (line,), "challan", reference=f"32A-{application[:4]}")
        take_payment(self.centre, signed_in(self.centre, "omar", Role.OPERATOR), payment)
        steps.send_outside(self.centre, self.officer(), application, "patwari")
        steps.enter_answer(self.centre, self.officer(), application, "patwari", "positive")
        reviewing.approve(self.centre, self.officer(), application)

    def issued(self) -> issuing.Issued | None:
        """What came of it."""
        return issuing.issued(self.centre.store, self.application)


@pytest.fixture
def enrolled(centre: Centre) -> Enrolled:
    store, rules = centre.store, centre.rules
    authority = Authority.create("Sanad central specimen", store.clock())
    key = load_key(store.secret(CENTRE_KEY)).public_key()
    certificate = authority.certify_centre(key, centre_subject(rules.code, rules.name), store.clock())
    store.layout.authority.parent.mkdir(exist_ok=True)
    store.layout.authority.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    store.layout.centre_certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    central = Central(store.journal)
    store.remember(**{ORDERS_SIGNER: central.orders_signer.verifier.text})
    made = Enrolled(centre, central, authority, handed_in(centre, citizen(centre)))
    made.order(
        k.OrdersOpened(node=store.journal, centre=rules.code, central_name="Specimen central"),
        k.NumbersLeased(prefix="PEW01", first=1, last=99),
    )
    made.approve(made.application)
    return made


async def open_issuing(hands: Hands, enrolled: Enrolled) -> None:
    """From the sign-in to the screen that shows what will be signed."""
    await hands.sign_in("rabia", "officer")
    hands.app.push_screen(CaseFile(enrolled.application))
    await hands.settle()
    await hands.press("f10")
    await hands.type("sign and issue", "enter")


async def test_without_a_key_it_says_that_the_centre_seals_and_issues_by_one_key(
    hands: Hands, enrolled: Enrolled
) -> None:
    await open_issuing(hands, enrolled)
    text = hands.text()
    assert "PEW01000001-" in text
    assert "sealed by the centre" in text
    assert "you have no key of your own" in " ".join(text.split())
    assert "PIN of your key" not in text
    await hands.press("f10")
    assert "sealed by the centre" in hands.said()
    assert enrolled.issued() is not None


async def test_an_officer_reads_it_gives_the_pin_and_signs_what_was_shown(hands: Hands, enrolled: Enrolled) -> None:
    make_sealed_key(enrolled.centre, enrolled.officer(), PIN)
    enrolled.certify()
    await open_issuing(hands, enrolled)
    for expected in ("to be signed by you", "Gul Bibi", "PEW01000001-", "PIN of your key"):
        assert expected in hands.text()
    await hands.type(PIN)
    assert PIN not in hands.text()
    await hands.press("enter")
    assert "signed by you" in hands.said()
    made = enrolled.issued()
    assert made is not None
    entries = list(enrolled.centre.store.entries(0, enrolled.centre.store.head().size))
    assert b'"sealed_by":"officer"' in (entries[-1].body or b"")


async def test_a_wrong_pin_tells_how_many_tries_are_left_and_the_last_one_locks(
    hands: Hands, enrolled: Enrolled
) -> None:
    make_sealed_key(enrolled.centre, enrolled.officer(), PIN)
    enrolled.certify()
    await open_issuing(hands, enrolled)
    await hands.press("f10")
    assert "Type the PIN" in hands.said()
    for left in range(MAX_PINS - 1, 0, -1):
        await hands.type(WRONG, "enter")
        assert ("one try is left" if left == 1 else f"{left} tries are left") in hands.said()
    await hands.type(WRONG, "enter")
    assert "locked" in hands.said()
    assert enrolled.issued() is None


async def test_whoever_forgot_the_pin_lets_the_centre_seal(hands: Hands, enrolled: Enrolled) -> None:
    make_sealed_key(enrolled.centre, enrolled.officer(), PIN)
    enrolled.certify()
    await open_issuing(hands, enrolled)
    await hands.press("ctrl+x")
    assert "to be sealed by the centre" in hands.text()
    await hands.press("f10")
    assert "sealed by the centre" in hands.said()


async def test_a_number_that_went_to_another_is_shown_again_and_nothing_is_signed(
    hands: Hands, enrolled: Enrolled
) -> None:
    make_sealed_key(enrolled.centre, enrolled.officer(), PIN)
    enrolled.certify()
    await open_issuing(hands, enrolled)
    other = handed_in(enrolled.centre, citizen(enrolled.centre))
    enrolled.approve(other)
    issuing.issue(enrolled.centre, enrolled.officer(), other)
    await hands.type(PIN, "enter")
    assert "Look at the certificate again" in hands.said()
    assert "PEW01000002-" in hands.text()
    assert enrolled.issued() is None
    await hands.type(PIN, "enter")
    assert enrolled.issued() is not None


async def test_the_page_is_shown_large(hands: Hands, enrolled: Enrolled) -> None:
    await open_issuing(hands, enrolled)
    await hands.press("ctrl+v")
    assert hands.screen == "ShowPicture"
    await hands.press("escape")
    assert hands.screen == "IssueCertificate"
    await hands.press("escape")
    assert hands.screen == "CaseFile"
    assert enrolled.issued() is None


async def test_a_key_is_made_and_ended_from_the_desk(hands: Hands, enrolled: Enrolled) -> None:
    await hands.sign_in("rabia", "officer")
    await hands.press("m", "f2")
    await hands.type("123456", "enter", "enter")
    assert "anybody would try" in hands.said()
    await hands.type(PIN, "enter")
    await hands.type(WRONG, "enter")
    assert "not the same" in hands.said()
    await hands.type(PIN, "enter")
    await hands.type(PIN, "enter")
    assert "waits for central" in hands.text()
    await hands.press("ctrl+x")
    await hands.type("forgotten", "enter", "enter")
    (key,) = officer_keys(enrolled.centre.store)
    assert (key.state, key.reason) == (KeyState.REVOKED, "forgotten")
    assert "ended" in hands.text()


async def test_the_desk_says_when_a_key_needs_to_be_renewed(hands: Hands, enrolled: Enrolled) -> None:
    make_sealed_key(enrolled.centre, enrolled.officer(), PIN)
    enrolled.certify()
    clock = enrolled.centre.store.clock
    assert isinstance(clock, SteadyClock)
    clock.advance(timedelta(days=340))
    await hands.sign_in("rabia", "officer")
    assert "make a new one" in hands.text()
