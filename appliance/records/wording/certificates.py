"""What happened to certificates after they were issued, in words."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.records.wording.base import Wording


def _code(body: k.CertificateRevocationAsked | k.CertificateRevoked) -> str:
    return body.reason_code.replace("_", " ")


def _changed(body: k.CertificateCorrectionAsked | k.CertificateCorrected) -> str:
    return f" ({', '.join(body.changed)})" if body.changed else ""


WHAT: Final[Wording] = {
    k.CertificateCorrectionAsked.KIND: lambda body: (
        f"asked that the certificate {body.number} be corrected{_changed(body)}: {body.reason}"
    ),
    k.CertificateCorrectionRefused.KIND: lambda body: f"left the certificate {body.number} as it is: {body.reason}",
    k.CertificateCorrected.KIND: lambda body: (
        f"issued the certificate {body.number} in place of {body.replaces}, which is superseded"
        f"{_changed(body)}: {body.reason}"
    ),
    k.CertificateRevocationAsked.KIND: lambda body: (
        f"asked that the certificate {body.number} be revoked ({_code(body)}): {body.reason}"
    ),
    k.CertificateRevocationRefused.KIND: lambda body: f"did not revoke the certificate {body.number}: {body.reason}",
    k.CertificateRaised.KIND: lambda body: (
        f"added a timestamp of {body.stamped_at[:10]} by {body.tsa} to the certificate {body.number}"
    ),
    k.CertificateRevoked.KIND: lambda body: f"revoked the certificate {body.number} ({_code(body)}): {body.reason}",
}
