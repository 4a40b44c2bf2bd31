"""What came of a session is remembered by what an operator can do about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.journal.errors import DeviceError, IntegrityError, NetworkError, OperatorError, SanadError
from appliance.journal.ids import BlobDigest
from appliance.store.carried import Hindrance
from provisioning.carrier import Paused, hindrance, left, stuck, trouble
from sync import refusals
from sync.agent import HeldBack
from sync.link import LinkDown, NotOurCentral, ProxyRefused, WrongName, WrongTime
from sync.outcome import SyncOutcome
from sync.refusals import REFUSALS


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (LinkDown("x"), Hindrance.LINK),
        (NotOurCentral("x"), Hindrance.PORTAL),
        (WrongTime("x"), Hindrance.CLOCK),
        (WrongName("x"), Hindrance.ADDRESS),
        (HeldBack("x"), Hindrance.PROXY),
        (ProxyRefused("x"), Hindrance.TUNNEL),
        (NetworkError("x"), Hindrance.CENTRAL),
        (DeviceError("x"), Hindrance.DISK),
        (IntegrityError("x"), Hindrance.DISAGREE),
        (OperatorError("x"), Hindrance.OTHER),
        (Paused(), Hindrance.OTHER),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, SanadError) else "",
)
def test_a_failure_is_remembered_by_what_to_do(error: SanadError, kind: Hindrance) -> None:
    assert hindrance(error) is kind


NAMED = {
    refusals.Fork: Hindrance.COPY,
    refusals.Rollback: Hindrance.COPY,
    refusals.Quarantined: Hindrance.STOPPED,
    refusals.NotEnrolled: Hindrance.UNKNOWN,
    refusals.CentralCannotStore: Hindrance.CENTRAL_DISK,
    refusals.InviteUnknown: Hindrance.OTHER,
    refusals.InviteExpired: Hindrance.OTHER,
    refusals.InviteUsed: Hindrance.OTHER,
}


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_a_refusal_is_remembered_by_who_must_act(code: str) -> None:
    kind = REFUSALS[code]
    passes = Hindrance.CENTRAL if issubclass(kind, NetworkError) else Hindrance.DISAGREE
    assert hindrance(kind("x")) is NAMED.get(kind, passes)


def outcome(size: int = 5, cosigned: int = 5, missing: int = 0, wanted: int = 0) -> SyncOutcome:
    digests = tuple(BlobDigest(f"{place:064x}") for place in range(missing))
    return SyncOutcome(size, cosigned, 0, 0, 0, digests, wanted)


@pytest.mark.parametrize(
    ("came", "kind"),
    [
        (outcome(), None),
        (outcome(cosigned=3), Hindrance.UNFINISHED),
        (outcome(wanted=2), Hindrance.FILES),
        (outcome(missing=1), None),
        (outcome(missing=1, cosigned=3), Hindrance.UNFINISHED),
    ],
)
def test_what_a_session_left_is_remembered(came: SyncOutcome, kind: Hindrance | None) -> None:
    assert left(came) is kind
    assert bool(trouble(came)) == (kind is not None)


def test_a_full_disk_on_either_side_is_remembered() -> None:
    assert left(replace(outcome(cosigned=3), disk_trouble="This box's disk is full.")) is Hindrance.DISK
    assert left(replace(outcome(wanted=2), central_scarce=True)) is Hindrance.CENTRAL_FULL


def test_a_file_that_is_missing_is_listed_with_a_reason_and_a_next_step() -> None:
    (item,) = stuck(outcome(missing=1))
    assert item.what.startswith("Sealed file 0000")
    assert "missing or damaged" in item.reason
    assert "central IT" in item.next_step
