"""What central says in public of keys: its lists, its X.509 revocation list, and that a key is believed no more."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
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
from sync.central.authority import Authority, RevokedCertificate
from sync.central.certifying import Give
from sync.central.endedkeys import EndedKey
from sync.central.known import Known
from sync.central.publishing import Publication, Publisher

FLAGS: Final = {
    "compromised": x509.ReasonFlags.key_compromise,
    "forgotten": x509.ReasonFlags.cessation_of_operation,
    "left": x509.ReasonFlags.affiliation_changed,
    # Whoever found it may use it.
    "lost": x509.ReasonFlags.key_compromise,
    "replaced": x509.ReasonFlags.superseded,
}
"""A reason as X.509 says it (RFC 5280, section 5.3.1)."""

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
        settle: Callable[[], None],
        *,
        clock: Clock,
        monotonic_s: Callable[[], float],
    ) -> None:
        self._archive = archive
        self._authority = authority
        self._cosigner = cosigner
        self._give = give
        self._clock = clock
        self._publisher = Publisher(
            archive, index, place, signer, self._gather, settle, clock=clock, monotonic_s=monotonic_s
        )
        self._crl: tuple[int, bytes] | None = None
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
        """The authority's revocation list (DER), under the number and date of the lists; it says no more than they."""
        lists = self.current().lists
        known_crl = self._crl
        if known_crl is None or known_crl[0] != lists.number:
            known_crl = lists.number, crl_of(lists, self._authority)
            self._crl = known_crl
        return known_crl[1]

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
            # A node whose orders were lost hears of it by the lists.
            with suppress(OperatorError):
                self._give(tx, registry.require_node(tx, row[0]), [k.OfficerKeyRecalled(key=row[1], reason=reason)])

    def _gather(self, archive: Tx, index: Tx) -> Known:
        authority = self._authority.certificate.public_bytes(Encoding.DER)
        return known.gather(archive, index, authority, self._cosigner)


def crl_of(lists: PublicLists, authority: Authority) -> bytes:
    """What the lists say of revoked certificates, as X.509 says it.

    Args:
        lists: the public lists.
        authority: the one that certified their signers.
    """
    revoked = [
        RevokedCertificate(
            serial=x509.load_der_x509_certificate(each.certificate).serial_number,
            at=each.revoked_at,
            reason=FLAGS.get(each.reason, x509.ReasonFlags.unspecified),
        )
        for each in lists.trust.signers
        if each.revoked_at is not None
    ]
    return authority.crl(revoked, number=lists.number, at=lists.at)


def _signers(lists: PublicLists, name: str) -> tuple[TrustedSigner, ...]:
    """Those that are named so; two may share a name, and then both are meant, to be on the safe side."""
    if _KID.fullmatch(name) is None:
        return ()
    return tuple(each for each in lists.trust.signers if each.kid.hex() == name)


def _logs(lists: PublicLists, name: str) -> tuple[TrustedLog, ...]:
    return tuple(each for each in lists.trust.logs if each.journal == name)
