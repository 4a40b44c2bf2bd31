"""Proofs of one entry: ours, a published one, and the stand-alone check that has nothing of ours."""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from appliance.journal import ids, notes, proof, tree
from appliance.journal.entry import Entry
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.notes import Signer, VerifierKey
from appliance.journal.proof import LogProof, ProofVerdict, check_proof, make_proof, parse_proof
from appliance.journal.tree import BadProof
from appliance.journal.trust import format_trust
from tests.unit.journal import build
from tests.unit.journal.build import Journal
from tests.vectors import VECTORS

CHECKER = Path(__file__).parents[3] / "docs" / "check_proof.py"
CENTRAL = build.cosigner()
WHOLE = build.journal(11)
KEYS = (WHOLE.key, CENTRAL.verifier)


def made(seq: int = 5, whole: Journal = WHOLE, *, with_body: bool = True, note: bytes | None = None) -> bytes:
    signed = note or whole.cosigned(CENTRAL)
    return make_proof(whole.entries[seq], signed, whole.read, (whole.key, *KEYS[1:]), with_body=with_body)


PROOF = made()


def refused(data: bytes, trust: tuple[VerifierKey, ...] | None = KEYS) -> ProofVerdict:
    found = check_proof(data, trust)
    assert not found.consistent
    assert not found.known
    assert found.entry is None
    return found


def stand_alone(data: bytes, folder: Path, trust: bytes | None = None) -> subprocess.CompletedProcess[str]:
    """Run the checker as a stranger would: another folder, no site packages, no environment."""
    (folder / "proof").write_bytes(data)
    arguments = [sys.executable, "-I", "-S", str(CHECKER), "proof"]
    if trust is not None:
        (folder / "trust").write_bytes(trust)
        arguments.append("trust")
    return subprocess.run(
        arguments, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False, env={"PATH": "/usr/bin"}
    )


@pytest.mark.parametrize("size", [1, 2, 3, 8, 11])
def test_every_entry_can_be_proved_at_every_size(size: int) -> None:
    note = WHOLE.cosigned(CENTRAL, size=size)
    for seq in range(size):
        found = check_proof(made(seq, note=note), KEYS)
        assert found.known
        assert found.entry == WHOLE.entries[seq]
        assert found.checkpoint is not None
        assert found.checkpoint.size == size


def test_a_proof_shows_the_body_only_when_it_is_asked_to() -> None:
    entry = WHOLE.entries[5]
    found = check_proof(made(with_body=False)).entry
    assert found is not None
    assert (found.header, found.body, found.salt) == (entry.header, None, None)
    assert entry.body is not None
    assert base64.b64encode(entry.body)[:40] not in made(with_body=False)


def test_the_signer_of_a_proof_is_known_only_by_a_trusted_key() -> None:
    assert not check_proof(PROOF).known
    assert check_proof(PROOF).sentence == "Consistent, signer unknown."
    assert check_proof(PROOF, [WHOLE.key]).known
    by_central = check_proof(PROOF, [CENTRAL.verifier])
    assert by_central.known
    assert by_central.standing is not None
    assert "is not in a trust file" in by_central.standing.sentence
    assert not check_proof(PROOF, [build.cosigner("other").verifier]).known


def test_a_change_to_any_byte_of_a_proof_is_refused() -> None:
    chance = random.Random(2)
    for at, byte in enumerate(PROOF):
        for other in {byte ^ 1, byte ^ 0x20, 0x0A, chance.randrange(256)} - {byte}:
            refused(PROOF[:at] + bytes([other]) + PROOF[at + 1 :], None)
        refused(PROOF[:at])
        refused(PROOF[:at] + PROOF[at + 1 :])
        refused(PROOF[:at] + b"\n" + PROOF[at:])
    refused(PROOF + b"\n")
    refused(PROOF.replace(b"\n", b"\r\n"))


def rebuilt(**changed: Any) -> bytes:
    parsed = parse_proof(PROOF)
    fields = {"extra": parsed.extra, "index": parsed.index, "hashes": parsed.hashes, "note": parsed.note, **changed}
    return LogProof(**fields).encode()


def extra_of(entry: Entry, keys: tuple[VerifierKey, ...] = KEYS, shown: bytes = b"") -> bytes:
    return b"".join(key.text.encode() + b"\n" for key in keys) + b"\n" + entry.header_bytes + b"\n" + shown


