"""What a run leaves for the person who ran it: copies that stand by their own names, and the line of JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from appliance.casework.certificates import certificate_numbered
from appliance.casework.issuing import certificate_pdf
from appliance.journal.errors import IntegrityError
from appliance.journal.ids import BlobDigest
from appliance.records.disk import write_durably
from appliance.store.store import Store
from provisioning.centralopening import central_key, open_central
from provisioning.journalcommands import check_home
from provisioning.unlock import store_key
from provisioning.walk.case import Walked
from provisioning.walk.place import Walk
from sync.central.central import Central

CERTIFICATE: Final = "certificate.pdf"
RECEIPT: Final = "receipt.png"
TRUST_LISTS: Final = "trust-lists"
"""Whose signatures count, and what was revoked: all that `sanad verify` needs besides the certificate."""


def compared(walk: Walk, store: Store, cases: Sequence[Walked], *, synced: bool) -> dict[str, object]:
    """Fetch back from central what was carried there, compare, verify the home; answers the line of JSON.

    Raises:
        IntegrityError: something came back otherwise than it was given, or the home is not whole.
    """
    head, blobs = store.head(), store.named_blobs()
    with open_central(walk.central_home, central_key(walk.central_home)) as central:
        at_central = sum(central.holds(digest) for digest in blobs)
        told = [_told(walk, store, central if synced else None, case) for case in cases]
    walk.step("journal, tables and sealed files verified", lambda: _verify(walk))
    first = told[0]
    return {
        "tracking": first["tracking"],
        "certificate": _copy(walk, CERTIFICATE, cases[0].certificate),
        **{name: first[name] for name in ("certificate_blob", "certificate_sha256", "central_certificate_sha256")},
        "certificate_timestamped": first["certificate_timestamped"],
        "receipt": _copy(walk, RECEIPT, cases[0].receipt),
        "trust_lists": _copy(walk, TRUST_LISTS, store.layout.lists if store.layout.lists.is_file() else None),
        "cases": told,
        "home": str(walk.home),
        "central_home": str(walk.central_home),
        "passphrase_file": str(walk.passphrase_file),
        "results": str(walk.results),
        "journal_size": head.size,
        "cosigned_size": head.cosigned_size,
        "blobs": len(blobs),
        "blobs_at_central": at_central,
        "synced": synced and head.size == head.cosigned_size,
    }


def _told(walk: Walk, store: Store, central: Central | None, case: Walked) -> dict[str, object]:
    made = case.issued
    return {
        "service": case.service,
        "tracking": case.tracking,
        "certificate_number": None if made is None else made.number,
        "certificate": None if case.certificate is None else str(case.certificate),
        "certificate_blob": None if made is None else made.blob,
        "certificate_sha256": None if made is None else hashlib.sha256(certificate_pdf(store, made)).hexdigest(),
        "central_certificate_sha256": None
        if made is None or central is None
        else _fetched(walk, central, f"{case.service}: certificate", made.blob, made.pdf_sha256),
        "certificate_timestamped": None if made is None else _timestamped(walk, store, case.service, made.number),
        "receipt": None if case.receipt is None else str(case.receipt),
        "asked": case.asked,
        "not_asked": case.spared,
        "papers": [
            {
                "file": scan.file,
                "blob": digest,
                "sha256": scan.sha256,
                "central_sha256": None
                if central is None
                else _fetched(walk, central, f"{case.service}: {scan.file}", digest, scan.sha256),
            }
            for scan, digest in case.papers
        ],
    }


def _timestamped(walk: Walk, store: Store, service: str, number: str) -> str | None:
    """A copy of the certificate with its timestamp and validation data, where it has them."""
    found = certificate_numbered(store, number)
    if not found.raised_blob:
        return None
    copy = walk.results / f"certificate-{service}-timestamped.pdf"
    write_durably(copy, store.open_blob(BlobDigest(found.raised_blob)))
    return str(copy)


def _fetched(walk: Walk, central: Central, what: str, digest: BlobDigest, sha256: str) -> str:
    def fetch() -> str:
        found = hashlib.sha256(central.fetch(digest)).hexdigest()
        if found != sha256:
            raise IntegrityError("Central gave back another file than was sealed.", "Keep this folder and report it.")
        return found

    return walk.step(f"fetched back from central, and the same: {what}", fetch)


def _copy(walk: Walk, name: str, file: Path | None) -> str | None:
    if file is None:
        return None
    copy = walk.results / name
    write_durably(copy, file.read_bytes())
    return str(copy)


def _verify(walk: Walk) -> None:
    report = check_home(walk.home, store_key(walk.home))
    if not report.ok:
        raise IntegrityError(" ".join(report.reasons), "Keep this folder and report it.")
