"""`sanad run`: the whole system on this machine, from the token to the locker."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from appliance.certificates.evidence import read_bundle
from tests.support.commands import SAMPLES, Place
from tests.support.papers import pages

Result = Mapping[str, Any]
FARD = {
    "cnic": "17301-1234567-1",
    "name": "SPECIMEN Asad",
    "father_name": "SPECIMEN Jan",
    "phone": "03001234567",
    "land_district": "peshawar",
    "land_tehsil": "Peshawar",
    "mauza": "SPECIMEN mauza",
    "khewat": "12",
    "owner_name": "SPECIMEN Asad",
    "khewats": 2,
    "digitised": True,
    "purpose": "record",
}


@pytest.fixture
def scans() -> list[Path]:
    if not SAMPLES.is_dir():
        pytest.skip("the sample files are not there")
    return [SAMPLES / "scans" / "linn.png", SAMPLES / "scans" / "skew.pdf"]


def walked(place: Place, *arguments: str | Path) -> Result:
    out = place.run("run", "--once", "--place", place.folder / "run", *arguments)
    found: Result = json.loads(out.splitlines()[-1])
    return found


def sha256(file: str | Path) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def is_trusted(certificate: str, authority: Path, folder: Path) -> None:
    """What poppler says of the signature, which trusts central's authority and nothing else."""
    store = folder / "nss"
    store.mkdir()
    database = f"sql:{store}"
    subprocess.run(["certutil", "-N", "-d", database, "--empty-password"], check=True)
    subprocess.run(["certutil", "-A", "-d", database, "-n", "c", "-t", "CT,C,C", "-a", "-i", authority], check=True)
    found = subprocess.run(["pdfsig", "-nssdir", database, certificate], check=False, capture_output=True, text=True)
    assert "Signature is Valid." in found.stdout, found.stdout + found.stderr
    assert "Certificate is Trusted." in found.stdout
    assert "Total document signed" in found.stdout


def signer_of(certificate: str) -> str:
    """Whose key signed, as poppler reads it."""
    found = subprocess.run(["pdfsig", "-nocert", certificate], check=False, capture_output=True, text=True)
    (line,) = (each for each in found.stdout.splitlines() if "Common Name" in each)
    return line


def test_two_cases_are_walked_and_what_is_attested_is_not_asked_again(tmp_path: Path, scans: list[Path]) -> None:
    place = Place(tmp_path / "place")
    result = walked(place, "--scan", scans[0], "--scan", scans[1])
    assert result["synced"]
    assert result["journal_size"] == result["cosigned_size"] > 0
    assert result["blobs"] == result["blobs_at_central"] > 8
    first, second = result["cases"]
    assert (first["service"], second["service"]) == ("domicile", "driving_licence_learner")
    assert first["not_asked"] == []
    assert {"cnic", "name", "father_name", "born", "gender", "paper cnic"} <= set(second["not_asked"])
    assert not set(second["asked"]) & set(second["not_asked"])
    assert all("cnic" not in paper["file"] for paper in second["papers"])
    for scan, paper in zip(scans, first["papers"], strict=False):
        assert paper["central_sha256"] == paper["sha256"] == sha256(scan)
    assert result["tracking"] == first["tracking"] != second["tracking"]
    assert first["certificate_number"] != second["certificate_number"]
    assert sha256(result["certificate"]) == result["certificate_sha256"] == result["central_certificate_sha256"]
    is_trusted(result["certificate"], Path(result["home"]) / "keys" / "ca.crt", tmp_path)
    assert "SPECIMEN Rabia" in signer_of(result["certificate"])
    for case in (first, second):
        counter, raised = (Path(case[each]).read_bytes() for each in ("certificate", "certificate_timestamped"))
        assert raised.startswith(counter)
        assert b"ETSI.RFC3161" in raised.removeprefix(counter)
        # Judged by the program that opens a stranger's files, where nothing more can be loaded.
        for each in ("certificate", "certificate_timestamped"):
            said = json.loads(place.run("verify", case[each], "--trust", result["trust_lists"], "--json"))
            assert said["verdict"] == "valid", said["reasons"]
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(Path(result["receipt"]).read_bytes())))
    assert first["tracking"] in code.text
    assert not Path(result["results"]).is_relative_to(result["home"])
    unlocked = {"SANAD_PASSPHRASE_FILE": result["passphrase_file"]}
    place.run("journal", "verify", home=Path(result["home"]), environment=unlocked)
    place.run("central", "nodes", home=Path(result["central_home"]), environment=unlocked)


