"""The public lists: whose keys may sign, which certificates no longer hold, and which lists take the place of others.

Central publishes both together, dated and numbered, and anybody may keep and check them (`listsfile` is how they are
written and signed). Pure: no clock, disk or network, and no certificate is read here.

A keeper that asks `newer` never goes back, and what was once said to have ended never holds again. What that does not
give: that the newest lists are the ones at hand. Whoever can keep a reader from central can keep it at old ones, so
every list says when it was made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from appliance.certificates.signer import kid
from appliance.journal import ids
from appliance.journal.errors import IntegrityError
from appliance.journal.ids import JournalId
from appliance.journal.notes import VerifierKey

MAX_NAME: Final = 200
"""Characters."""

SignerKind = Literal["centre", "officer", "timestamp"]
EndState = Literal["superseded", "revoked"]

KEY_REASONS: Final = ("compromised", "forgotten", "left", "lost", "replaced")
"""Why a key is no longer trusted."""

_ORIGIN: Final = "sanad/lists/"
# What a certificate's record refuses in a line, and what some programs take for the end of one.
_UNPRINTABLE: Final = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff"
NAME: Final = rf"[^{_UNPRINTABLE}]{{1,{MAX_NAME}}}"
"""A name as the lists hold it, as a regular expression."""


class BadLists(IntegrityError):
    """A file that is not the public lists, or was changed, or was put together from several."""

    def __init__(
        self, sentence: str, next_step: str = "Get the lists anew from central; do not use this file."
    ) -> None:
        super().__init__(sentence, next_step)


class UnknownPublisher(BadLists):
    """Lists that nobody whom the reader trusts has published."""


class OlderLists(BadLists):
    """Lists that go back behind others that are known."""


@dataclass(frozen=True, slots=True)
class TrustedSigner:
    """A key that central certified: to sign certificates for citizens by, or timestamps."""

    kid: bytes = field(init=False)
    """What codes on paper name it by: the first 8 bytes of the SHA-256 of its certificate. Two keys may share it."""
    certificate: bytes
    """X.509, DER; not read here."""
    kind: SignerKind
    centre: str
    """The centre's code; empty for a key that is no centre's."""
    name: str
    """Of the centre, the officer or the service, for people."""
    revoked_at: datetime | None = None
    """From when on nothing that it signed is to be believed; whole seconds, UTC."""
    reason: str = ""
    """One of `KEY_REASONS` where it is revoked; another code, of a later central, is shown as it is."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "kid", kid(self.certificate))


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """The journal of a node that central knows."""

    key: VerifierKey
    centre: str
    stopped_at: datetime | None = None
    """When the node was taken out of service: what its key signs later is not to be believed. Whole seconds, UTC."""

    @property
    def journal(self) -> JournalId:
        """The journal's identifier."""
        return ids.journal_id(self.key.public)


@dataclass(frozen=True, slots=True)
class TrustList:
    """Whose signatures count."""

    number: int
    """Rises with every publication."""
    at: datetime
    """When it was made: whole seconds, UTC, by central's clock; never earlier than that of a smaller number."""
    authorities: tuple[bytes, ...]
    """X.509, DER, of the authorities that certified the signers."""
    signers: tuple[TrustedSigner, ...]
    logs: tuple[TrustedLog, ...] = ()
    cosigners: tuple[VerifierKey, ...] = ()
    """Whose cosignatures prove that a checkpoint was there at a time."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A certificate that no longer holds."""

    number: str
    state: EndState
    at: datetime
    """Whole seconds, UTC."""
    reason: str
    """A code: lower-case letters and `_`."""
    by: str = ""
    """The number of the certificate that took its place, where one did."""


@dataclass(frozen=True, slots=True)
class Revocations:
    """Which certificates no longer hold. One that is not here was never said to have ended."""

    number: int
    at: datetime
    ended: tuple[Ended, ...]


@dataclass(frozen=True, slots=True)
class PublicLists:
    """Both lists, as they were published together."""

    trust: TrustList
    revocations: Revocations
    key: VerifierKey
    """Who published them."""

    @property
    def number(self) -> int:
        """The number of both."""
        return self.trust.number

    @property
    def at(self) -> datetime:
        """The date of both."""
        return self.trust.at


def publisher_name(central: str) -> str:
    """The name of a central's publishing key."""
    return _ORIGIN + central


def as_name(text: str) -> str:
    """A name as the lists can hold it, with a mark for whatever they cannot."""
    return re.sub(f"[{_UNPRINTABLE}]", "\ufffd", text[:MAX_NAME]) or "\ufffd"


def newer(old: PublicLists, new: PublicLists) -> bool:
    """Whether lists that were offered take the place of those that are known; False where they are the same.

    Raises:
        UnknownPublisher: another central's. OlderLists: of a smaller number or an earlier date, or others under the
            same number, or they forget something that had ended.
    """
    if new.key != old.key:
        raise UnknownPublisher("These lists are by another central than those that are known.")
    if new == old:
        return False
    if new.number <= old.number or new.at < old.at:
        raise OlderLists(
            f"These lists (number {new.number}, {to_text(new.at)}) are older than those that are known "
            f"(number {old.number}, {to_text(old.at)}).",
            "Keep the newer ones. If central gave these: it was restored from a backup, or its clock is wrong.",
        )
    forgotten = _forgotten(old, new)
    if forgotten:
        raise OlderLists(
            f"These lists no longer say what was said before: {forgotten}.",
            "Keep the ones that are known, and tell central IT: central may have been restored from an old backup.",
        )
    return True


def to_text(at: datetime) -> str:
    """A moment as the lists write it: `YYYY-MM-DDTHH:MM:SSZ`, UTC, any part of a second left out."""
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _forgotten(old: PublicLists, new: PublicLists) -> str:
    """What the new lists say less of than the old ones, in words; empty where they say as much."""
    for named, before, after in (
        ("an authority", old.trust.authorities, new.trust.authorities),
        ("a cosigner", old.trust.cosigners, new.trust.cosigners),
    ):
        if not {*before} <= {*after}:
            return named
    signers = {each.certificate: each.revoked_at for each in new.trust.signers}
    for signer in old.trust.signers:
        if signer.certificate not in signers or not _still(signer.revoked_at, signers[signer.certificate]):
            return f"the key {signer.kid.hex()} of {signer.name}"
    logs = {each.key: each.stopped_at for each in new.trust.logs}
    for log in old.trust.logs:
        if log.key not in logs or not _still(log.stopped_at, logs[log.key]):
            return f"the journal {log.journal}"
    ended = {each.number: each for each in new.revocations.ended}
    for each in old.revocations.ended:
        now = ended.get(each.number)
        if now is None or (each.state, now.state) == ("revoked", "superseded"):
            return f"certificate {each.number} is {each.state}"
    return ""


def _still(before: datetime | None, now: datetime | None) -> bool:
    """Whether what had ended has ended still, no later than was said."""
    return before is None or (now is not None and now <= before)
