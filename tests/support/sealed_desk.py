"""A desk whose centre has its certificate and numbers, and a central that certifies officers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key

from appliance.access.session import Session
from appliance.casework.centre import CentreRules
from appliance.casework.key_making import make_sealed_key
from appliance.casework.officer_keys import OfficerKey, keys_of
from appliance.journal import kinds as k
from appliance.journal.ids import EntityId
from appliance.store.keys import CENTRE_KEY
from sync.central.authority import Authority
from sync.centre import centre_subject
from tests.support.desk import Desk
from tests.support.sealing_centre import CODE, NAME, NOW

PIN = "481920"


@dataclass
class SealedDesk:
    """Rabia signs by a key of her own, once central has certified it."""

    desk: Desk
    authority: Authority

    def key(self, session: Session, pin: str = PIN) -> OfficerKey:
        """A key that an officer made and central certified."""
        made = make_sealed_key(self.desk.centre, session, pin)
        self.certify(session, made)
        return self.named(session, made)

    def named(self, session: Session, key: EntityId) -> OfficerKey:
        """A key as it stands."""
        (found,) = (each for each in keys_of(self.desk.store, session) if each.id == key)
        return found

    def certify(self, session: Session, key: EntityId) -> bytes:
        """Let central certify a key, as it does after a sync; answers the certificate."""
        request = x509.load_der_x509_csr(self.named(session, key).csr)
        public = request.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        made = self.authority.certify_officer(public, request.subject, self.desk.store.clock())
        certificate = made.public_bytes(Encoding.DER)
        self.order(k.OfficerKeyCertified(key=key, certificate=certificate))
        return certificate

    def order(self, body: k.Body) -> None:
        """Let central order something, and the node take it up."""
        self.desk.bench.central.order(body)
        self.desk.bench.take_orders()


def sealed_desk(desk: Desk) -> SealedDesk:
    """Give a desk's centre its certificate, and numbers."""
    authority = Authority.create("Sanad central specimen", NOW)
    private = load_der_private_key(desk.store.secret(CENTRE_KEY), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    certificate = authority.certify_centre(private.public_key(), centre_subject(CODE, NAME), NOW)
    for file, each in (
        (desk.store.layout.centre_certificate, certificate),
        (desk.store.layout.authority, authority.certificate),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(each.public_bytes(Encoding.PEM))
    desk.centre = replace(desk.centre, rules=CentreRules(CODE, NAME))
    desk.bench.central.open_orders()
    lease(desk, "PEW01-", 1, 2)
    return SealedDesk(desk, authority)


def lease(desk: Desk, prefix: str, first: int, last: int) -> None:
    """Let central lease numbers."""
    desk.bench.central.order(k.NumbersLeased(prefix=prefix, first=first, last=last))
    desk.bench.take_orders()
