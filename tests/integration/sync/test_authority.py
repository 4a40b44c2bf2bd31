"""Central's certificates, with OpenSSL as the judge."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from appliance.journal.errors import IntegrityError
from appliance.journal.ids import JournalId
from sync.central import authority
from sync.central.authority import (
    Authority,
    BadRequestOfCertificate,
    RevokedCertificate,
    key_bytes,
    new_key,
    read_centre_request,
    read_request,
    serves,
)
from sync.centre import centre_request, centre_subject

NOW = datetime(2026, 11, 22, tzinfo=UTC)
JOURNAL = JournalId("abcdefghijklmnopqrstuvwxyz")
HOSTS = ["central.example", "10.0.0.7", "fd00::7"]


@pytest.fixture(scope="module")
def ours() -> Authority:
    return Authority.create("Sanad central specimen", NOW)


def openssl(folder: Path, command: str) -> str:
    found = subprocess.run(["openssl", *command.split()], cwd=folder, capture_output=True, text=True, check=False)
    return found.stdout + found.stderr


def write(folder: Path, **certificates: x509.Certificate) -> None:
    for name, certificate in certificates.items():
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))


def test_openssl_accepts_the_server_for_its_names_and_for_no_other(ours: Authority, tmp_path: Path) -> None:
    write(tmp_path, ca=ours.certificate, server=ours.certify_server(new_key().public_key(), HOSTS, NOW))
    verify = "verify -x509_strict -purpose sslserver -attime 1795305600 -CAfile ca.pem"
    for name in ("-verify_hostname central.example", "-verify_ip 10.0.0.7", "-verify_ip fd00::7"):
        assert "server.pem: OK" in openssl(tmp_path, f"{verify} {name} server.pem")
    assert "hostname mismatch" in openssl(tmp_path, f"{verify} -verify_hostname other.example server.pem")


def test_a_clock_without_a_battery_accepts_the_server(ours: Authority, tmp_path: Path) -> None:
    write(tmp_path, ca=ours.certificate, server=ours.certify_server(new_key().public_key(), HOSTS, NOW))
    assert "OK" in openssl(tmp_path, "verify -x509_strict -attime 946771200 -CAfile ca.pem server.pem")


def test_a_node_certificate_is_good_for_a_client_and_never_for_a_server(ours: Authority, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate().public_key()
    write(tmp_path, ca=ours.certificate, node=ours.certify_node(key, JOURNAL, NOW))
    verify = "verify -x509_strict -attime 1795305600 -CAfile ca.pem -purpose"
    assert "node.pem: OK" in openssl(tmp_path, f"{verify} sslclient node.pem")
    assert "OK" not in openssl(tmp_path, f"{verify} sslserver node.pem")
    assert f"CN={JOURNAL}" in openssl(tmp_path, "x509 -in node.pem -noout -subject").replace(" ", "")


def test_a_centre_certificate_is_good_for_documents_and_for_no_connection(ours: Authority, tmp_path: Path) -> None:
    subject = centre_subject("PEW01", "Specimen centre, Peshawar")
    write(tmp_path, ca=ours.certificate, centre=ours.certify_centre(new_key().public_key(), subject, NOW))
    verify = "verify -x509_strict -attime 1795305600 -CAfile ca.pem -purpose"
    assert "centre.pem: OK" in openssl(tmp_path, f"{verify} smimesign centre.pem")
    for purpose in ("sslserver", "sslclient", "timestampsign"):
        assert "OK" not in openssl(tmp_path, f"{verify} {purpose} centre.pem")
    shown = openssl(tmp_path, "x509 -in centre.pem -noout -text -nameopt sep_multiline,utf8,sname")
    for part in ("O=Specimen centre, Peshawar", "organizationIdentifier=PEW01", "CN=Specimen centre, Peshawar"):
        assert part in shown
    assert "Digital Signature, Non Repudiation" in shown
    assert "1.3.6.1.5.5.7.3.36" in shown


def test_a_certificate_of_another_authority_is_refused(ours: Authority, tmp_path: Path) -> None:
    other = Authority.create("Sanad central specimen", NOW)
    write(tmp_path, ca=ours.certificate, server=other.certify_server(new_key().public_key(), HOSTS, NOW))
    assert "OK" not in openssl(tmp_path, "verify -attime 1795305600 -CAfile ca.pem server.pem")


def test_an_authority_is_taken_up_again_from_its_key_and_certificate(ours: Authority) -> None:
    der = ours.certificate.public_bytes(Encoding.DER)
    again = Authority.load(ours.secret, der)
    again.certify_server(new_key().public_key(), HOSTS, NOW).verify_directly_issued_by(ours.certificate)
    with pytest.raises(IntegrityError):
        Authority.load(Authority.create("Other", NOW).secret, der)


def test_a_server_certificate_is_renewed_for_other_hosts_and_in_time(ours: Authority) -> None:
    certificate = ours.certify_server(new_key().public_key(), HOSTS, NOW)
    assert serves(certificate, HOSTS, NOW)
    assert not serves(certificate, HOSTS[:2], NOW)
    assert not serves(certificate, HOSTS, NOW + timedelta(days=500))


def request(
    name: str = JOURNAL, key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey | None = None
) -> tuple[bytes, Ed25519PrivateKey | ec.EllipticCurvePrivateKey]:
    key = Ed25519PrivateKey.generate() if key is None else key
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    )
    signed = builder.sign(key, SHA256() if isinstance(key, ec.EllipticCurvePrivateKey) else None)
    return signed.public_bytes(Encoding.DER), key


def test_a_request_proves_which_key_its_sender_holds() -> None:
    csr, key = request()
    assert read_request(csr, JOURNAL) == key.public_key()


def test_a_request_for_another_name_by_another_kind_of_key_or_with_a_changed_byte_is_refused() -> None:
    csr, _ = request()
    bad = [request("b" * 26)[0], request(key=new_key())[0], csr[:-1], b"", b"x" * 5000]
    bad += [csr[:place] + bytes([csr[place] ^ 1]) + csr[place + 1 :] for place in range(0, len(csr), 7)]
    for each in bad:
        with pytest.raises(BadRequestOfCertificate):
            read_request(each, JOURNAL)


def test_a_centre_s_request_proves_its_key_and_names_its_centre() -> None:
    subject = centre_subject("PEW01", "Specimen centre")
    key = key_bytes(new_key())
    csr = centre_request(key, "PEW01", "Specimen centre")
    assert read_centre_request(csr, subject) == authority.load_key(key).public_key()
    named = x509.CertificateSigningRequestBuilder().subject_name(subject)
    other_curve = named.sign(ec.generate_private_key(ec.SECP384R1()), SHA256()).public_bytes(Encoding.DER)
    other_kind = named.sign(Ed25519PrivateKey.generate(), None).public_bytes(Encoding.DER)
    bad = [other_curve, other_kind, centre_request(key, "PEW02", "Specimen centre"), csr[:-1], b""]
    bad += [csr[:place] + bytes([csr[place] ^ 1]) + csr[place + 1 :] for place in range(0, len(csr), 7)]
    for each in bad:
        with pytest.raises(BadRequestOfCertificate):
            read_centre_request(each, subject)


def test_a_key_of_another_kind_is_not_taken_for_central_s() -> None:
    with pytest.raises(IntegrityError):
        authority.load_key(b"no key")


def test_openssl_accepts_the_timestamper_for_timestamps_and_for_nothing_else(ours: Authority, tmp_path: Path) -> None:
    stamps = ours.certify_timestamps(new_key().public_key(), "Specimen timestamps")
    write(tmp_path, ca=ours.certificate, stamps=stamps)
    verify = "verify -x509_strict -attime 1795305600 -CAfile ca.pem"
    assert "stamps.pem: OK" in openssl(tmp_path, f"{verify} -purpose timestampsign stamps.pem")
    for purpose in ("sslserver", "sslclient", "smimesign"):
        assert "OK" not in openssl(tmp_path, f"{verify} -purpose {purpose} stamps.pem")


def test_openssl_finds_a_revoked_certificate_in_the_list_and_no_other(ours: Authority, tmp_path: Path) -> None:
    subject = centre_subject("PEW01", "Specimen centre")
    revoked, good = (ours.certify_centre(new_key().public_key(), subject, NOW) for _ in range(2))
    entries = [
        RevokedCertificate(revoked.serial_number, NOW, x509.ReasonFlags.key_compromise),
        RevokedCertificate(x509.random_serial_number(), NOW, x509.ReasonFlags.unspecified),
    ]
    (tmp_path / "crl.der").write_bytes(ours.crl(entries, number=1, at=NOW))
    write(tmp_path, ca=ours.certificate, revoked=revoked, good=good)
    verify = "verify -x509_strict -crl_check -attime 1795305600 -CAfile ca.pem -CRLfile crl.der"
    assert "good.pem: OK" in openssl(tmp_path, f"{verify} good.pem")
    assert "certificate revoked" in openssl(tmp_path, f"{verify} revoked.pem")
