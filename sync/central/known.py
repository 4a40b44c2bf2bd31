"""What central knows of keys and of ended certificates, and what it may say of that in public.

Nodes write what is read here, and one bad row must keep nothing else from being said: a certificate counts as ended
only where it bears a number that central leased to its centre, and what cannot stand in the lists is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from typing import Final, cast

from cryptography import x509
from cryptography.x509.oid import NameOID
from sqlalchemy import bindparam, func, select

from appliance.certificates.lists import (
    Ended,
    EndState,
    PublicLists,
    Revocations,
    TrustedLog,
    TrustedSigner,
    TrustList,
    as_name,
)
from appliance.journal.ids import JournalId
from appliance.journal.notes import VerifierKey
from appliance.records import tables as records
from appliance.records.database import Tx
from appliance.records.moment import parse_at
from sync.central import registry
from sync.central import tables as t
from sync.central.endedkeys import EndedKey, ended_keys, key_of
from sync.central.registry import Node

_NUMBER: Final = re.compile(r"[A-Z0-9][A-Z0-9/-]{0,39}")
_CODE: Final = re.compile(r"[a-z][a-z_]{0,31}")
_COUNTED: Final = re.compile(r"-?([0-9]{6,12})-[0-9A-Z]")
_OTHER: Final = "other"
_STATES: Final = ("revoked", "superseded")
_ENDED: Final = select(
    records.certificates.c.number,
    records.certificates.c.ended_at,
    records.certificates.c.reason_code,
    records.certificates.c.replaced_by,
).where(records.certificates.c.journal == bindparam("journal"), records.certificates.c.state == bindparam("state"))
_BLOCKS: Final = select(t.blocks.c.prefix, t.blocks.c.first, t.blocks.c.last)
_NODES: Final = select(func.count()).select_from(t.nodes)
_OFFICERS: Final = select(t.officer_answers.c.journal, t.officer_answers.c.key, t.officer_answers.c.certificate).where(
    t.officer_answers.c.certificate.is_not(None)
)
_GIVEN_UP: Final = select(
    records.officer_keys.c.about, records.officer_keys.c.revoked_at, records.officer_keys.c.reason
).where(records.officer_keys.c.journal == bindparam("journal"), records.officer_keys.c.state == "revoked")
_ANSWERS: Final = select(func.count()).select_from(t.officer_answers)
_KEYS: Final = select(func.count(), func.min(t.ended_keys.c.at), func.max(t.ended_keys.c.said_at))
_FOLDED: Final = select(func.count(), func.sum(records.stamps.c.position))


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to say."""

    authorities: tuple[bytes, ...]
    signers: tuple[TrustedSigner, ...]
    logs: tuple[TrustedLog, ...]
    cosigners: tuple[VerifierKey, ...]
    ended: tuple[Ended, ...]


def mark(archive: Tx, index: Tx) -> tuple[object, ...]:
    """Something that changes whenever what is known may have changed, and that is quickly had."""
    rows = archive.one(_NODES), archive.one(_ANSWERS), archive.one(_KEYS), index.one(_FOLDED)
    return tuple(value for row in rows if row is not None for value in row)


def gather(
    archive: Tx, index: Tx, authority: bytes, cosigner: VerifierKey, others: Iterable[TrustedSigner] = ()
) -> Known:
    """Read what is known.

    Args:
        archive: a reader of the archive.
        index: a reader of the index.
        authority: the certificate of central's authority, DER.
        cosigner: what verifies central's cosignatures.
        others: signers that are neither a centre's nor an officer's.
    """
    nodes = registry.all_nodes(archive)
    ends = ended_keys(archive)
    centres = (
        TrustedSigner(each.centre_certificate, "centre", each.centre, as_name(each.centre_name)) for each in nodes
    )
    return Known(
        authorities=(authority,),
        signers=tuple(
            _with_end(each, ends.get(key_of(each.certificate)))
            for each in (*centres, *_officers(archive, index, nodes), *others)
        ),
        logs=tuple(TrustedLog(each.verifier, each.centre, _since(ends.get(each.journal))) for each in nodes),
        cosigners=(cosigner,),
        ended=_ended(archive, index, {each.journal: each.centre for each in nodes}),
    )


