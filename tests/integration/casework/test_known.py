"""What a node knows itself of its own certificates, before any list says so."""

from __future__ import annotations

from appliance.casework import revoking
from appliance.casework.certificates import certificate_numbered
from appliance.casework.known import known_here
from tests.integration.store.conftest import AT_S
from tests.support.desk import NUMBER, Desk


def test_of_a_number_that_was_not_issued_here_nothing_is_known(desk: Desk) -> None:
    assert known_here(desk.store, NUMBER) is None
    assert known_here(desk.store, "another text") is None


def test_what_holds_is_known_by_its_record_and_not_as_ended(desk: Desk) -> None:
    desk.issue(desk.approved())
    known = known_here(desk.store, NUMBER)
    assert known is not None
    assert known.record_sha256 == certificate_numbered(desk.store, NUMBER).record_sha256
    assert known.ended is None


def test_what_was_revoked_is_known_at_once(desk: Desk) -> None:
    application = desk.approved()
    desk.issue(application)
    revoking.ask_revocation(desk.store, desk.officer, application, NUMBER, "fraud", "a forged deed")
    known = known_here(desk.store, NUMBER)
    assert known is not None
    assert known.ended is None
    revoking.revoke(desk.store, desk.supervisor, application, NUMBER)
    known = known_here(desk.store, NUMBER)
    assert known is not None
    assert known.ended is not None
    assert (known.ended.state, known.ended.reason, known.ended.number) == ("revoked", "fraud", NUMBER)


def test_only_what_central_countersigned_is_proven(desk: Desk) -> None:
    desk.issue(desk.approved())
    known = known_here(desk.store, NUMBER)
    assert known is not None
    assert known.proven_before is None
    desk.bench.countersign()
    known = known_here(desk.store, NUMBER)
    assert known is not None
    assert known.proven_before is not None
    assert known.proven_before.timestamp() == AT_S
