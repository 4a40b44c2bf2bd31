"""The forms that a journal leaves the house in do not change."""

from __future__ import annotations

from appliance.journal.export import verify_export
from appliance.journal.proof import check_proof
from appliance.journal.trust import parse_trust
from tests.vectors import VECTORS
from tests.vectors.generate import files


def test_what_is_written_today_is_what_was_written_when_the_form_was_fixed() -> None:
    kept = {path.name: path.read_bytes() for path in (VECTORS / "sanad").iterdir()}
    assert files() == kept


def test_what_was_written_when_the_form_was_fixed_can_be_read() -> None:
    trust = parse_trust((VECTORS / "sanad" / "trust.txt").read_bytes())
    for name in ("all", "none"):
        found = verify_export([(VECTORS / "sanad" / f"export-{name}.txt").read_bytes()], trust)
        assert found.known
        assert (found.size, found.bodies) == (6, name == "all")
    proved = check_proof((VECTORS / "sanad" / "entry-3.tlog-proof").read_bytes(), trust)
    assert proved.known
    assert proved.entry is not None
    assert proved.entry.header.seq == 3