def test_the_evidence_of_a_certificate_is_read_without_the_home(tmp_path: Path) -> None:
    place = Place(tmp_path / "place")
    result = walked(place)
    record = tmp_path / "record.json"
    subprocess.run(["pdfdetach", "-savefile", "record.json", "-o", record, result["certificate"]], check=True)
    number, home = json.loads(record.read_text())["number"], Path(result["home"])
    file = tmp_path / "evidence.json"
    unlock = {"SANAD_PASSPHRASE_FILE": result["passphrase_file"]}
    words = ("journal", "proof", "--certificate", number, file)
    (line,) = place.run(*words, "--json", home=home, environment=unlock).splitlines()
    assert json.loads(line)["countersigned"]
    bundle = read_bundle(file.read_bytes())
    assert (bundle.number, bundle.witness.checkpoint.size) == (number, result["cosigned_size"])
    assert sha256(result["certificate"]) == hashlib.sha256(bundle.signed_pdf).hexdigest()
    assert bundle.earliest is not None
    assert bundle.latest is not None
    assert bundle.earliest <= bundle.latest + timedelta(seconds=1)
    assert {each.original for each in bundle.story.attested} == {"SPECIMEN original"}
    assert bundle.story.record_sha256 == sha256(record)
    trust, unknown = ("--trust", result["trust_lists"]), place.answer("verify", file, code=3)
    assert (unknown["verdict"], unknown["evidence"]) == ("unknown_issuer", [])
    said = place.answer("verify", file, *trust)
    assert (said["verdict"], said["record"]["number"]) == ("valid", number)
    assert said["proven_before"] == f"{bundle.latest:%Y-%m-%dT%H:%M:%SZ}"
    assert {each["original"] for each in said["story"]["attested"]} == {"SPECIMEN original"}
    by_keys = place.answer("verify", file, "--trust", home / "trust")
    assert by_keys["verdict"] == "valid"
    assert by_keys["proven_after"] == f"{bundle.earliest:%Y-%m-%dT%H:%M:%SZ}"
    content = file.read_bytes()
    file.write_bytes(content.replace(b"SPECIMEN original", b"SPECIMEN 0riginal", 1))
    assert place.answer("verify", file, *trust, code=1)["verdict"] == "invalid"
    file.write_text("something else")
    place.run(*words, home=home, environment=unlock, code=1)
    assert file.read_text() == "something else"


def test_without_a_link_everything_is_kept_and_central_gets_it_later(tmp_path: Path) -> None:
    place = Place(tmp_path / "place")
    result = walked(place, "--offline")
    assert not result["synced"]
    assert result["journal_size"] > result["cosigned_size"]
    assert result["blobs_at_central"] == 0
    assert result["central_certificate_sha256"] is None
    assert result["certificate_timestamped"] is None
    assert sha256(result["certificate"]) == result["certificate_sha256"]
    assert "SPECIMEN centre, Peshawar" in signer_of(result["certificate"])


def test_a_service_and_every_field_come_from_a_file(tmp_path: Path) -> None:
    place = Place(tmp_path / "place")
    file = tmp_path / "case.json"
    file.write_text(json.dumps(FARD))
    result = walked(place, "--offline", "--service", "fard", "--data", file)
    (case,) = result["cases"]
    assert case["service"] == "fard"
    assert set(case["asked"]) >= set(FARD)
    assert case["certificate_number"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"no_such_field": "x"}', "has no field"),
        ("[1, 2]", "is not a JSON object"),
        ('{"fields": {"name": ["x"]}}', "neither text nor a number"),
        ('{"fields": {}, "people": {"applicant": {"age": "3"}}}', "is not written as a person is"),
        ("{}", "father_name"),
    ],
)
def test_a_file_that_says_no_case_is_refused_in_words(tmp_path: Path, content: str, words: str) -> None:
    place = Place(tmp_path / "place")
    file = tmp_path / "case.json"
    file.write_text(content)
    place.run("run", "--once", "--place", place.folder, "--service", "domicile", "--data", file, code=1)
    assert words in "".join(place.said)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"this is no PDF", "not a PDF"), (b"%PDF-1.7\n", "damaged"), (pages([b""]), "nothing on any page")],
)
def test_a_scan_that_intake_refuses_ends_it_with_status_4_and_a_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    place = Place(tmp_path / "place")
    file = tmp_path / "paper.pdf"
    file.write_bytes(content)
    place.run("run", "--once", "--place", place.folder / "run", "--scan", file, code=4)
    assert sentence in "".join(place.said)
