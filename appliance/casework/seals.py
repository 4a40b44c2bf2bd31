"""The centre's seal: the key that signs whatever no officer signs, and the code on every receipt."""

from __future__ import annotations

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
    files = (store.layout.centre_certificate, store.layout.authority)
    try:
        own, authority = (
            x509.load_pem_x509_certificate(file.read_bytes()).public_bytes(Encoding.DER) for file in files
        )
    except (OSError, ValueError):
        raise IntegrityError(
            "The centre's certificate is missing or damaged, so nothing can be signed.",
            "Put keys/centre.crt and keys/ca.crt back from a backup, or call central IT.",
        ) from None
    return SoftwareSigner(store.secret(CENTRE_KEY), own, (authority,))