def say(said: PublicLists | None, known: Known, number: int, at: datetime) -> tuple[TrustList, Revocations]:
    """What is published: all that is known, and all that was ever said. What ended once never holds again.

    Args:
        said: the last lists, if there are any; they may know more, where central was restored from a backup.
        known: what central knows now.
        number: of the new lists.
        at: their date.
    """
    before = said.trust if said is not None else TrustList(0, at, (), ())
    signers = {each.certificate: each for each in before.signers}
    for signer in known.signers:
        as_said = signers.get(signer.certificate, signer)
        end = None if as_said.revoked_at is None else EndedKey(as_said.revoked_at, as_said.reason)
        signers[signer.certificate] = _with_end(signer, end)
    logs = {each.key: each for each in before.logs}
    for log in known.logs:
        stops = [each.stopped_at for each in (log, logs.get(log.key, log)) if each.stopped_at is not None]
        logs[log.key] = TrustedLog(log.key, log.centre, min(stops, default=None))
    ended = {} if said is None else {each.number: each for each in said.revocations.ended}
    for one in known.ended:
        ended[one.number] = min(ended.get(one.number, one), one, key=_weight)
    trust = TrustList(
        number=number,
        at=at,
        authorities=tuple({*before.authorities, *known.authorities}),
        signers=tuple(signers.values()),
        logs=tuple(logs.values()),
        cosigners=tuple({*before.cosigners, *known.cosigners}),
    )
    return trust, Revocations(number, at, tuple(ended.values()))


def _officers(archive: Tx, index: Tx, nodes: Iterable[Node]) -> list[TrustedSigner]:
    """Those whose keys central certified, revoked where their node says so."""
    centres = {node.journal: node.centre for node in nodes}
    given_up: dict[tuple[JournalId, str], EndedKey] = {}
    for journal in centres:
        for key, at, reason in index.each(_GIVEN_UP, {"journal": journal}):
            given_up[journal, key] = EndedKey(parse_at(at), reason)
    signers = []
    for journal, key, certificate in archive.each(_OFFICERS):
        name = x509.load_der_x509_certificate(certificate).subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        signer = TrustedSigner(certificate, "officer", centres.get(journal, ""), as_name(str(name)))
        signers.append(_with_end(signer, given_up.get((journal, key))))
    return signers


def _ended(archive: Tx, index: Tx, centres: dict[JournalId, str]) -> tuple[Ended, ...]:
    blocks: dict[str, list[tuple[int, int]]] = {}
    for prefix, first, last in archive.all(_BLOCKS):
        blocks.setdefault(prefix, []).append((first, last))
    found: dict[str, Ended] = {}
    for (journal, centre), state in product(centres.items(), _STATES):
        for number, at, code, by in index.each(_ENDED, {"journal": journal, "state": state}):
            if _is_leased(number, centre, blocks.get(centre, [])):
                one = Ended(
                    number=number,
                    state=cast("EndState", state),
                    at=parse_at(at).replace(microsecond=0),
                    reason=code if _CODE.fullmatch(code) else _OTHER,
                    by=by if _NUMBER.fullmatch(by) else "",
                )
                found[number] = min(found.get(number, one), one, key=_weight)
    return tuple(found.values())


def _is_leased(number: str, centre: str, blocks: list[tuple[int, int]]) -> bool:
    """Whether a number is one that central leased to its centre; a node could write any."""
    counted = _COUNTED.fullmatch(number.removeprefix(centre)) if number.startswith(centre) else None
    return counted is not None and any(first <= int(counted[1]) <= last for first, last in blocks)


def _weight(ended: Ended) -> tuple[bool, datetime, str, str]:
    """What outranks: revoked before superseded, and what was earlier."""
    return ended.state != "revoked", ended.at, ended.reason, ended.by


def _with_end(signer: TrustedSigner, end: EndedKey | None) -> TrustedSigner:
    """The signer, revoked as early as either says."""
    if end is None or (signer.revoked_at is not None and signer.revoked_at <= end.at):
        return signer
    return replace(signer, revoked_at=_since(end), reason=end.reason)


def _since(end: EndedKey | None) -> datetime | None:
    return None if end is None else end.at.replace(microsecond=0)
