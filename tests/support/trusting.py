"""What a reader of certificates knows, for tests: central's lists with specimen centres, and what ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from appliance.certificates.lists import Ended, PublicLists, Revocations, SignerKind, TrustedSigner, TrustList
from appliance.certificates.lists import publisher_name as _publisher_name
from appliance.certificates.verdict import Knowledge
from appliance.journal.notes import Signer
from tests.support.sealing_centre import CODE, NAME, NOW, Centre

PUBLISHER: Final = Signer(_publisher_name("a" * 26), bytes(range(32)))


def listed(
    certificate: bytes,
    *,
    kind: SignerKind = "centre",
    centre: str = CODE,
    name: str = NAME,
    revoked_at: datetime | None = None,
    reason: str = "",
) -> TrustedSigner:
    """A signer that central lists."""
    return TrustedSigner(certificate, kind, centre, name, revoked_at, reason or ("lost" if revoked_at else ""))


def lists(
    authority: bytes, signers: Sequence[TrustedSigner], *ended: Ended, at: datetime = NOW, number: int = 7
) -> PublicLists:
    """Central's lists."""
    trust = TrustList(number, at, (authority,), tuple(signers))
    return PublicLists(trust, Revocations(number, at, ended), PUBLISHER.verifier)


def knowing(centre: Centre, *ended: Ended, at: datetime = NOW, revoked_at: datetime | None = None) -> Knowledge:
    """What a reader knows who has lists with one centre."""
    signer = listed(centre.certificate, revoked_at=revoked_at)
    return Knowledge(lists=lists(centre.authority_der, [signer], *ended, at=at))
