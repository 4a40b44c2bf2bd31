"""Asking an authority over real TLS: what is sent, what a yes is, and that nothing else passes for one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from appliance.casework.identity import Claim, Outcome
from appliance.journal.errors import NetworkError, OperatorError
from provisioning import settings
from provisioning.identityservices import MAX_ANSWER_BYTES, Gateway, Nadra, Uidai, identity_services
from tests.support.identity_gateway import SpecimenGateway, nadra, serving, uidai

GUL = Claim("cnic", "17301-1234567-1", "Gul Khan", "1990-01-02", "male", "Zaman Khan", "t" * 26)
SHIV = Claim("aadhaar", "999941057058", "Shivshankar Choudhury", "1968-05-13", "male", "", "t" * 26)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[SpecimenGateway]:
    with serving(tmp_path, nadra) as made:
        yield made


def service(gateway: SpecimenGateway) -> Nadra:
    return Nadra(Gateway(gateway.url, gateway.ca))


def test_nadra_is_asked_with_the_number_and_what_is_written_down(gateway: SpecimenGateway) -> None:
    answer = service(gateway).verify(GUL)
    assert (answer.outcome, answer.reference) == (Outcome.MATCHED, "N-1")
    assert gateway.asked == [
        {
            "transactionId": "t" * 26,
            "citizenNumber": "1730112345671",
            "name": "Gul Khan",
            "fatherName": "Zaman Khan",
            "dateOfBirth": "1990-01-02",
        }
    ]


@pytest.mark.parametrize("claim", [replace(GUL, name="Gul Jan"), replace(GUL, number="42000-0000000-0")])
def test_nadra_says_no(gateway: SpecimenGateway, claim: Claim) -> None:
    assert service(gateway).verify(claim).outcome is Outcome.NOT_MATCHED


def test_uidai_is_asked_as_its_interface_has_it(gateway: SpecimenGateway) -> None:
    gateway.reply = uidai
    asked = Uidai(Gateway(gateway.url, gateway.ca))
    assert asked.verify(SHIV).outcome is Outcome.MATCHED
    assert gateway.asked[0]["pi"] == {
        "ms": "E",
        "name": "Shivshankar Choudhury",
        "dob": "1968-05-13",
        "gender": "M",
    }
    assert asked.verify(replace(SHIV, name="Somebody")).outcome is Outcome.NOT_MATCHED
    assert asked.verify(replace(SHIV, number="999971658847")).outcome is Outcome.NOT_MATCHED


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (302, b""),
        (200, b""),
        (200, b"<AuthRes ret='y'/>"),
        (200, b'{"code": 100, "matched": true}'),
        (200, b'{"code": "100"}'),
        (200, b'{"code": "100", "matched": null}'),
        (200, b'{"code": "185", "matched": true}'),
        (200, b'{"code": "100", "matched": true, "message": "' + b"x" * MAX_ANSWER_BYTES + b'"}'),
    ],
    ids=["fault", "elsewhere", "nothing", "xml", "a number", "no verdict", "null", "another code", "too long"],
)
def test_what_is_no_clear_yes_or_no_is_no_answer_and_asked_once(
    gateway: SpecimenGateway, status: int, body: bytes
) -> None:
    gateway.reply = lambda _: (status, body)
    with pytest.raises(NetworkError) as raised:
        service(gateway).verify(GUL)
    assert raised.value.next_step
    assert len(gateway.asked) == 1


@pytest.mark.parametrize("answer", [{"ret": "y", "txn": "another"}, {"ret": "n", "txn": "t" * 26, "err": "940"}])
def test_an_answer_to_another_question_or_a_fault_of_uidai_is_no_answer(
    gateway: SpecimenGateway, answer: dict[str, str]
) -> None:
    gateway.reply = lambda _: (200, json.dumps(answer).encode())
    with pytest.raises(NetworkError):
        Uidai(Gateway(gateway.url, gateway.ca)).verify(SHIV)


def test_a_gateway_that_is_not_ours_or_not_there_is_no_answer(
    gateway: SpecimenGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(gateway.ca))
    (tmp_path / "other").mkdir()
    with serving(tmp_path / "other", nadra) as other, pytest.raises(NetworkError):
        Nadra(Gateway(gateway.url, other.ca)).verify(GUL)
    with pytest.raises(NetworkError):
        Nadra(Gateway(other.url, other.ca)).verify(GUL)
    assert not gateway.asked


def test_an_answer_that_takes_too_long_is_none(gateway: SpecimenGateway) -> None:
    """By a clock that is a minute on at every look."""
    slow = count(0, 60)
    with pytest.raises(NetworkError, match="too long"):
        Nadra(Gateway(gateway.url, gateway.ca, clock=lambda: float(next(slow)))).verify(GUL)


NODE = """
[centre]
code = "PEW01"
name = "Specimen centre"
[central]
url = "https://127.0.0.1:8443"
"""
NADRA = """
[identity.nadra]
url = "https://gateway.example/verify"
ca = "keys/nadra.pem"
"""


def test_a_centre_asks_whom_its_settings_name(tmp_path: Path) -> None:
    (tmp_path / "node.toml").write_text(NODE)
    assert identity_services(settings.load(settings.NodeSettings, tmp_path / "node.toml"), tmp_path) == ()
    (tmp_path / "node.toml").write_text(NODE + NADRA)
    (asked,) = identity_services(settings.load(settings.NodeSettings, tmp_path / "node.toml"), tmp_path)
    assert asked == Nadra(Gateway("https://gateway.example/verify", tmp_path / "keys" / "nadra.pem"))


@pytest.mark.parametrize("wrong", [NADRA.replace("https", "http"), NADRA + 'certificate = "x.pem"', "[identity.x]\n"])
def test_a_gateway_that_cannot_be_is_refused(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "node.toml").write_text(NODE + wrong)
    with pytest.raises(OperatorError):
        settings.load(settings.NodeSettings, tmp_path / "node.toml")
