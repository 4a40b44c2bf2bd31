#!/usr/bin/env python3
"""Check the hashes of an evidence bundle by Sanad with nothing of Sanad's: SHA-256, JSON and base64 alone.

    sanad journal proof --certificate NUMBER evidence.json
    python3 check_evidence.py evidence.json

It needs Python 3.9 or later and its standard library. It checks that

 1. each body is the one that its entry's header names: SHA-256(salt, body);
 2. each header leads to the one root in the checkpoint (RFC 9162, section 2.1.3.2);
 3. the certificate is the file that the issuing entry names, and the file with the timestamp the one that was raised;
 4. central's last order before the issue stands in the tree that the node had named by then, and in central's own.

It verifies no signature: whose checkpoint it is, `sanad verify` says, or `openssl` as in check_proof.py.
It exits with 0 when all of that holds, and with 1 when anything does not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any


class Refused(Exception):
    """The evidence does not hold."""


def demand(holds: bool, otherwise: str) -> None:
    """Go on only if it holds."""
    if not holds:
        raise Refused(otherwise)


def sha256(data: bytes) -> bytes:
    """The hash."""
    return hashlib.sha256(data).digest()


def root_of(header: str, index: int, size: int, path: list[str]) -> bytes:
    """Follow an inclusion path (RFC 9162, section 2.1.3.2)."""
    demand(0 <= index < size, "a position lies outside the tree")
    fn, sn, node = index, size - 1, sha256(b"\x00" + header.encode())
    for text in path:
        other = base64.b64decode(text, validate=True)
        demand(sn != 0 and len(other) == 32, "a path is too long, or holds what is no hash")
        if fn % 2 or fn == sn:
            node = sha256(b"\x01" + other + node)
            while fn % 2 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = sha256(b"\x01" + node + other)
        fn, sn = fn >> 1, sn >> 1
    demand(sn == 0, "a path is too short")
    return node


def read_checkpoint(note: str) -> tuple[str, int, bytes]:
    """The origin, size and root of a checkpoint (C2SP tlog-checkpoint)."""
    origin, size, root, empty, *_ = note.split("\n")
    demand(empty == "", "a checkpoint has more than three lines")
    return origin, int(size), base64.b64decode(root, validate=True)


def check(bundle: dict[str, Any]) -> list[str]:
    """Check a bundle; give the lines to print."""
    origin, size, root = read_checkpoint(bundle["checkpoint"])
    report, issued, raised, applied = [f"{origin}, {size} entries"], [], [], []
    for each in bundle["entries"]:
        header = json.loads(each["header"])
        seq = header["seq"]
        demand(origin == "sanad/journal/" + header["journal"], "an entry is of another journal")
        demand(
            root_of(each["header"], header["seq"], size, each["path"]) == root, f"entry {header['seq']}: another root"
        )
        shown = base64.b64decode(each["salt"], validate=True) + each["body"].encode()
        demand(not shown or sha256(shown).hex() == header["body"], f"entry {seq}: another body")
        body = json.loads(each["body"]) if each["body"] else {}
        if header["kind"] in ("application.issued", "certificate.corrected") and body["number"] == bundle["number"]:
            issued.append(body)
        if header["kind"] == "certificate.raised":
            raised.append(body)
        if header["kind"] == "orders.applied":
            applied.append(body)
        report.append(f"entry {seq}: {header['kind']} by {header['by']} at {header['at']} (claimed)")
    pdf = base64.b64decode(bundle["pdf"], validate=True)
    demand(len(issued) == 1, "not one entry by which the certificate was issued")
    demand(sha256(pdf[: bundle["signed_bytes"]]).hex() == issued[0]["pdf_sha256"], "another file than was issued")
    demand(sha256(pdf).hex() == (raised or issued)[0]["pdf_sha256"], "another file than was raised")
    if bundle["order"] is not None:
        order = bundle["order"]
        header, (then,) = json.loads(order["header"]), applied
        _, now_size, now_root = read_checkpoint(order["checkpoint"])
        index = header["seq"]
        demand(root_of(order["header"], index, now_size, order["path"]) == now_root, "an order is not central's")
        named = root_of(order["header"], index, then["size"], order["path_then"])
        demand(index == then["size"] - 1 and named.hex() == then["root"], "an order was not the last one by then")
        report.append(f"not before {header['at']}, when central wrote the last order that stands before it")
    return [*report, f"certificate {bundle['number']}: HASHES AGREE"]


def main() -> int:
    """Check the bundle that is named on the command line."""
    if len(sys.argv) != 2:
        print(__doc__)
        return 1
    try:
        report = check(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    except (Refused, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        print(f"REFUSED: {error}")
        return 1
    print("\n".join(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
