"""Keys on tokens, at SoftHSM: made there, used there; and what an officer is told when something is not as it was."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pkcs11
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from appliance.certificates import token
from appliance.certificates.officer import officer_request, officer_subject
from appliance.certificates.sign import sign_pdf
from appliance.certificates.signer import PREHASHED
from appliance.certificates.token import KeyAbsent, TokenAbsent, TokenPinRefused, Tokens, TokenSigner, uri_of
from appliance.journal.errors import DeviceError, IntegrityError, OperatorError, SanadError
from sync.central.authority import Authority, read_centre_request
from tests.support.sealing_centre import NOW, Judges, a_page
from tests.support.softhsm import MODULE, PIN, SoftTokens, soft_tokens

DIGEST = hashlib.sha256(b"a page").digest()
NAME = b"key of an office"
SUBJECT = officer_subject("PEW01", "Specimen centre, Peshawar", "SPECIMEN Rabia", "o" * 26)


@pytest.fixture
def drawer(tmp_path: Path) -> SoftTokens:
    return soft_tokens(tmp_path)


@pytest.fixture
def tokens(drawer: SoftTokens) -> Tokens:
    drawer.add("Rabia")
    return drawer.open()


def made(tokens: Tokens, name: bytes = NAME) -> tuple[str, bytes]:
    """Which token, and the request for a certificate."""
    place = tokens.present()
    with tokens.made(place, PIN, name) as key:
        return place, officer_request(SUBJECT, key.public, key.sign)


def test_a_key_is_made_on_the_token_asks_for_its_certificate_and_signs(tokens: Tokens) -> None:
    place, csr = made(tokens)
    assert place.startswith("pkcs11:token=Rabia;serial=")
    public = read_centre_request(csr, SUBJECT)
    with tokens.opened(place, PIN, NAME) as sign:
        public.verify(sign(DIGEST), DIGEST, PREHASHED)


def test_what_a_token_signed_is_trusted_by_pdfsig_and_openssl(tokens: Tokens, tmp_path: Path) -> None:
    authority = Authority.create("Sanad central specimen", NOW)
    place, csr = made(tokens)
    certificate = authority.certify_officer(read_centre_request(csr, SUBJECT), SUBJECT, NOW)
    chain = (authority.certificate.public_bytes(Encoding.DER),)
    with tokens.opened(place, PIN, NAME) as sign:
        signer = TokenSigner(sign, certificate.public_bytes(Encoding.DER), chain)
        signed = sign_pdf(a_page(), signer=signer, reason="Issued", location="Peshawar", at=NOW)
    judges = Judges(tmp_path, authority.certificate)
    said = judges.pdfsig(signed)
    assert "Signature is Valid" in said
    assert "Certificate is Trusted" in said
    assert "SPECIMEN Rabia" in said
    assert "CAdES Verification successful" in judges.openssl_cms(signed)


def test_the_private_key_cannot_be_taken_from_the_token(tokens: Tokens) -> None:
    place, _ = made(tokens)
    with tokens._signed_in(place, PIN, writing=False) as session:
        key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, id=NAME)
        assert key[pkcs11.Attribute.SENSITIVE]
        assert not key[pkcs11.Attribute.EXTRACTABLE]


@pytest.mark.parametrize("pin", ["000000", "1", "x" * 300, ""])
def test_a_wrong_pin_opens_nothing_and_says_so(tokens: Tokens, pin: str) -> None:
    place, _ = made(tokens)
    with pytest.raises(TokenPinRefused, match="does not take"), tokens.opened(place, pin, NAME):
        pytest.fail("It was opened.")
    with tokens.opened(place, PIN, NAME) as sign:
        assert sign(DIGEST)


def test_a_token_that_was_taken_out_is_missed(drawer: SoftTokens, tokens: Tokens) -> None:
    place, _ = made(tokens)
    drawer.take_out("Rabia")
    with pytest.raises(TokenAbsent), tokens.opened(place, PIN, NAME):
        pytest.fail("It was opened.")
    with pytest.raises(TokenAbsent):
        tokens.present()
    drawer.add("Rabia")
    # Another one that is called the same is not it.
    with pytest.raises(TokenAbsent), tokens.opened(place, PIN, NAME):
        pytest.fail("It was opened.")


def test_a_key_that_is_not_on_the_token_is_missed(tokens: Tokens) -> None:
    place, _ = made(tokens)
    with pytest.raises(KeyAbsent), tokens.opened(place, PIN, b"another"):
        pytest.fail("It was opened.")


def test_a_certificate_of_another_key_signs_nothing(tokens: Tokens) -> None:
    authority = Authority.create("Sanad central specimen", NOW)
    place, _ = made(tokens)
    _, other = made(tokens, b"another")
    certificate = authority.certify_officer(read_centre_request(other, SUBJECT), SUBJECT, NOW)
    with tokens.opened(place, PIN, NAME) as sign:
        signer = TokenSigner(sign, certificate.public_bytes(Encoding.DER), ())
        with pytest.raises(IntegrityError, match="not that of its key"):
            sign_pdf(a_page(), signer=signer, reason="", location="", at=NOW)


def test_a_key_whose_making_failed_afterwards_is_taken_from_the_token(tokens: Tokens) -> None:
    place = tokens.present()
    with pytest.raises(KeyError), tokens.made(place, PIN, NAME):
        raise KeyError
    with pytest.raises(KeyAbsent), tokens.opened(place, PIN, NAME):
        pytest.fail("It was opened.")


def test_of_several_tokens_the_one_that_the_settings_name_is_taken(drawer: SoftTokens, tokens: Tokens) -> None:
    drawer.add("Omar, at counter 2")
    with pytest.raises(OperatorError, match="2 tokens"):
        tokens.present()
    assert drawer.open("pkcs11:token=Rabia").present() == tokens_named(drawer, "Rabia")
    assert "Omar%2C%20at%20counter%202" in drawer.open("pkcs11:token=Omar%2C%20at%20counter%202").present()
    with pytest.raises(TokenAbsent):
        drawer.open("pkcs11:token=Nobody").present()


def tokens_named(drawer: SoftTokens, label: str) -> str:
    (found,) = (each for each in pkcs11.lib(str(MODULE)).get_tokens() if each.label == label)
    return uri_of(found.label, found.serial)


def test_two_keys_on_one_token_are_told_apart(tokens: Tokens) -> None:
    place, first = made(tokens)
    _, second = made(tokens, b"another")
    keys = [x509.load_der_x509_csr(each).public_key() for each in (first, second)]
    assert keys[0] != keys[1]
    with tokens.opened(place, PIN, b"another") as sign:
        public = keys[1]
        assert isinstance(public, ec.EllipticCurvePublicKey)
        public.verify(sign(DIGEST), DIGEST, PREHASHED)


def test_a_library_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="library"):
        Tokens(tmp_path / "none.so").present()


@pytest.mark.parametrize(
    ("said", "meant", "words"),
    [
        # SoftHSM never locks itself; other tokens do.
        (pkcs11.PinLocked(), TokenPinRefused, "locked"),
        (pkcs11.PinExpired(), TokenPinRefused, "expired"),
        (pkcs11.UserPinNotInitialized(), TokenPinRefused, "no PIN yet"),
        (pkcs11.DeviceRemoved(), TokenAbsent, "not there"),
        (pkcs11.FunctionFailed(), DeviceError, "FunctionFailed"),
        (pkcs11.MechanismInvalid(), DeviceError, "MechanismInvalid"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)
def test_what_a_library_says_is_said_in_our_words(said: Exception, meant: type[SanadError], words: str) -> None:
    with pytest.raises(meant, match=words), token._translated():
        raise said


def test_a_bare_point_is_a_key_as_well() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    raw = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    for point in (raw, b"\x04\x41" + raw):
        assert load_der_public_key(token._public_key(point)) == key
    with pytest.raises(DeviceError):
        token._public_key(raw[:-1])
