"""How `sync/entries.dictionary` was made: `python -m tests.support.entries_dictionary > sync/entries.dictionary`.

It belongs to a version of the frames: making it anew, when kinds were added, needs a new version.
"""

from __future__ import annotations

import re
import sys
from typing import Final

from appliance.journal.kinds import encode_body
from tests.support.specimens import HASH, SOMEBODY, SPECIMENS

# What a centre writes all day; zstd finds it cheapest at the end.
COMMON: Final = (
    *("person.corrected", "person.linked", "token.skipped", "token.no_show", "complaint.made", "shift.opened"),
    *("shift.counted", "shift.closed", "application.returned", "application.resubmitted", "application.waiting"),
    *("application.answered", "application.delivered", "attestation.made", "session.opened", "session.closed"),
    *("application.issued", "application.step_done", "application.approved", "application.review_started"),
    *("signature.taken", "token.issued", "token.called", "token.served", "person.added", "person.verified"),
    *("application.submitted", "print.intended", "print.confirmed", "payment.taken", "paper.added"),
)


def specimen(kind: str) -> bytes:
    """What an entry of a kind has in common with every other of its kind."""
    body = encode_body(SPECIMENS[kind]("")).decode()
    body = re.sub(rf"{HASH}|{SOMEBODY}", "", body)
    return f'Z","by":"","kind":"{kind}","about":"","body":"\0","blobs":[""]}}{body}'.encode()


def dictionary() -> bytes:
    """Every kind once, the common ones last, and the beginning of a header."""
    rare = [kind for kind in sorted(SPECIMENS) if kind not in COMMON]
    last = b'","blobs":[]}{"v":1,"journal":"","seq":1,"at":"2026-11-22T09:30:00.000Z","by":"node","kind":"","about":"-'
    return b"".join(specimen(kind) for kind in (*rare, *COMMON)) + last


if __name__ == "__main__":
    sys.stdout.buffer.write(dictionary())
