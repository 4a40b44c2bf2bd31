"""Whether the signer of what was found is known: by central's list of signers, or by certificates that the reader gave.

What this raises is `Broken` even so: a code whose signer is known and did not sign it was changed, and a timestamp that
somebody unknown put over a file is a change to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from appliance.certificates.checking import code as codes
from appliance.certificates.checking import signers, stamp
from appliance.certificates.checking.faults import Broken
from appliance.certificates.checking.looking import Found
from appliance.certificates.lists import PublicLists, TrustedSigner
from appliance.certificates.qr import CodeClaims
from appliance.certificates.signer import kid

_A_DAY: Final = timedelta(days=1)
_NO_TRUST: Final = "Nothing here says whose signatures count: there are no lists of central's on this machine."
_NOT_LISTED: Final = "The key that signed it is not among those that central lists."
_NOT_CERTIFIED: Final = "The key that signed it was not certified by an authority that you trust."
_ONLY_NAMED: Final = (
    "A code names its signer's certificate, and does not hold it: it takes central's lists to check it."
)


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a reader trusts."""

    lists: PublicLists | None
    authorities: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Trusted:
    """What the reader's trust makes of a signer."""

    known: bool
    reasons: tuple[str, ...]
    listed: TrustedSigner | None = None
    stamped_at: datetime | None = None
    """When at the latest it was signed, by a timestamp of a service that is trusted."""
    as_of_issue: bool = False
    """Whether the lists cannot know it, because they are older than it is."""
    ends: datetime | None = None
    """Until when the signer's certificate holds."""


def trusted_signer(found: Found, trust: Trust) -> Trusted:
    """Find who signed, and hold a code's signature against that key.

    Raises:
        Broken: the signer that it names did not sign it, or may not sign that.
    """
    if trust.lists is None and not trust.authorities:
        return Trusted(known=False, reasons=(_NO_TRUST,))
    certificate = found.certificate if found.code is None else _of_code(found, trust)
    if certificate is None:
        return Trusted(known=False, reasons=(_NOT_LISTED if trust.lists is not None else _ONLY_NAMED,))
    named = signers.read_signer(certificate)
    if named.centre != found.centre:
        raise Broken("It is signed by another centre than the one that it names.")
    _check_held(found, named)
    lists = trust.lists
    authorities = (*trust.authorities, *(() if lists is None else lists.trust.authorities))
    if certificate not in trust.authorities and not any(signers.issued(certificate, each) for each in authorities):
        return Trusted(known=False, reasons=(_NOT_CERTIFIED,))
    if lists is None:
        reason = f"Signed by {named.name} ({named.centre}), certified by whom you trust."
        trusted = Trusted(known=True, reasons=(reason,))
    else:
        trusted = _by_lists(found, certificate, lists)
    return replace(trusted, stamped_at=_stamped_at(found, authorities, lists), ends=named.ends)


def _check_held(found: Found, named: signers.Named) -> None:
    issued = datetime.combine(date.fromisoformat(found.issued_on), time(), UTC)
    if not named.begins - _A_DAY <= issued <= named.ends + _A_DAY:
        raise Broken("It says that it was issued on a day on which the key that signed it was not certified.")


def _stamped_at(found: Found, authorities: Sequence[bytes], lists: PublicLists | None) -> datetime | None:
    """When at the latest it was there, by timestamps of services that are trusted."""
    times = []
    for each in found.stamps:
        by = stamp.service(each.token)
        services = () if lists is None else [one for one in lists.trust.signers if one.kind == "timestamp"]
        named = next((one for one in services if one.certificate == by), None)
        at = stamp.trusted_at(each.token, each.digest, [*authorities, *([] if named is None else [by])])
        if at is None and lists is not None:
            raise Broken("Somebody whom nobody here knows put a timestamp on the file after it was sealed.")
        if at is not None and (named is None or named.revoked_at is None or at < named.revoked_at):
            times.append(at)
    return min(times, default=None)


def _by_lists(found: Found, certificate: bytes, lists: PublicLists) -> Trusted:
    listed = next((each for each in lists.trust.signers if each.certificate == certificate), None)
    if listed is None:
        # A centre that is newer than the lists cannot be in them.
        if date.fromisoformat(found.issued_on) >= lists.at.astimezone(UTC).date():
            reason = "The key that signed it is newer than the lists here; an authority that they name certified it."
            return Trusted(known=True, reasons=(reason,), as_of_issue=True)
        return Trusted(known=False, reasons=(_NOT_LISTED,))
    if listed.kind == "timestamp" or listed.centre != found.centre:
        raise Broken("The key that signed it may not sign certificates of that centre.")
    if found.officer is not None and found.officer != (listed.kind == "officer"):
        raise Broken("It says that somebody else signed it than did.")
    _check_printed(found, lists)
    who = "an officer's key" if listed.kind == "officer" else "the centre's key"
    return Trusted(
        known=True,
        reasons=(f"Signed by {listed.name} ({listed.centre}) with {who}, which central lists.",),
        listed=listed,
    )


def _check_printed(found: Found, lists: PublicLists) -> None:
    """Hold the code on the page of a file that an officer sealed against the keys of its centre."""
    if found.printed is None:
        return
    centre = [each for each in lists.trust.signers if each.kind == "centre" and each.centre == found.centre]
    if not any(kid(each.certificate) == found.printed.kid for each in centre):
        raise Broken("The code on its page is not signed by the centre that it names.")
    _signed_by(found.printed, [each.certificate for each in centre])


def _of_code(found: Found, trust: Trust) -> bytes | None:
    """The certificate by whose key the code was signed; None where nobody here knows the one that it names."""
    if found.code is None:
        return None
    known = [] if trust.lists is None else [each.certificate for each in trust.lists.trust.signers]
    return _signed_by(found.code, [*known, *trust.authorities])


def _signed_by(code: CodeClaims, certificates: Sequence[bytes]) -> bytes | None:
    """The one of these certificates by whose key a code was signed; None where it names none of them.

    Raises:
        Broken: it names one, whose key did not sign it.
    """
    wrong: Broken | None = None
    for each in certificates:
        if kid(each) != code.kid:
            continue
        try:
            codes.check_signed(code, each)
        except Broken as error:
            # Two keys may share their short names.
            wrong = error
        else:
            return each
    if wrong is not None:
        raise wrong
    return None
