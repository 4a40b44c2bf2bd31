"""Central certifies officers' keys: it finds the requests that the fold of a node's journal shows, answers each once.

A request is an entry of the node's journal, so nothing need be kept of it: whatever central was doing when it died, the
next fold of that journal, or the next start, finds every key that still waits. The answer is an order, and stands in
the archive's table `officer_answers` by the same transaction: no key is answered twice, and no public key is certified
twice, for whomever. What is checked is that the request is signed by its key (RFC 2986), and names the centre and the
operator who made the entry, as the node's own journal calls them, and that they are an officer there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import bindparam, select

from appliance.certificates.officer import officer_subject
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.journal.kinds import Body
from appliance.records import tables as folded
from appliance.records.database import Database, Tx
from appliance.records.moment import Clock, at_text
from sync.central import registry
from sync.central import tables as t
from sync.central.authority import Authority, BadRequestOfCertificate, read_centre_request
from sync.central.registry import Node

MAX_AT_ONCE: Final = 100
"""Keys of one node that are answered in one transaction."""

_KEYS, _OPERATORS, _ASIDE = folded.officer_keys, folded.operators, folded.set_aside
_ASKED: Final = (
    select(_KEYS.c.about, _KEYS.c.csr, _KEYS.c.operator, _OPERATORS.c.name, _OPERATORS.c.roles)
    .outerjoin(_OPERATORS, sa.and_(_OPERATORS.c.journal == _KEYS.c.journal, _OPERATORS.c.about == _KEYS.c.operator))
    # Of an operator whose entries could not all be folded nobody knows here which roles they have now: that waits.
    .where(
        _KEYS.c.journal == bindparam("journal"),
        _KEYS.c.state == "asked",
        ~sa.exists().where(
            _ASIDE.c.journal == _KEYS.c.journal, _ASIDE.c.log == _KEYS.c.journal, _ASIDE.c.about == _KEYS.c.operator
        ),
    )
    .order_by(_KEYS.c.seq)
)
_ANSWERED: Final = select(t.officer_answers.c.key).where(t.officer_answers.c.journal == bindparam("journal"))
_KNOWN: Final = (
    select(t.officer_answers.c.key).where(t.officer_answers.c.public_sha256 == bindparam("public_sha256")).limit(1)
)
_ANSWER: Final = sa.insert(t.officer_answers)
_log = structlog.get_logger(__name__)

Give = Callable[[Tx, Node, Sequence[Body]], None]
"""Orders something of a node, in a transaction on the archive."""


@dataclass(frozen=True, slots=True)
class _Asked:
    key: EntityId
    csr: bytes
    operator: str
    name: str | None
    roles: str | None


@dataclass(frozen=True, slots=True)
class Certifier:
    """Answers what officers ask.

    Args:
        archive: where orders and answers are.
        index: where the fold shows who asks.
        authority: certifies.
        give: orders something of a node.
        clock: what time it is.
    """

    archive: Database
    index: Database
    authority: Authority = field(repr=False)
    give: Give = field(repr=False)
    clock: Clock

    def answer(self, journal: JournalId) -> int:
        """Answer every key of a node that waits; durable when this returns.

        Returns:
            How many were answered.
        """
        with self.index.read() as tx:
            asked = [_Asked(EntityId(row[0]), *row[1:]) for row in tx.all(_ASKED, {"journal": journal})]
        if not asked:
            return 0
        with self.archive.read() as tx:
            answered = {row[0] for row in tx.all(_ANSWERED, {"journal": journal})}
        waiting = [each for each in asked if each.key not in answered]
        for first in range(0, len(waiting), MAX_AT_ONCE):
            self._answer(journal, waiting[first : first + MAX_AT_ONCE])
        return len(waiting)

    def _answer(self, journal: JournalId, waiting: Sequence[_Asked]) -> None:
        with self.archive.write() as tx:
            node = registry.require_node(tx, journal)
            # Another process may have answered while this one waited for the lock.
            answered = {row[0] for row in tx.all(_ANSWERED, {"journal": journal})}
            for each in waiting:
                if each.key not in answered:
                    self.give(tx, node, [self._judge(tx, node, each)])

    def _judge(self, tx: Tx, node: Node, asked: _Asked) -> Body:
        public, refusal = _read(node, asked)
        named = None if public is None else _hash(public)
        used = named is not None and tx.one(_KNOWN, {"public_sha256": named}) is not None
        if used or public == x509.load_der_x509_certificate(node.centre_certificate).public_key():
            public, refusal, named = None, "repeated", None
        values = {"journal": node.journal, "key": asked.key, "answered_at": at_text(self.clock())}
        if public is None:
            tx.run(_ANSWER, {**values, "public_sha256": named, "certificate": None})
            _log.warning("officer's key refused", journal=node.journal, key=asked.key, reason=refusal)
            return k.OfficerKeyRefused(key=asked.key, reason=refusal)
        subject = officer_subject(node.centre, node.centre_name, asked.name or "", asked.operator)
        certificate = self.authority.certify_officer(public, subject, self.clock()).public_bytes(Encoding.DER)
        tx.run(_ANSWER, {**values, "public_sha256": named, "certificate": certificate})
        return k.OfficerKeyCertified(key=asked.key, certificate=certificate)


def _read(node: Node, asked: _Asked) -> tuple[EllipticCurvePublicKey | None, k.KeyRefusal]:
    """The key to certify, or None and why not."""
    if asked.name is None or asked.roles is None:
        return None, "name"
    if "officer" not in asked.roles.split():
        return None, "role"
    subject = officer_subject(node.centre, node.centre_name, asked.name, asked.operator)
    try:
        return read_centre_request(asked.csr, subject), "request"
    except BadRequestOfCertificate:
        return None, "request"


def _hash(public: EllipticCurvePublicKey) -> str:
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def try_answer(certifier: Certifier, journal: JournalId) -> None:
    """Answer, or leave it for the next fold: where orders cannot be given now, nothing else suffers."""
    try:
        certifier.answer(journal)
    except OperatorError as error:
        _log.warning("officers' keys wait", journal=journal, error=type(error).__name__)
