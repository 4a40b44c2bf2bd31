#!/usr/bin/env python3
"""Check a proof by Sanad that an entry stands in a journal, with nothing of Sanad's.

    sanad journal proof SEQ > entry.tlog-proof
    python3 check_proof.py entry.tlog-proof [TRUST_FILE]

It needs Python 3.9 or later, its standard library, and the `openssl` command (3.0 or later) for Ed25519. The forms are
C2SP tlog-proof, tlog-checkpoint, signed-note and tlog-cosignature; the tree is that of RFC 9162, section 2.1.

 1. The text is read: keys, header and body from the `extra` line, position, hashes, checkpoint, signatures.
 2. Each line must stand exactly as it would be written again: nothing in the text is passed over.
 3. The journal's identifier must follow from the journal's key (not for orders, which central signs), and the header
    must name that journal and the position. A body, if shown, must be the one that the header names.
 4. The header's hash, with the hashes of the proof, must lead to the root in the checkpoint.
 5. The journal's key and each cosigner's key must have signed the checkpoint, and nobody else.
 6. With a trust file (one verifier key a line), it says which of the keys are trusted.

It exits with 0 when all of that holds, known signer or not, and with 1 when anything does not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

FIELDS = ["v", "journal", "seq", "at", "by", "kind", "about", "body", "blobs"]
SPKI_ED25519 = bytes.fromhex("302a300506032b6570032100")  # RFC 8410, section 4
NOTE, COSIGNATURE = 1, 4


class Refused(Exception):
    """The proof does not hold."""


def demand(holds: bool, otherwise: str) -> None:
    """Go on only if it holds."""
    if not holds:
        raise Refused(otherwise)


def b64(text: str) -> bytes:
    """Read base64 exactly as it is written."""
    data = base64.b64decode(text, validate=True)
    demand(base64.b64encode(data).decode() == text, "base64 is not canonical")
    return data


def read_key(line: str) -> tuple[str, bytes, int, bytes]:
    """Read a verifier key: its name, id, kind and 32 bytes."""
    name, key_id, material = line.split("+", 2)
    raw = b64(material)
    expected = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    demand(len(raw) == 33 and raw[0] in (NOTE, COSIGNATURE), "a key is of an unknown kind")
    demand(key_id == expected.hex(), "a key contradicts itself")
    return name, expected, raw[0], raw[1:]


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Let openssl verify a signature."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("key.der", "message", "signature")]
        for path, data in zip(paths, (SPKI_ED25519 + public, message, signature)):
            path.write_bytes(data)
        key, text, sig = map(str, paths)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key, "-rawin"]
        done = subprocess.run([*command, "-in", text, "-sigfile", sig], capture_output=True, check=False)
    return len(signature) == 64 and done.returncode == 0


def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """Follow an inclusion path (RFC 9162, section 2.1.3.2)."""
    demand(0 <= index < size, "the position lies outside the tree")
    fn, sn, node = index, size - 1, leaf
    for other in path:
        demand(sn != 0 and len(other) == 32, "the path is too long, or holds what is no hash")
        if fn % 2 or fn == sn:
            node = hashlib.sha256(b"\x01" + other + node).digest()
            while fn % 2 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + other).digest()
        fn, sn = fn >> 1, sn >> 1
    demand(sn == 0, "the path is too short")
    return node


def check_entry(header: bytes, shown: bytes, name: str, public: bytes, index: int) -> dict[str, object]:
    """Check that the header is of the journal whose key this is, and that the body is the header's."""
    fields: dict[str, object] = json.loads(header)
    demand(list(fields) == FIELDS, "the header has other fields than a header has")
    demand(json.dumps(fields, separators=(",", ":")).encode() == header, "the header is not in canonical form")
    journal = base64.b32encode(hashlib.sha256(b"sanad journal v1" + public).digest()[:16])[:26].decode().lower()
    match = re.fullmatch(r"sanad/(journal|orders)/([a-z2-7]{26})", name)
    if match is None:
        raise Refused("the first key is not named after a journal")
    orders = match[1] == "orders"
    demand(orders or match[2] == journal, "the journal's identifier does not follow from its key")
    demand(fields["journal"] == match[2] + (".orders" if orders else ""), "the entry is of another journal")
    demand(fields["seq"] == index, "the entry is for another position")
    demand(not shown or (len(shown) > 16 and hashlib.sha256(shown).hexdigest() == fields["body"]), "the body differs")
    return fields


