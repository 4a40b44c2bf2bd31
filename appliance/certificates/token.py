"""Officers' keys on tokens, by PKCS #11 (OASIS, version 2.40): made there, used there, never copied from there.

A token is named by a URI (RFC 7512) of its label and serial number, a key by its CKA_ID. The PIN is given to the token
each time and kept nowhere; the token counts wrong ones itself. Its library runs inside this process, so whoever names
it in the settings trusts it with everything that this process holds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.journal.errors import DeviceError, OperatorError

if TYPE_CHECKING:
    from pkcs11 import Session, Token

LABEL: Final = "Sanad officer"
"""Of the keys that are made, for other programs that show a token."""
MAX_TOKENS: Final = 64
_SCALAR: Final = 32
_UNCOMPRESSED: Final = 1 + 2 * _SCALAR
_SCHEME: Final = "pkcs11:"

Sign = Callable[[bytes], bytes]
"""Signs a SHA-256; answers an ECDSA signature, DER."""


class TokensMissing(OperatorError):
    """This node knows no library for tokens."""

    def __init__(self) -> None:
        super().__init__(
            "This node is not set up for keys on tokens.", "Name the token's library in `node.toml`, under [token]."
        )


class TokenAbsent(DeviceError):
    """The token is not there."""

    def __init__(self, sentence: str = "The token with your key is not there.") -> None:
        super().__init__(sentence, "Put it in and try again, or let the centre seal.")


class KeyAbsent(DeviceError):
    """The token is there, the key is not."""

    def __init__(self) -> None:
        super().__init__(
            "Your key is not on this token.", "Put in the token on which you made it, or end it and make a new key."
        )


class TokenPinRefused(OperatorError):
    """The token does not take this PIN."""


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """A key on a token, as a `DocumentSigner`, for as long as the token is open."""

    _sign: Sign = field(repr=False)
    certificate: bytes
    chain: tuple[bytes, ...]
    officer: bool = True

    def sign(self, digest: bytes) -> bytes:
        """See `DocumentSigner.sign`."""
        return self._sign(digest)


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key that was just made: its public half (SubjectPublicKeyInfo, DER), and what signs by the other."""

    public: bytes
    sign: Sign = field(repr=False)


class Tokens:
    """The tokens that one library reaches.

    Args:
        module: the library, a shared object.
        wanted: the URI of the one to use where several are there; empty where there is one only.
    """

    def __init__(self, module: Path, wanted: str = "") -> None:
        self._module = module
        self._wanted = wanted
        # To be signed in to a token is a matter of the whole process, so one thing at a time.
        self._turn = threading.Lock()

    def present(self) -> str:
        """The URI of the token that is there.

        Raises:
            TokenAbsent: there is none, or not the one wanted. OperatorError: there are several.
            DeviceError: the library cannot be used.
        """
        with self._turn, _translated():
            found = [uri_of(token.label, token.serial) for token in self._tokens()]
        fitting = [each for each in found if not self._wanted or _is_within(self._wanted, each)]
        if not fitting:
            raise TokenAbsent("There is no token.")
        if len(fitting) > 1:
            raise OperatorError(
                f"There are {len(fitting)} tokens.", "Take the others out, or name one in `node.toml`, under [token]."
            )
        return fitting[0]

    @contextmanager
    def made(self, token: str, pin: str, name: bytes) -> Iterator[MadeKey]:
        """Make a key (ECDSA P-256) that never leaves the token. An error in the block takes it away again.

        Args:
            token: its URI.
            pin: the token's.
            name: CKA_ID of the key.

        Raises:
            TokenAbsent, TokenPinRefused, DeviceError: nothing was made.
        """
        import pkcs11
        from pkcs11.util.ec import encode_named_curve_parameters

        with self._signed_in(token, pin, writing=True) as session:
            with _translated():
                curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
                parameters = session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
                public, private = parameters.generate_keypair(
                    id=name,
                    label=LABEL,
                    store=True,
                    mechanism=pkcs11.Mechanism.EC_KEY_PAIR_GEN,
                    public_template={pkcs11.Attribute.VERIFY: True},
                    private_template={
                        pkcs11.Attribute.SIGN: True,
                        pkcs11.Attribute.SENSITIVE: True,
                        pkcs11.Attribute.EXTRACTABLE: False,
                    },
                )
                point = public[pkcs11.Attribute.EC_POINT]
            try:
                yield MadeKey(_public_key(point), _signing(private))
            except BaseException:
                with _translated():
                    private.destroy()
                    public.destroy()
                raise

    @contextmanager
    def opened(self, token: str, pin: str, name: bytes) -> Iterator[Sign]:
        """Let a key sign until the block ends.

        Args:
            token: its URI.
            pin: the token's.
            name: CKA_ID of the key.

        Raises:
            TokenAbsent, KeyAbsent, TokenPinRefused, DeviceError: it cannot.
        """
        import pkcs11

        with self._signed_in(token, pin, writing=False) as session:
            with _translated():
                key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, id=name)
            yield _signing(key)

    @contextmanager
    def _signed_in(self, uri: str, pin: str, *, writing: bool) -> Iterator[Session]:
        with self._turn:
            with _translated():
                found = next((each for each in self._tokens() if uri_of(each.label, each.serial) == uri), None)
                if found is None:
                    raise TokenAbsent
                session = found.open(rw=writing, user_pin=pin)
            try:
                yield session
            finally:
                with _translated():
                    session.close()

    def _tokens(self) -> Sequence[Token]:
        import pkcs11

        try:
            library = pkcs11.lib(str(self._module))
        except RuntimeError as error:
            raise DeviceError(
                "The library for tokens cannot be loaded.", "Check its path in `node.toml`, under [token]."
            ) from error
        slots = library.get_slots(token_present=True)[:MAX_TOKENS]
        tokens = [slot.get_token() for slot in slots]
        return [each for each in tokens if each.flags & pkcs11.TokenFlag.TOKEN_INITIALIZED]


