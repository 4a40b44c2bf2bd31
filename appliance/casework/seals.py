"""The centre's seal: the key that signs whatever no officer signs, the code on every page and on every receipt."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.certificates.signer import SoftwareSigner
from appliance.journal.errors import IntegrityError
from appliance.store.keys import CENTRE_KEY
from appliance.store.store import Store


def centre_signer(store: Store) -> SoftwareSigner:
    """The centre's key, its certificate, and that of central's authority.

    Raises:
        IntegrityError: a certificate is missing or damaged, or is not that of the key.
    """
    own = _read(store.layout.centre_certificate)
    return SoftwareSigner(store.secret(CENTRE_KEY), own, (authority_certificate(store),))


def authority_certificate(store: Store) -> bytes:
    """The certificate of central's authority, which vouches for every signer of this node, DER.

    Raises:
        IntegrityError: it is missing or damaged.
    """
    return _read(store.layout.authority)


def node_certificate(store: Store) -> bytes | None:
    """The certificate by which central's authority vouches for this node and its journal, DER; None where it is not.

    Raises:
        IntegrityError: it is damaged.
    """
    file = store.layout.node_certificate
    return _read(file) if file.exists() else None


def _read(file: Path) -> bytes:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes()).public_bytes(Encoding.DER)
    except (OSError, ValueError):
        raise IntegrityError(
            "The centre's certificate is missing or damaged, so nothing can be signed.",
            "Put keys/centre.crt and keys/ca.crt back from a backup, or call central IT.",
        ) from None
