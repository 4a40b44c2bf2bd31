"""What central says in public of keys: its lists, its X.509 revocation list, and that a key is believed no more."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import bindparam, select

from appliance.certificates.lists import KEY_REASONS, PublicLists, TrustedLog, TrustedSigner
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.notes import Signer, VerifierKey
from appliance.records.database import Database, Tx
from appliance.records.moment import Clock
from sync.central import endedkeys, known, registry
from sync.central import tables as t
from sync.central.announcing import Stand, tell
from sync.central.authority import Authority, RevokedCertificate
from sync.central.certifying import Give
from sync.central.endedkeys import EndedKey
from sync.central.known import Known
from sync.central.publishing import Publication, Publisher
from sync.central.timestamping import Service

FLAGS: Final = {
    "compromised": x509.ReasonFlags.key_compromise,
    "forgotten": x509.ReasonFlags.cessation_of_operation,
    "left": x509.ReasonFlags.affiliation_changed,
    # Whoever found it may use it.
    "lost": x509.ReasonFlags.key_compromise,
    "replaced": x509.ReasonFlags.superseded,
}
"""A reason as X.509 says it (RFC 5280, section 5.3.1)."""

STAMPS: Final = "Timestamp service"
"""The name of a timestamp service's key in the lists."""

_OFFICER: Final = select(t.officer_answers.c.journal, t.officer_answers.c.key).where(
    t.officer_answers.c.certificate == bindparam("certificate")
)
_KID: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Revoked:
    """Keys that are believed no more, and the lists that say so."""

    signers: tuple[TrustedSigner, ...]
    logs: tuple[TrustedLog, ...]
    number: int


class Trust:
    """Publishes for one central.

    Args:
        archive: central's archive.
        index: central's index.
        place: the file of the public lists.
        signer: the publishing key.
        authority: central's.
        cosigner: what verifies central's cosignatures.
        give: orders something of a node.
        stand: orders something of every node.
        stamps: what is known of the timestamp service.
        settle: see `Publisher`.
        clock: what time it is.
        monotonic_s: seconds on a clock that nobody can set.
    """

    def __init__(
        self,
        archive: Database,
        index: Database,
        place: Path,
        signer: Signer,
        authority: Authority,
        cosigner: VerifierKey,
        give: Give,
        stand: Stand,
        stamps: Callable[[], Service | None],
        settle: Callable[[], None],
        *,
        clock: Clock,
        monotonic_s: Callable[[], float],
    ) -> None:
        self._archive = archive
        self._authority = authority
        self._cosigner = cosigner
        self._give = give
        self._stamps = stamps
        self._clock = clock
        self._publisher = Publisher(
            *(archive, index, place, signer, self._gather, settle, partial(tell, archive, stand)),
            clock=clock,
            monotonic_s=monotonic_s,
        )
        self._guard = threading.Lock()
        self._revoked: tuple[int, tuple[RevokedCertificate, ...]] | None = None
        self._crl_number = 0
        self.key = signer.verifier
        """What verifies the public lists."""

    def current(self) -> Publication:
        """The lists, for whoever asks a server: no older than it takes to make them without being busy with that."""
        return self._publisher.current()

    def publish(self) -> Publication:
        """The lists, with everything that is known at this moment."""
        return self._publisher.publish()

    def take(self, content: bytes) -> bool:
        """Take back lists that were lost; see `Publisher.take`."""
        return self._publisher.take(content)

    def crl(self) -> bytes:
        """The authority's revocation list (DER) of this moment: what the lists say, for those who know only X.509.

        Its number counts milliseconds, and rises as the lists do (RFC 5280, section 5.2.3).
        """
        lists = self.current().lists
        at = max(self._clock(), lists.at)
        with self._guard:
            if self._revoked is None or self._revoked[0] != lists.number:
                self._revoked = lists.number, revoked_of(lists, self._authority.certificate.subject)
            self._crl_number = max(int(at.timestamp() * 1000), lists.number * 1000, self._crl_number + 1)
            return self._authority.crl(self._revoked[1], number=self._crl_number, at=at)

    def revoke(self, name: str, reason: str, at: datetime | None = None) -> Revoked:
        """Believe a key no more, for ever, and publish that.

        Args:
            name: what the lists name a signer's key by (16 hexadecimal digits), or the journal of a node, which is
                taken out of service.
            reason: one of `lists.KEY_REASONS`.
            at: since when, aware; now, where it is not said.

        Raises:
            OperatorError: there is no such key, or it ended before, or the time is still to come.
        """
        now = self._clock()
        since = now if at is None else at
        if reason not in KEY_REASONS:
            raise OperatorError(f"{reason!r} is no reason.", f"Say one of these: {', '.join(KEY_REASONS)}.")
        if since > now:
            raise OperatorError("A key can't be revoked from a later time on.", "Leave --at out: it means now.")
        lists = self.publish().lists
        keys = [endedkeys.key_of(each.certificate) for each in _signers(lists, name)]
        keys += [each.journal for each in _logs(lists, name)]
        if not keys:
            raise OperatorError(
                f"There is no key {name}.", "See `sanad central lists`: 16 hexadecimal digits, or a node's journal."
            )
        with self._archive.write() as tx:
            for key in keys:
                endedkeys.end_key(tx, key, EndedKey(since, reason), now)
            for signer in _signers(lists, name):
                self._recall(tx, signer, cast("k.KeyEnd", reason))
        lists = self.publish().lists
        return Revoked(_signers(lists, name), _logs(lists, name), lists.number)

    def _recall(self, tx: Tx, signer: TrustedSigner, reason: k.KeyEnd) -> None:
        """Order the officer's node to use the key no more."""
        row = tx.one(_OFFICER, {"certificate": signer.certificate})
        if row is not None:
            self._give(tx, registry.require_node(tx, row[0]), [k.OfficerKeyRecalled(key=row[1], reason=reason)])

    def _gather(self, archive: Tx, index: Tx) -> Known:
        authority = self._authority.certificate.public_bytes(Encoding.DER)
        service = self._stamps()
        # Its own certificate comes first; those that certified it are in the timestamps themselves.
        stamps = () if service is None else service.certificates[:1]
        others = [TrustedSigner(each, "timestamp", "", STAMPS) for each in stamps]
        return known.gather(archive, index, authority, self._cosigner, others)


def revoked_of(lists: PublicLists, issuer: x509.Name) -> tuple[RevokedCertificate, ...]:
    """What the lists say of revoked certificates of one authority, as X.509 says it."""
    found = []
    for each in lists.trust.signers:
        if each.revoked_at is not None:
            certificate = x509.load_der_x509_certificate(each.certificate)
            reason = FLAGS.get(each.reason, x509.ReasonFlags.unspecified)
            if certificate.issuer == issuer:
                found.append(RevokedCertificate(certificate.serial_number, each.revoked_at, reason))
    return tuple(found)


def _signers(lists: PublicLists, name: str) -> tuple[TrustedSigner, ...]:
    """Those that are named so; two may share a name, and then both are meant, to be on the safe side."""
    if _KID.fullmatch(name) is None:
        return ()
    return tuple(each for each in lists.trust.signers if each.kid.hex() == name)


def _logs(lists: PublicLists, name: str) -> tuple[TrustedLog, ...]:
    return tuple(each for each in lists.trust.logs if each.journal == name)