def uri_of(label: str, serial: bytes) -> str:
    """Name a token (RFC 7512)."""
    return f"{_SCHEME}token={quote(label, safe='')};serial={quote(serial, safe='')}"


def is_token_uri(text: str) -> bool:
    """Whether it is a URI that names a token by what we know of one."""
    return text.startswith(_SCHEME) and set(_parts(text)) <= {"token", "serial"} and bool(_parts(text))


def _is_within(wanted: str, uri: str) -> bool:
    found = _parts(uri)
    return all(found.get(name) == value for name, value in _parts(wanted).items())


def _parts(uri: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in uri.removeprefix(_SCHEME).split(";") if part)
    return {name: unquote(value) for name, _, value in pairs}


def _public_key(point: bytes) -> bytes:
    """A public key from CKA_EC_POINT, which is a DER OCTET STRING, or with some libraries the bare point."""
    raw = point[2:] if len(point) == _UNCOMPRESSED + 2 else point
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError as error:
        raise DeviceError("The token made a key of another kind.", "Use a token that can do ECDSA P-256.") from error
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _signing(key: object) -> Sign:
    import pkcs11

    def sign(digest: bytes) -> bytes:
        if not isinstance(key, pkcs11.SignMixin):
            raise KeyAbsent
        with _translated():
            # Over the digest as it is: tokens that hash by themselves are few.
            raw = key.sign(digest, mechanism=pkcs11.Mechanism.ECDSA)
        return encode_dss_signature(int.from_bytes(raw[:_SCALAR]), int.from_bytes(raw[_SCALAR:]))

    return sign


@contextmanager
def _translated() -> Iterator[None]:
    """Say what a library said, in our own words."""
    import pkcs11

    try:
        yield
    except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange) as error:
        raise TokenPinRefused(
            "The token does not take that PIN.", "Type it again; after some wrong ones a token locks itself."
        ) from error
    except (pkcs11.PinLocked, pkcs11.PinExpired) as error:
        raise TokenPinRefused(
            "The token is locked: too many wrong PINs were given to it, or its PIN has expired.",
            "Unlock it with its own program and PUK, or end this key and make a new one.",
        ) from error
    except pkcs11.UserPinNotInitialized as error:
        raise TokenPinRefused("The token has no PIN yet.", "Set one with the token's own program.") from error
    except (pkcs11.NoSuchKey, pkcs11.MultipleObjectsReturned) as error:
        raise KeyAbsent from error
    except (
        *(pkcs11.NoSuchToken, pkcs11.TokenNotPresent, pkcs11.TokenNotRecognised),
        *(pkcs11.DeviceRemoved, pkcs11.SlotIDInvalid, pkcs11.SessionHandleInvalid),
    ) as error:
        raise TokenAbsent from error
    except (pkcs11.PKCS11Error, RuntimeError) as error:
        raise DeviceError(
            f"The token did not do it ({type(error).__name__}).", "Take it out, put it in, and try again."
        ) from error
