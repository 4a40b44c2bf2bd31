"""Officers' keys at a real store: made by the officer, opened by a PIN that is counted, ended for good."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.access import operators
from appliance.access.operators import NewOperator
from appliance.access.session import NotPermitted, Role, Session
from appliance.casework import applications, key_opening
from appliance.casework.key_making import KeyWaits, end_key, make_sealed_key, make_token_key, unlock_key
from appliance.casework.key_opening import MAX_PINS, KeyLocked, PinRefused, opened, tries_left
from appliance.casework.officer_keys import KeyState, MayNotSign, NoSuchKey, keys_of, officer_keys, standing
from appliance.certificates.officer import BadOfficerCertificate, officer_subject
from appliance.certificates.signer import PREHASHED, kid
from appliance.certificates.token import TokenAbsent, TokenPinRefused, TokensMissing
from appliance.journal import kinds as k
from appliance.journal.entry import Entry
from appliance.journal.errors import DeviceError, IntegrityError, OperatorError
from appliance.journal.ids import EntityId
from appliance.sealing.passphrase import PassphraseError
from appliance.store import local
from appliance.store.verify import verify_home
from sync.central.authority import new_key, read_centre_request
from tests.support import softhsm
from tests.support.desk import OMAR, Desk
from tests.support.nodes import PASSWORD
from tests.support.sealed_desk import PIN, SealedDesk, sealed_desk
from tests.support.sealing_centre import CODE, NAME

WRONG = "000111"
DIGEST = hashlib.sha256(b"a page").digest()


@pytest.fixture
def sealed(desk: Desk) -> SealedDesk:
    return sealed_desk(desk)


def try_pin(sealed: SealedDesk, pin: str, session: Session | None = None) -> None:
    with opened(sealed.desk.centre, session or sealed.desk.officer, pin) as signer:
        assert signer.officer


def written(desk: Desk, body: type[k.Body]) -> list[Entry]:
    entries = desk.store.entries(0, desk.store.head().size)
    return [entry for entry in entries if entry.header.kind == body.KIND]


# Making one


def test_a_key_asks_for_a_certificate_that_names_officer_and_centre(sealed: SealedDesk) -> None:
    officer = sealed.desk.officer
    key = sealed.named(officer, make_sealed_key(sealed.desk.centre, officer, PIN))
    assert key.state is KeyState.ASKED
    read_centre_request(key.csr, officer_subject(CODE, NAME, "Rabia", officer.actor))
    assert "waits for central" in standing(sealed.desk.store, officer).says


def test_neither_the_private_key_nor_the_pin_is_in_the_journal(sealed: SealedDesk) -> None:
    store = sealed.desk.store
    key = sealed.key(sealed.desk.officer)
    with store.read() as tx:
        box = local.secret(tx, key_opening.secret_name(key.id))
    assert box is not None
    said = b"".join((entry.body or b"") + entry.header_bytes for entry in store.entries(0, store.head().size))
    assert box not in said
    assert PIN.encode() not in said
    assert PIN.encode() not in box


def test_a_store_with_a_sealed_key_verifies_and_one_whose_key_was_put_back_does_not(sealed: SealedDesk) -> None:
    desk = sealed.desk
    key = sealed.key(desk.officer)
    assert verify_home(desk.store.layout, desk.bench.key).ok
    with desk.store._database.write() as tx:
        tx.run(local._DROP_SECRET, {"k_name": key_opening.secret_name(key.id)})
    assert verify_home(desk.store.layout, desk.bench.key).reasons == (
        "The secrets of the box are not those that it was set up with.",
    )


def test_only_an_officer_makes_one_and_with_a_pin_that_is_worth_it(sealed: SealedDesk) -> None:
    desk = sealed.desk
    for session in (desk.operator, desk.supervisor):
        with pytest.raises(NotPermitted):
            make_sealed_key(desk.centre, session, PIN)
    with pytest.raises(PassphraseError):
        make_sealed_key(desk.centre, desk.officer, "123456")
    assert not officer_keys(desk.store)


def test_one_key_at_a_time_waits_for_central(sealed: SealedDesk) -> None:
    desk = sealed.desk
    make_sealed_key(desk.centre, desk.officer, PIN)
    with pytest.raises(KeyWaits):
        make_sealed_key(desk.centre, desk.officer, PIN)
    make_sealed_key(desk.centre, desk.session(OMAR, Role.OFFICER), PIN)


# Opening it


def test_the_right_pin_opens_a_key_that_signs_for_its_certificate(sealed: SealedDesk) -> None:
    key = sealed.key(sealed.desk.officer)
    with opened(sealed.desk.centre, sealed.desk.officer, PIN) as signer:
        public = x509.load_der_x509_certificate(signer.certificate).public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        public.verify(signer.sign(DIGEST), DIGEST, PREHASHED)
        assert signer.officer
        assert signer.chain == (sealed.authority.certificate.public_bytes(Encoding.DER),)
    assert key.kid == kid(signer.certificate).hex()


def test_a_key_that_central_has_not_certified_opens_nothing(sealed: SealedDesk) -> None:
    make_sealed_key(sealed.desk.centre, sealed.desk.officer, PIN)
    with pytest.raises(MayNotSign):
        try_pin(sealed, PIN)


def test_a_wrong_pin_says_how_many_tries_are_left_and_a_right_one_starts_anew(sealed: SealedDesk) -> None:
    desk = sealed.desk
    key = sealed.key(desk.officer)
    for left in (4, 3):
        with pytest.raises(PinRefused, match=f"{left} tries are left"):
            try_pin(sealed, WRONG)
        assert tries_left(desk.store, desk.officer) == left
    try_pin(sealed, PIN)
    assert tries_left(desk.store, desk.officer) == MAX_PINS
    told = [(entry.header.about, entry.header.by) for entry in written(desk, k.OfficerKeyPinRefused)]
    assert told == [(key.id, desk.officer.actor)] * 2


def lock(sealed: SealedDesk) -> None:
    for _ in range(MAX_PINS - 1):
        with pytest.raises(PinRefused):
            try_pin(sealed, WRONG)
    with pytest.raises(KeyLocked):
        try_pin(sealed, WRONG)


def test_after_five_wrong_pins_the_right_one_is_refused_too_also_after_a_restart(sealed: SealedDesk) -> None:
    desk = sealed.desk
    sealed.key(desk.officer)
    lock(sealed)
    says = standing(desk.store, desk.officer).says
    assert "locked" in says
    assert "Sealed by the centre" in says
    with pytest.raises(MayNotSign):
        try_pin(sealed, PIN)
    with desk.bench.reopen().closing() as again:
        assert "locked" in standing(again, desk.officer).says


def test_a_try_counts_though_the_plug_was_pulled_before_its_outcome_was_written(
    sealed: SealedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unplugged(BaseException):
        pass

    def unplugged(*_: object) -> bytes:
        raise Unplugged

    sealed.key(sealed.desk.officer)
    with monkeypatch.context() as patched:
        patched.setattr(key_opening, "open_key", unplugged)
        for _ in range(MAX_PINS):
            with pytest.raises(Unplugged):
                try_pin(sealed, WRONG)
    with pytest.raises(KeyLocked):
        try_pin(sealed, PIN)


def test_a_try_for_which_there_was_no_memory_does_not_count(
    sealed: SealedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> bytes:
        raise DeviceError("Checking a passphrase needs 64 MiB of free memory.")

    sealed.key(sealed.desk.officer)
    monkeypatch.setattr(key_opening, "open_key", no_memory)
    for _ in range(MAX_PINS + 1):
        with pytest.raises(DeviceError):
            try_pin(sealed, PIN)
    assert tries_left(sealed.desk.store, sealed.desk.officer) == MAX_PINS


def test_a_supervisor_unlocks_a_key_that_is_not_their_own(sealed: SealedDesk) -> None:
    desk = sealed.desk
    key = sealed.key(desk.officer)
    lock(sealed)
    with pytest.raises(NotPermitted):
        unlock_key(desk.store, desk.session(OMAR, Role.OFFICER), key.id, "Remembered it")
    unlock_key(desk.store, desk.supervisor, key.id, "Remembered it")
    try_pin(sealed, PIN)


def test_a_supervisor_who_is_an_officer_too_does_not_unlock_their_own(sealed: SealedDesk) -> None:
    desk = sealed.desk
    both = NewOperator("zia", "Zia", (Role.OFFICER, Role.SUPERVISOR), PASSWORD)
    operators.add_operator(desk.store, desk.supervisor, both, lambda count: b"r" * count)
    officer, supervisor = (desk.bench.session("zia", role) for role in (Role.OFFICER, Role.SUPERVISOR))
    key = sealed.key(officer)
    with pytest.raises(OperatorError, match="Nobody unlocks their own"):
        unlock_key(desk.store, supervisor, key.id, "Forgot")


@pytest.mark.parametrize("what", ["key", "name", "authority"])
def test_a_certificate_that_is_not_for_this_key_signs_nothing(sealed: SealedDesk, what: str) -> None:
    desk = sealed.desk
    made = make_sealed_key(desk.centre, desk.officer, PIN)
    request = x509.load_der_x509_csr(sealed.named(desk.officer, made).csr)
    public = new_key().public_key() if what == "key" else request.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    subject = officer_subject(CODE, NAME, "Omar", "o" * 26) if what == "name" else request.subject
    authority = (
        type(sealed.authority).create("Another", desk.store.clock()) if what == "authority" else sealed.authority
    )
    certificate = authority.certify_officer(public, subject, desk.store.clock()).public_bytes(Encoding.DER)
    sealed.order(k.OfficerKeyCertified(key=made, certificate=certificate))
    with pytest.raises(BadOfficerCertificate):
        try_pin(sealed, PIN)


def test_a_sealed_key_that_is_gone_is_told_from_a_wrong_pin(sealed: SealedDesk) -> None:
    key = sealed.key(sealed.desk.officer)
    with sealed.desk.store._database.write() as tx:
        local.drop_secret(tx, key_opening.secret_name(key.id))
    with pytest.raises(IntegrityError, match="not in this node's store"):
        try_pin(sealed, PIN)


# Its end


def test_an_officer_is_told_to_renew_a_month_before_the_end_and_the_centre_seals_after_it(sealed: SealedDesk) -> None:
    desk = sealed.desk
    sealed.key(desk.officer)
    assert standing(desk.store, desk.officer).says == ""
    desk.pass_days(336)
    late = standing(desk.store, desk.officer)
    assert late.key is not None
    assert late.should_make
    assert late.says == "Your key ends on 2027-11-22: make a new one."
    newer = sealed.key(desk.officer, "another 7 pin")
    assert standing(desk.store, desk.officer).key == newer
    try_pin(sealed, "another 7 pin")
    desk.pass_days(366)
    assert "has ended" in standing(desk.store, desk.officer).says
    with pytest.raises(MayNotSign):
        try_pin(sealed, PIN)


def test_a_key_that_was_ended_opens_no_more_and_its_secret_is_gone(sealed: SealedDesk) -> None:
    desk = sealed.desk
    key = sealed.key(desk.officer)
    end_key(desk.store, desk.officer, key.id, "forgotten")
    with pytest.raises(MayNotSign):
        try_pin(sealed, PIN)
    with desk.store.read() as tx:
        assert local.secret(tx, key_opening.secret_name(key.id)) is None
    assert verify_home(desk.store.layout, desk.bench.key).ok
    with pytest.raises(OperatorError, match="ended before"):
        end_key(desk.store, desk.officer, key.id, "lost")
    assert keys_of(desk.store, desk.officer)[0].reason == "forgotten"


def test_one_officer_does_not_end_the_key_of_another_but_a_supervisor_does(sealed: SealedDesk) -> None:
    desk = sealed.desk
    key = sealed.key(desk.officer)
    with pytest.raises(OperatorError, match="another officer's"):
        end_key(desk.store, desk.session(OMAR, Role.OFFICER), key.id, "left")
    end_key(desk.store, desk.supervisor, key.id, "left", "Moved to Swat")
    with pytest.raises(NoSuchKey):
        end_key(desk.store, desk.supervisor, EntityId("a" * 26), "left")


def test_what_central_recalls_or_refuses_signs_nothing(sealed: SealedDesk) -> None:
    desk = sealed.desk
    key = sealed.key(desk.officer)
    sealed.order(k.OfficerKeyRecalled(key=key.id, reason="compromised"))
    with pytest.raises(MayNotSign):
        try_pin(sealed, PIN)
    made = make_sealed_key(desk.centre, desk.officer, PIN)
    sealed.order(k.OfficerKeyRefused(key=made, reason="name"))
    assert "did not certify your key (name)" in standing(desk.store, desk.officer).says


def test_a_key_is_not_erased_because_it_names_who_signed(sealed: SealedDesk) -> None:
    desk = sealed.desk
    key = sealed.key(desk.officer)
    with pytest.raises(NotPermitted, match="kept by law"):
        applications.erase(desk.store, desk.supervisor, key.id, "asked to")


# On a token


@pytest.fixture
def with_token(sealed: SealedDesk, tmp_path: Path) -> tuple[SealedDesk, softhsm.SoftTokens]:
    folder = tmp_path / "drawer"
    folder.mkdir()
    drawer = softhsm.soft_tokens(folder)
    drawer.add("Rabia")
    sealed.desk.centre = replace(sealed.desk.centre, tokens=drawer.open())
    return sealed, drawer


def test_a_key_on_a_token_signs_by_the_token_s_pin(with_token: tuple[SealedDesk, softhsm.SoftTokens]) -> None:
    sealed, drawer = with_token
    desk = sealed.desk
    made = make_token_key(desk.centre, desk.officer, softhsm.PIN)
    sealed.certify(desk.officer, made)
    assert tries_left(desk.store, desk.officer) is None
    with opened(desk.centre, desk.officer, softhsm.PIN) as signer:
        public = x509.load_der_x509_certificate(signer.certificate).public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        public.verify(signer.sign(DIGEST), DIGEST, PREHASHED)
    with pytest.raises(TokenPinRefused):
        try_pin(sealed, WRONG)
    drawer.take_out("Rabia")
    with pytest.raises(TokenAbsent):
        try_pin(sealed, softhsm.PIN)


def test_a_key_that_was_refused_at_the_commit_is_not_left_on_the_token(
    with_token: tuple[SealedDesk, softhsm.SoftTokens],
) -> None:
    sealed, _ = with_token
    desk = sealed.desk
    with pytest.raises(NotPermitted):
        make_token_key(desk.centre, desk.operator, softhsm.PIN)
    tokens = desk.centre.tokens
    assert tokens is not None
    with tokens._signed_in(tokens.present(), softhsm.PIN, writing=False) as session:
        assert not list(session.get_objects())


def test_a_node_without_a_library_for_tokens_says_so(sealed: SealedDesk) -> None:
    with pytest.raises(TokensMissing):
        make_token_key(sealed.desk.centre, sealed.desk.officer, PIN)


def test_somebody_else_s_key_is_no_key_of_mine(sealed: SealedDesk) -> None:
    desk = sealed.desk
    sealed.key(desk.officer)
    sessions: list[Callable[[], Session]] = [lambda: desk.session(OMAR, Role.OFFICER), lambda: desk.operator]
    for session in sessions:
        with pytest.raises(MayNotSign):
            try_pin(sealed, PIN, session())


def test_time_before_the_certificate_began_signs_nothing(sealed: SealedDesk) -> None:
    desk = sealed.desk
    sealed.key(desk.officer)
    desk.bench.clock.advance(timedelta(days=-30))
    assert standing(desk.store, desk.officer).key is None