def check(proof: bytes, trusted: list[str]) -> list[str]:
    """Check a proof; give the lines to print."""
    start, _, note = proof.partition(b"\n\n")
    first, extra_line, index_line, *hashes = start.decode().split("\n")
    demand(first == "c2sp.org/tlog-proof@v1" and extra_line.startswith("extra "), "it is no such proof")
    demand(re.fullmatch(r"index (0|[1-9][0-9]{0,15})", index_line) is not None, "the position is not a number")
    index, path, extra = int(index_line[6:]), [b64(line) for line in hashes], b64(extra_line[6:])
    key_lines, _, rest = extra.partition(b"\n\n")
    header, newline, shown = rest.partition(b"\n")
    keys = [read_key(line) for line in key_lines.decode().split("\n")]
    demand(newline == b"\n" and [kind for _, _, kind, _ in keys] == [NOTE] + [COSIGNATURE] * (len(keys) - 1), "keys")
    demand(len(set(keys)) == len(keys), "a key comes twice")

    origin, size, root, empty, *lines = note.decode().removesuffix("\n").split("\n")
    demand(note.endswith(b"\n") and empty == "" and len(lines) == len(keys), "the checkpoint has not one line a key")
    demand(re.fullmatch(r"[1-9][0-9]{0,15}", size) is not None and len(b64(root)) == 32, "no size, or no root")
    name, _, _, public = keys[0]
    demand(origin == name, "the checkpoint is of another journal")
    fields = check_entry(header, shown, name, public, index)
    leaf = hashlib.sha256(b"\x00" + header).digest()
    demand(root_of(leaf, index, int(size), path) == b64(root), "the entry does not lead to the root")

    text = f"{origin}\n{size}\n{root}\n".encode()
    report = [f"{field}: {value}" for field, value in fields.items()]
    report.append(f"body shown: {shown[16:].decode()}" if shown else "body not shown")
    report.append(f"entry {index} of {size}")
    known = False
    for (name, key_id, kind, public), line, key_line in zip(keys, lines, key_lines.decode().split("\n")):
        demand(line.startswith(f"— {name} "), "a signature is not by the key in its place")
        raw = b64(line[len(f"— {name} ") :])
        demand(raw[:4] == key_id, "a signature is not by the key in its place")
        message, signature, when = text, raw[4:], "signed"
        if kind == COSIGNATURE:
            at = int.from_bytes(raw[4:12], "big")
            message, signature = f"cosignature/v1\ntime {at}\n".encode() + text, raw[12:]
            when = f"countersigned {datetime.fromtimestamp(at, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
        demand(verify_ed25519(public, message, signature), f"the signature by {name} is false")
        pinned = key_line in trusted
        known = known or pinned
        report.append(f"{when} by {name}, {'trusted' if pinned else 'not in a trust file'}")
    report.append("CONSISTENT" if known else "CONSISTENT, SIGNER UNKNOWN")
    return report


def main() -> int:
    """Check the proof that is named on the command line."""
    if len(sys.argv) not in (2, 3):
        print(__doc__)
        return 1
    trusted = Path(sys.argv[2]).read_text(encoding="utf-8").splitlines() if len(sys.argv) == 3 else []
    try:
        report = check(Path(sys.argv[1]).read_bytes(), trusted)
    except (Refused, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        print(f"REFUSED: {error}")
        return 1
    print("\n".join(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