def test_parts_of_proofs_do_not_mix() -> None:
    parsed = parse_proof(PROOF)
    other, entry = WHOLE.entries[4], WHOLE.entries[5]
    assert other.salt is not None
    assert other.body is not None
    path = tree.inclusion_proof(4, 11, WHOLE.read)
    assert check_proof(rebuilt(extra=extra_of(entry))).consistent
    for data in (
        rebuilt(extra=None),
        rebuilt(extra=b""),
        rebuilt(extra=extra_of(other)),
        rebuilt(extra=extra_of(other), index=4),
        rebuilt(extra=extra_of(entry), index=4, hashes=path),
        rebuilt(extra=extra_of(entry, shown=other.salt + other.body)),
        rebuilt(extra=extra_of(entry, shown=b"x")),
        rebuilt(extra=extra_of(entry)[:-1]),
        rebuilt(extra=extra_of(entry, keys=KEYS[:1])),
        rebuilt(extra=extra_of(entry, keys=KEYS[::-1])),
        rebuilt(extra=extra_of(entry, keys=(KEYS[0], KEYS[1], KEYS[1]))),
        rebuilt(extra=extra_of(entry, keys=(KEYS[0], VerifierKey(CENTRAL.name, 1, CENTRAL.verifier.public)))),
        rebuilt(extra=extra_of(entry, keys=(*KEYS, build.cosigner("other").verifier))),
        rebuilt(extra=extra_of(entry, keys=())),
        rebuilt(hashes=parsed.hashes[1:]),
        rebuilt(hashes=(*parsed.hashes, bytes(32))),
        rebuilt(hashes=tuple(reversed(parsed.hashes))),
        rebuilt(hashes=(parsed.hashes[0][:31], *parsed.hashes[1:])),
        rebuilt(note=notes.parse_note(WHOLE.cosigned(CENTRAL, size=10))),
        rebuilt(note=notes.parse_note(WHOLE.head())),
        rebuilt(note=notes.parse_note(WHOLE.cosigned(CENTRAL, build.cosigner("other")))),
        rebuilt(note=notes.parse_note(build.journal(11, "other").cosigned(CENTRAL))),
    ):
        refused(data)


def test_an_entry_that_the_node_itself_put_in_another_place_is_refused(tmp_path: Path) -> None:
    whole = build.journal_of([WHOLE.entries[1], WHOLE.entries[0]], WHOLE.signer)
    extra = extra_of(WHOLE.entries[1], keys=(WHOLE.key,))
    data = LogProof(extra, 0, tree.inclusion_proof(0, 2, whole.read), notes.parse_note(whole.head())).encode()
    refused(data)
    assert stand_alone(data, tmp_path).returncode == 1


def test_another_key_cannot_prove_for_a_journal() -> None:
    thief = Signer(WHOLE.signer.name, build.number("thief"))
    with pytest.raises(IntegrityError):
        made(whole=build.journal_of(WHOLE.entries, thief))


def test_a_proof_that_would_not_hold_is_not_made() -> None:
    other = build.journal(11, "other")
    with pytest.raises(IntegrityError):
        make_proof(other.entries[5], WHOLE.head(), WHOLE.read, KEYS)
    with pytest.raises(IntegrityError):
        make_proof(WHOLE.entries[5], WHOLE.head(), other.read, KEYS)
    with pytest.raises(IntegrityError):
        make_proof(WHOLE.entries[5], other.head(), WHOLE.read, KEYS)
    with pytest.raises(BugError):
        make_proof(WHOLE.entries[5], WHOLE.head(5), WHOLE.read, KEYS)
    erased = build.erased(WHOLE, 5)
    with pytest.raises(BugError):
        made(whole=erased)
    assert check_proof(made(whole=erased, with_body=False)).consistent


def test_only_cosigners_that_signed_are_named() -> None:
    data = make_proof(WHOLE.entries[0], WHOLE.head(), WHOLE.read, KEYS)
    found = check_proof(data, KEYS)
    assert found.standing is not None
    assert found.standing.cosigned == ()
    assert found.known


def test_a_proof_from_the_orders_needs_the_key_of_the_orders() -> None:
    orders = ids.orders_of(WHOLE.id)
    signer = Signer(ids.origin(orders), build.number("orders key"))
    whole = build.journal_of([build.entry_at(orders, seq) for seq in range(3)], signer)
    data = made(1, whole, note=whole.head())
    assert check_proof(data, [signer.verifier]).known
    assert not check_proof(data, KEYS).known


