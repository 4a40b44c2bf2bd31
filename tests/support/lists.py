"""Public lists to test with, always the same for the same arguments."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from appliance.certificates.lists import (
    Ended,
    PublicLists,
    Revocations,
    TrustedLog,
    TrustedSigner,
    TrustList,
    publisher_name,
)
from appliance.certificates.listsfile import in_order
from appliance.journal import ids
from appliance.journal.notes import COSIGNATURE, Signer, VerifierKey

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NUMBER = int(AT.timestamp())


def random(*what: object) -> bytes:
    """32 bytes that look random and depend on the arguments alone."""
    return hashlib.sha256(repr(what).encode()).digest()


def publisher(central: str = "central") -> Signer:
    """A central's publishing key."""
    return Signer(publisher_name(ids.entity_id(random(central)[:16])), random(central, "lists"))


def cosigner(central: str = "central") -> VerifierKey:
    """A central's key for cosignatures."""
    name = f"sanad/central/{ids.entity_id(random(central)[:16])}"
    return Signer(name, random(central, "cosigner"), COSIGNATURE).verifier


def log(node: str = "node", centre: str = "PEW01", stopped_at: datetime | None = None) -> TrustedLog:
    """A node's journal."""
    public = Signer("any", random(node)).verifier.public
    key = VerifierKey(ids.origin(ids.journal_id(public)), 1, public)
    return TrustedLog(key, centre, stopped_at)


def centre_key(code: str = "PEW01") -> TrustedSigner:
    """A centre's key, with bytes that stand for its certificate."""
    return TrustedSigner(random("certificate", code), "centre", code, "Specimen centre, Peshawar")


def officer_key(name: str = "Rabia Officer", *, revoked_at: datetime | None = None) -> TrustedSigner:
    """An officer's key, with bytes that stand for its certificate."""
    reason = "compromised" if revoked_at else ""
    return TrustedSigner(random("certificate", name), "officer", "PEW01", name, revoked_at, reason)


def public_lists(number: int = NUMBER, at: datetime = AT, central: str = "central") -> PublicLists:
    """Lists with something of everything."""
    trust = TrustList(
        number=number,
        at=at,
        authorities=(random("authority", central) * 20,),
        signers=(
            centre_key(),
            officer_key(),
            officer_key("ستارہ خان", revoked_at=AT - timedelta(days=2)),
            TrustedSigner(random("tsa", central), "timestamp", "", "Specimen central"),
        ),
        logs=(log(), log("stopped", "KBL01", AT - timedelta(days=1))),
        cosigners=(cosigner(central),),
    )
    ended = (
        Ended("PEW01-000002-K", "revoked", AT - timedelta(hours=3), "fraud"),
        Ended("PEW01-000001-L", "superseded", AT - timedelta(hours=4), "corrected", "PEW01-000003-J"),
    )
    return PublicLists(*in_order(trust, Revocations(number, at, ended)), publisher(central).verifier)


def later(lists: PublicLists, *, seconds: int = 1) -> PublicLists:
    """The same said again, under the next number and a later date."""
    number, at = lists.number + seconds, lists.at + timedelta(seconds=seconds)
    return PublicLists(
        replace(lists.trust, number=number, at=at), replace(lists.revocations, number=number, at=at), lists.key
    )


def people_of(lists: PublicLists) -> list[TrustedSigner]:
    """The signers of the lists that are centres or officers, and not central's timestamps."""
    return [each for each in lists.trust.signers if each.kind != "timestamp"]
