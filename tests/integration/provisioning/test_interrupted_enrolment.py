"""Enrolment cut anywhere goes on, says what is the matter, and never mixes two centres up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.access.operators import NewOperator
from appliance.access.session import Role
from appliance.journal.errors import NetworkError, OperatorError
from appliance.records.disk import write_durably
from appliance.store.store import CENTRE_KEY
from provisioning import enrolment
from provisioning.enrolled import NotEnrolledYet, is_begun, require_enrolled
from provisioning.enrolment import enrol_node
from provisioning.opening import open_store
from provisioning.unlock import VARIABLE, store_key
from sync.central.central import Central
from sync.centre import check_centre_certificate
from sync.invite import Invite
from tests.support.centrals import CENTRE, served
from tests.support.commands import PASSPHRASE, Place

FIRST = NewOperator("sana", "Sana", (Role.SUPERVISOR,), PASSPHRASE)


class PowerCut(BaseException):
    """The process ends here."""


def cut(*_: object, **__: object) -> NoReturn:
    raise PowerCut


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path_factory.mktemp("enrol") / "place")
    monkeypatch.setenv(VARIABLE, str(place.secrets / "passphrase"))
    return place


@pytest.fixture
def central(place: Place) -> Iterator[Central]:
    with served(place.central) as central:
        yield central


def enrol(place: Place, invite: Invite) -> None:
    enrol_node(place.node, invite, FIRST, lambda: PASSPHRASE)


def is_whole(place: Place) -> bool:
    with open_store(place.node, store_key(place.node)).closing() as store:
        try:
            require_enrolled(store)
        except NotEnrolledYet:
            return False
        return True


@pytest.mark.parametrize("step", ["ask_central", "keep_answer", "write_durably"])
def test_cut_at_any_step_the_same_call_goes_on(
    place: Place, central: Central, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    invite = central.invite(*CENTRE)
    with monkeypatch.context() as patched:
        patched.setattr(enrolment, step, cut)
        with pytest.raises(PowerCut):
            enrol(place, invite)
    assert is_begun(place.node)
    assert not is_whole(place)
    enrol(place, invite)
    assert is_whole(place)
    assert [status.node.centre for status in central.nodes()] == [CENTRE[0]]
    with pytest.raises(OperatorError, match="enrolled already"):
        enrol(place, invite)


@pytest.mark.parametrize("written", range(5))
def test_cut_at_any_file_the_centre_s_key_and_certificate_fit_afterwards(
    place: Place, central: Central, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    invite = central.invite(*CENTRE)
    done: list[Path] = []

    def write(file: Path, content: bytes) -> None:
        if len(done) == written:
            raise PowerCut
        done.append(file)
        write_durably(file, content)

    with monkeypatch.context() as patched:
        patched.setattr(enrolment, "write_durably", write)
        with pytest.raises(PowerCut):
            enrol(place, invite)
    assert not is_whole(place)
    enrol(place, invite)
    with open_store(place.node, store_key(place.node)).closing() as store:
        certificate = x509.load_pem_x509_certificate(store.layout.centre_certificate.read_bytes())
        authority = x509.load_pem_x509_certificate(store.layout.authority.read_bytes())
        check_centre_certificate(
            certificate.public_bytes(Encoding.DER), invite.authority, store.secret(CENTRE_KEY), *CENTRE
        )
    assert authority.public_bytes(Encoding.DER) == invite.authority
    (status,) = central.nodes()
    assert status.node.centre_certificate == certificate.public_bytes(Encoding.DER)


def test_a_box_that_began_for_one_centre_is_not_enrolled_for_another(
    place: Place, central: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: object) -> NoReturn:
        raise NetworkError("The link is down.")

    first = central.invite(*CENTRE)
    with monkeypatch.context() as patched:
        patched.setattr(enrolment, "ask_central", no_link)
        with pytest.raises(NetworkError):
            enrol(place, first)
    with pytest.raises(OperatorError, match=f"began to enrol for {CENTRE[0]}"):
        enrol(place, central.invite("OTHER1", "Another centre"))
    enrol(place, central.invite(*CENTRE))
    assert is_whole(place)