def test_the_largest_proof_fits_its_bound() -> None:
    body = {"text": "x" * (65536 - 11)}
    whole = build.journal(1, make=lambda journal, seq: build.entry_at(journal, seq, body=body))
    assert check_proof(made(0, whole)).consistent
    with pytest.raises(BadProof, match="at most"):
        parse_proof(b"x" * (proof.MAX_PROOF + 1))


# A published proof


def published() -> tuple[LogProof, bytes, dict[str, Any]]:
    vectors = json.loads((VECTORS / "notes.json").read_text(encoding="utf-8"))["checkpoints"]
    vector: dict[str, Any] = next(each for each in vectors if "note_in" in each)
    raw = (VECTORS / "tlog-proof-7271.txt").read_bytes()
    found = parse_proof(raw)
    assert found.encode() == raw
    return found, (VECTORS / "tlog-proof-7271.leaf").read_bytes(), vector


def test_a_published_proof_of_another_log_leads_from_its_leaf_to_its_signed_root() -> None:
    found, leaf, vector = published()
    notes.verify(found.note, VerifierKey.parse(vector["log_keys"][0]))
    size, root = found.note.text.decode().split("\n")[1:3]
    assert (found.index, int(size), len(found.hashes)) == (7271, 7341, 11)
    tree.verify_inclusion(tree.leaf_hash(leaf), found.index, int(size), found.hashes, base64.b64decode(root))
    with pytest.raises(IntegrityError):
        tree.verify_inclusion(tree.leaf_hash(leaf + b" "), 7271, int(size), found.hashes, base64.b64decode(root))
    assert not check_proof(found.encode()).consistent


# The stand-alone check


def test_the_stand_alone_check_imports_the_standard_library_only() -> None:
    lines = CHECKER.read_text(encoding="utf-8").splitlines()
    imported = {line.split()[1].partition(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert imported <= {*sys.stdlib_module_names, "__future__"}


@pytest.mark.parametrize("with_body", [True, False])
@pytest.mark.parametrize("seq", [0, 5, 10])
def test_the_stand_alone_check_accepts_our_proofs(seq: int, with_body: bool, tmp_path: Path) -> None:
    done = stand_alone(made(seq, with_body=with_body), tmp_path, format_trust(KEYS))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "CONSISTENT"
    assert f"seq: {seq}" in done.stdout
    assert ("محمد" in done.stdout) == with_body
    assert "countersigned 2026-02-02 02:40:00 UTC" in done.stdout


def test_the_stand_alone_check_says_when_the_signer_is_unknown(tmp_path: Path) -> None:
    for trust in (None, b"", format_trust([build.cosigner("other").verifier])):
        done = stand_alone(PROOF, tmp_path, trust)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "CONSISTENT, SIGNER UNKNOWN")


def test_the_stand_alone_check_refuses_mutated_proofs(tmp_path: Path) -> None:
    chance = random.Random(3)
    spoilt = [PROOF + b"\n", PROOF[:-1], b"", PROOF.replace(b"\n", b"\r\n"), rebuilt(index=4), rebuilt(extra=None)]
    spoilt.append(rebuilt(extra=extra_of(WHOLE.entries[4])))
    spoilt.append(rebuilt(note=notes.parse_note(WHOLE.cosigned(CENTRAL, size=10))))
    spoilt.append(rebuilt(note=notes.parse_note(WHOLE.cosigned(CENTRAL, build.cosigner("other")))))
    for _ in range(60):
        at = chance.randrange(len(PROOF))
        spoilt.append(PROOF[:at] + bytes([PROOF[at] ^ 1 << chance.randrange(8)]) + PROOF[at + 1 :])
    for data in spoilt:
        refused(data)
        done = stand_alone(data, tmp_path)
        assert done.returncode == 1, data
        assert done.stdout.startswith("REFUSED")
        assert "Traceback" not in done.stderr


def test_the_stand_alone_check_refuses_a_key_that_is_not_the_journals(tmp_path: Path) -> None:
    thief = Signer(WHOLE.signer.name, build.number("thief"))
    stolen = build.journal_of(WHOLE.entries, thief)
    note = notes.parse_note(stolen.head())
    data = rebuilt(extra=extra_of(WHOLE.entries[5], keys=(thief.verifier,)), note=note)
    refused(data)
    assert stand_alone(data, tmp_path).returncode == 1
