"""Our own forms, frozen: what this writes must never change, or journals of years ago could not be checked.

    python -m tests.vectors.generate          writes tests/vectors/sanad/ anew

A test compares. Whoever changes a form on purpose gives it a new version and keeps reading the old one.
"""

from __future__ import annotations

import sys

import msgspec

from appliance.journal.export import write_export
from appliance.journal.proof import make_proof
from appliance.journal.trust import format_trust
from tests.unit.journal import build
from tests.vectors import VECTORS


def files() -> dict[str, bytes]:
    """Each file's name and content."""
    central = build.cosigner()
    whole = build.erased(build.journal(5), 2)
    cosigned = whole.cosigned(central, size=5)
    made: dict[str, bytes] = {"trust.txt": format_trust([central.verifier])}
    for name, bodies in (("all", True), ("none", False)):
        pieces: list[bytes] = []
        write_export(
            pieces.append,
            whole.entries,
            head=whole.head(),
            signer=whole.signer,
            cosigned=cosigned,
            cosigners=[central.verifier],
            bodies=bodies,
        )
        made[f"export-{name}.txt"] = b"".join(pieces)
    keys = (whole.key, central.verifier)
    made["entry-3.tlog-proof"] = make_proof(whole.entries[3], cosigned, whole.read, keys, with_body=True)
    made["tree.json"] = msgspec.json.format(
        msgspec.json.encode({"journal": whole.id, "nodes": [row[3].hex() for row in whole.rows]})
    )
    return made


def main() -> int:
    """Write them."""
    for name, content in files().items():
        (VECTORS / "sanad" / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
