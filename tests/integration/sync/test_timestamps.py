"""Central's timestamps: its own, judged by OpenSSL; over HTTPS, for enrolled nodes; and those of OpenSSL outside."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.certificates import der
from appliance.certificates.timestamps import Believed, Material, Stamp, StampRefused, check_response, make_request
from appliance.certificates.timestamptokens import BadTimestamp
from appliance.journal.errors import OperatorError
from appliance.store.store import NODE_KEY
from provisioning.centralopening import open_central as open_by_settings
from provisioning.settings import CENTRAL_FILE, central_settings, central_toml
from sync import signatures, stampwire
from sync.calls import Caller
from sync.central.central import Central
from sync.central.outsidestamps import REMEMBER_S, OutsideTimestamps
from sync.central.timestamping import POLICY
from sync.link import Link
from sync.refusals import BadChallenge, BadRequest, BadSignature, NotEnrolled, NoTimestamp
from sync.stamping import CentralStamps
from tests.support.centrals import CENTRE, HOST, EnrolledNode, enrol, free_port, new_central, open_central, served
from tests.support.openssl_tsa import POLICY as THEIRS
from tests.support.openssl_tsa import OpensslTsa, openssl_tsa, stranger
from tests.support.sealing_centre import run

DIGEST = bytes(range(32))


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with served(tmp_path_factory.mktemp("central") / "home") as made:
        yield made


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpensslTsa]:
    with openssl_tsa(tmp_path_factory.mktemp("outside")) as made:
        yield made


def stamps_of(node: EnrolledNode, link: Link, seed: bytes | None = None) -> CentralStamps:
    caller = Caller(node.store.journal, seed or node.store.secret(NODE_KEY), lambda: int(time.time()))
    return CentralStamps(link, caller, node.store.head().size)


def judged(material: Material, answer: bytes, nonce: bytes) -> Stamp:
    margin = timedelta(minutes=5)
    request = make_request(DIGEST, nonce, material.policy)
    return check_response(
        answer, request, material.believed, earliest=material.at - margin, latest=material.at + margin
    )


# Central's own


def test_openssl_verifies_an_answer_to_its_own_question(central: Central, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"anything")
    (tmp_path / "ca.pem").write_bytes(central.layout.authority.read_bytes())
    query = ("openssl", "ts", "-query", "-data", str(tmp_path / "data"), "-out", str(tmp_path / "query"))
    verify = ("openssl", "ts", "-verify", "-queryfile", str(tmp_path / "query"), "-in", str(tmp_path / "answer"))
    for more in (("-sha256", "-cert"), ("-sha256", "-cert", "-no_nonce"), ("-sha256", "-cert", "-tspolicy", POLICY)):
        run(*query, *more)
        (tmp_path / "answer").write_bytes(central.stamps.timestamps.answer((tmp_path / "query").read_bytes()))
        assert "Verification: OK" in run(*verify, "-CAfile", str(tmp_path / "ca.pem"))
    # Who does not ask for the certificate gets none, and knows it already.
    run(*query, "-sha256")
    (tmp_path / "answer").write_bytes(central.stamps.timestamps.answer((tmp_path / "query").read_bytes()))
    own = x509.load_der_x509_certificate(central.stamps.timestamps.service().certificates[0])
    (tmp_path / "tsa.pem").write_bytes(own.public_bytes(Encoding.PEM))
    known = ("-CAfile", str(tmp_path / "ca.pem"), "-untrusted", str(tmp_path / "tsa.pem"))
    assert "Verification: OK" in run(*verify, *known)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("-sha512",), "unrecognized or unsupported algorithm identifier"),
        (("-sha1",), "unrecognized or unsupported algorithm identifier"),
        (("-sha256", "-tspolicy", "1.2.3"), "the requested TSA policy is not supported by the TSA"),
    ],
)
def test_openssl_reads_why_a_request_is_refused(
    central: Central, tmp_path: Path, more: tuple[str, ...], why: str
) -> None:
    (tmp_path / "data").write_bytes(b"anything")
    run("openssl", "ts", "-query", "-data", str(tmp_path / "data"), *more, "-out", str(tmp_path / "query"))
    (tmp_path / "answer").write_bytes(central.stamps.timestamps.answer((tmp_path / "query").read_bytes()))
    shown = run("openssl", "ts", "-reply", "-in", str(tmp_path / "answer"), "-text")
    assert "Status: Rejected." in shown
    assert f"Failure info: {why}" in shown


def test_what_is_no_request_is_refused_and_never_raises(central: Central) -> None:
    good = make_request(DIGEST, bytes(16), POLICY).der
    service = central.stamps.timestamps
    wrong = [b"", b"x", good + b"x", good[:-1], bytes(600), good.replace(b"\x02\x01\x01", b"\x02\x01\x02", 1)]
    wrong += [os.urandom(80) for _ in range(200)]
    wrong += [good[:place] + bytes([good[place] ^ 255]) + good[place + 1 :] for place in range(len(good))]
    taken = 0
    for each in wrong:
        status = der.whole(service.answer(each)).inside().integer()
        assert status in (0, 2)
        taken += status == 0
    # Another digest or another nonce is another request, and a good one.
    assert taken <= len(DIGEST) + 16


def test_no_serial_number_comes_twice_also_from_a_restored_backup(tmp_path: Path) -> None:
    home, backup = tmp_path / "central", tmp_path / "backup"
    new_central(home).close()
    shutil.copytree(home, backup)
    serials: list[int] = []
    certificates = set()
    for place in (home, backup):
        central = open_central(place)
        certificates.add(central.stamps.timestamps.service().certificates)
        for _ in range(100):
            answer = der.whole(central.stamps.timestamps.answer(make_request(DIGEST, os.urandom(16)).der))
            answer.inside()
            serials.append(_serial(answer.raw()))
        central.close()
    assert len(certificates) == 1, "the same service, by the same key"
    assert len(set(serials)) == 200
    assert max(serials).bit_length() > 120


def _serial(token: bytes) -> int:
    shown = subprocess.run(
        ["openssl", "ts", "-reply", "-token_in", "-in", "/dev/stdin", "-text"],
        input=token,
        capture_output=True,
        check=True,
    )
    line = next(each for each in shown.stdout.decode().splitlines() if each.startswith("Serial number:"))
    return int(line.split()[-1], 16)


def test_the_key_is_made_with_central_and_kept(tmp_path: Path) -> None:
    new_central(tmp_path / "home").close()
    certificates = set()
    for _ in range(2):
        central = open_central(tmp_path / "home")
        (certificate,) = central.stamps.timestamps.service().certificates
        certificates.add(certificate)
        central.close()
    (only,) = map(x509.load_der_x509_certificate, certificates)
    usage = only.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert usage.critical
    assert list(usage.value) == [x509.oid.ExtendedKeyUsageOID.TIME_STAMPING]


# Over HTTPS


def test_a_node_gets_what_goes_into_its_documents_and_timestamps_for_many_at_once(
    central: Central, node: EnrolledNode
) -> None:
    with Link(node.address) as link:
        stamps = stamps_of(node, link)
        material = stamps.material()
        assert node.address.authority in material.believed.authorities
        (crl,) = map(x509.load_der_x509_crl, material.believed.crls)
        assert crl.last_update_utc <= material.at
        assert abs(material.at - datetime.now(UTC)) < timedelta(minutes=1)
        nonces = [os.urandom(16) for _ in range(20)]
        answers = stamps.stamps([make_request(DIGEST, nonce, material.policy).der for nonce in nonces])
        found = [judged(material, *each) for each in zip(answers, nonces, strict=True)]
    assert {each.chain[0] for each in found} == {*material.certificates}
    assert all(len(each.token) <= material.room for each in found)


def test_an_answer_to_one_request_is_none_to_another(node: EnrolledNode) -> None:
    with Link(node.address) as link:
        stamps = stamps_of(node, link)
        material = stamps.material()
        (answer,) = stamps.stamps([make_request(DIGEST, bytes(16), material.policy).der])
        with pytest.raises(BadTimestamp, match="another request"):
            judged(material, answer, os.urandom(16))


def test_who_is_not_enrolled_or_signs_with_another_key_gets_no_timestamp(
    central: Central, node: EnrolledNode, tmp_path: Path
) -> None:
    request = [make_request(DIGEST, bytes(16)).der]
    with Link(node.address) as link:
        with pytest.raises(BadSignature):
            stamps_of(node, link, os.urandom(32)).stamps(request)
        with pytest.raises(BadSignature):
            stamps_of(node, link, os.urandom(32)).material()
        body = msgspec.json.encode(stampwire.StampRequest(tuple(request)))
        with pytest.raises((BadSignature, BadRequest)):
            link.call("POST", stampwire.TIMESTAMP, limit=1000, body=body)
        with pytest.raises((BadSignature, BadRequest)):
            link.call("GET", stampwire.VALIDATION, limit=1000, headers={signatures.JOURNAL_HEADER: node.store.journal})


def test_a_stranger_to_this_central_is_told_so(central: Central, tmp_path: Path) -> None:
    with served(tmp_path / "other") as elsewhere:
        other = enrol(tmp_path / "stranger", elsewhere.invite(*CENTRE))
        ours = central.invite(*CENTRE)
    address = replace(other.address, url=ours.url, authority=ours.authority)
    with other.store.closing(), Link(address) as link, pytest.raises(NotEnrolled):
        stamps_of(other, link).material()


def test_a_challenge_is_good_once_and_after_a_failure_a_new_one_is_asked_for(node: EnrolledNode) -> None:
    with Link(node.address) as link:
        stamps = stamps_of(node, link)
        stamps.material()
        stamps._nonce = "AAAA"
        with pytest.raises(BadChallenge):
            stamps.material()
        assert stamps.material().room


@pytest.mark.parametrize("requests", [(), tuple([b""] * (stampwire.MAX_STAMPS + 1))])
def test_central_takes_no_more_at_once_than_it_says(node: EnrolledNode, requests: tuple[bytes, ...]) -> None:
    with Link(node.address) as link, pytest.raises(BadRequest):
        stamps_of(node, link).stamps(requests)


# A service outside


def timestamps_of(outside: OpensslTsa, clock: list[float] | None = None) -> OutsideTimestamps:
    return OutsideTimestamps(
        outside.url,
        (outside.authority.public_bytes(Encoding.DER),),
        THEIRS,
        clock=lambda: datetime.now(UTC),
        monotonic_s=time.monotonic if clock is None else lambda: clock[0],
        random=os.urandom,
    )


def test_a_node_that_reaches_central_alone_gets_timestamps_of_a_service_outside(
    outside: OpensslTsa, tmp_path: Path
) -> None:
    home, port = tmp_path / "central", free_port()
    settings = central_settings("Specimen", HOST, port, None)
    new_central(home, settings.listen.public_url).close()
    (home / "keys" / "outside.pem").write_bytes(outside.authority.public_bytes(Encoding.PEM))
    told = f'\n[timestamps]\nurl = "{outside.url}"\nauthority = "keys/outside.pem"\npolicy = "{THEIRS}"\n'
    (home / CENTRAL_FILE).write_text(central_toml(settings) + told)
    with open_by_settings(home, b"k" * 32) as made:
        timestamps = made.stamps.timestamps
    with served(home, port=port, timestamps=timestamps) as central:
        node = enrol(tmp_path / "node", central.invite(*CENTRE))
        with node.store.closing(), Link(node.address) as link:
            stamps = stamps_of(node, link)
            material = stamps.material()
            nonce = os.urandom(16)
            (answer,) = stamps.stamps([make_request(DIGEST, nonce, material.policy).der])
            stamp = judged(material, answer, nonce)
    assert (material.policy, stamp.service) == (THEIRS, "Outside timestamps")
    issuers = {x509.load_der_x509_crl(each).issuer for each in material.believed.crls}
    assert issuers == {outside.authority.subject, x509.load_der_x509_certificate(node.address.authority).subject}
    assert {*stamp.chain} <= {*material.certificates, *material.believed.authorities}


def test_the_certificates_outside_are_asked_for_once_an_hour_and_anew_when_they_change(outside: OpensslTsa) -> None:
    clock = [0.0]
    timestamps = timestamps_of(outside, clock)
    first = timestamps.service()
    asked = outside.asked
    assert timestamps.service() == first
    assert outside.asked == asked
    clock[0] += REMEMBER_S
    assert timestamps.service().certificates == first.certificates
    assert outside.asked == asked + 2, "a timestamp, and a revocation list"
    outside.renew()
    timestamps.answer(make_request(DIGEST, os.urandom(16), THEIRS).der)
    assert timestamps.service().certificates != first.certificates


def test_a_service_outside_that_goes_wrong_gives_no_timestamp_and_says_so(outside: OpensslTsa) -> None:
    request = make_request(DIGEST, os.urandom(16), THEIRS).der
    doubting = timestamps_of(replace(outside, authority=stranger()))
    with pytest.raises(NoTimestamp, match="is not right"):
        doubting.service()
    with pytest.raises(NoTimestamp, match="is not right"):
        doubting.answer(request)
    for answer in (b"<html>Please sign in</html>", b"", bytes(100_000)):
        with outside.answering(answer), pytest.raises(NoTimestamp):
            timestamps_of(outside).answer(request)
    gone = OutsideTimestamps(
        f"http://{HOST}:{free_port()}/",
        (),
        None,
        clock=lambda: datetime.now(UTC),
        monotonic_s=time.monotonic,
        random=os.urandom,
    )
    with pytest.raises(NoTimestamp, match="not reached"):
        gone.service()


def test_a_refusal_from_outside_reaches_the_node_as_one(outside: OpensslTsa) -> None:
    timestamps, now = timestamps_of(outside), datetime.now(UTC)
    request = make_request(DIGEST, os.urandom(16), "1.2.3.4.5")
    believed = Believed(timestamps.service().authorities)
    with pytest.raises(StampRefused, match="does not stamp under that policy"):
        check_response(timestamps.answer(request.der), request, believed, earliest=now, latest=now)


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_an_authority_that_is_not_there_is_said_when_central_is_opened(tmp_path: Path, content: bytes | None) -> None:
    home = tmp_path / "central"
    settings = central_settings("Specimen", HOST, 8443, None)
    new_central(home).close()
    if content is not None:
        (home / "outside.pem").write_bytes(content)
    told = '\n[timestamps]\nurl = "http://127.0.0.1/tsa"\nauthority = "outside.pem"\n'
    (home / CENTRAL_FILE).write_text(central_toml(settings) + told)
    with pytest.raises(OperatorError, match=r"outside\.pem"), open_by_settings(home, b"k" * 32):
        pass
