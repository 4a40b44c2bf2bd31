"""The code on the page: what it says, what it costs, what is refused; the `cwt` library is the judge."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import cbor2
import cwt as judge
import msgspec
import pytest
import zxingcpp

from appliance.certificates import base45, cose, qr
from appliance.certificates.codes import draw_code
from appliance.certificates.qr import BadCode, make_code, read_code, verify_code
from appliance.certificates.record import CertificateRecord, encode_record, record_hash
from appliance.certificates.signer import kid
from tests.support.certificates import domicile, residence
from tests.support.sealing_centre import CODE, new_centre

CENTRE: Final = new_centre()
AT: Final = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
RECORDS: Final = {"en-ur": domicile(), "en-hi": residence()}
Change = Callable[[dict[Any, Any]], object]


def code_of(record: CertificateRecord) -> str:
    return make_code(record, record_hash(encode_record(record)), CENTRE.signer, at=AT)


def with_holder(record: CertificateRecord, **changes: str) -> CertificateRecord:
    return msgspec.structs.replace(record, holder=msgspec.structs.replace(record.holder, **changes))


def version_of(text: str) -> int:
    return (draw_code(text).modules - 8 - 17) // 4


def signed(claims: object) -> str:
    """Claims of another's making, with a good signature."""
    return qr.pack(cose.sign1(cbor2.dumps(claims), kid(CENTRE.certificate), CENTRE.signer.sign))


def changed(change: Change, record: CertificateRecord | None = None) -> str:
    """A code whose claims were changed and then signed well."""
    claims = cbor2.loads(read_code(code_of(record or residence())).message.payload)
    change(claims)
    return signed(claims)


@pytest.mark.parametrize("name", RECORDS)
def test_what_is_said_is_read(name: str) -> None:
    record = RECORDS[name]
    code = read_code(code_of(record))
    verify_code(code, CENTRE.certificate)
    assert (code.number, code.service, code.centre) == (record.number, record.service, record.centre)
    assert (code.issued_on, code.expires_on, code.specimen) == (record.issued_on, record.expires_on, True)
    assert code.record_sha256 == record_hash(encode_record(record))
    for field in ("name", "name_native", "born", "identity_kind", "identity_number_shown"):
        assert getattr(code.holder, field) == getattr(record.holder, field)
    assert code.holder.native_language == record.languages[1]
    assert code.left_out == ()
    assert code.issued_at_s == AT.timestamp()
    assert code.kid == hashlib.sha256(CENTRE.certificate).digest()[:8]


@pytest.mark.parametrize("name", RECORDS)
def test_an_ordinary_certificate_fits_into_version_15(name: str) -> None:
    text = code_of(RECORDS[name])
    assert version_of(text) <= 15
    assert set(text) <= set(base45.ALPHABET), "a code in alphanumeric mode"


def test_the_cwt_library_verifies_our_codes() -> None:
    record = residence()
    message = zlib.decompress(base45.decode(code_of(record).removeprefix("SANAD1:")))
    key = judge.COSEKey.from_pem(CENTRE.public_pem, kid=kid(CENTRE.certificate))
    claims = judge.decode(message, key)
    assert isinstance(claims, dict)
    assert claims[1] == "GGN01"
    assert claims[4] == datetime(2031, 11, 22, tzinfo=UTC).timestamp()
    assert claims[6] == AT.timestamp()
    assert claims[169] == {
        1: "xxxx-xxxx-1234",
        4: "Specimen Asha Devi",
        8: "19880229",
        19: "आशा देवी",
        20: "hin",
    }
    assert claims[-65537][1] == "GGN01-0000042"


def test_we_verify_what_the_cwt_library_signs() -> None:
    claims = cbor2.loads(read_code(code_of(residence())).message.payload)
    named = judge.COSEKey.from_pem(CENTRE.private_pem, kid=kid(CENTRE.certificate))
    code = read_code(qr.pack(judge.encode(claims, named)))
    verify_code(code, CENTRE.certificate)
    assert code.number == "GGN01-0000042"


def test_the_identifier_may_stand_in_the_unprotected_header() -> None:
    payload = read_code(code_of(domicile())).message.payload
    message = judge.COSE.new().encode(
        payload,
        judge.COSEKey.from_pem(CENTRE.private_pem, alg="ES256"),
        protected={1: -7},
        unprotected={4: kid(CENTRE.certificate)},
    )
    code = read_code(qr.pack(message))
    verify_code(code, CENTRE.certificate)
    assert code.kid == kid(CENTRE.certificate)


def test_a_certificate_that_does_not_end_claims_no_end() -> None:
    claims = cbor2.loads(read_code(code_of(domicile())).message.payload)
    assert 4 not in claims
    assert 4 not in claims[-65537]


def test_a_birth_that_is_no_date_is_said_as_it_is() -> None:
    code = read_code(code_of(with_holder(domicile(), born="about 1950")))
    assert code.holder.born == "about 1950"


@pytest.mark.parametrize(
    ("name", "native"),
    [("A" * 200, "ا" * 200), ("Khan " * 40, "خان " * 50), ("आशा " * 50, "देवी" * 50), ("字" * 200, "𐅑" * 200)],
    ids=["latin-arabic", "repeated", "devanagari", "wide"],
)
def test_the_longest_names_still_fit_into_version_17(name: str, native: str) -> None:
    code = code_of(with_holder(domicile(), name=name, name_native=native))
    assert version_of(code) <= 17
    read = read_code(code)
    verify_code(read, CENTRE.certificate)
    assert read.holder.name in (name, "")
    assert read.holder.name_native in (native, "")
    assert ("name" in read.left_out) == (read.holder.name == "")
    assert ("name_native" in read.left_out) == (read.holder.name_native == "")


def test_what_has_no_room_is_left_out_whole_and_named() -> None:
    """Incompressible, so that neither name nor native name fits."""
    noise = base64.b85encode(hashlib.shake_256(b"name").digest(160)).decode()
    native = "".join(chr(0x600 + value % 200) for value in hashlib.shake_256(b"native").digest(200))
    record = with_holder(domicile(), name=noise, name_native=native.replace("\u0600", "ا"))
    code = read_code(code_of(record))
    assert code.left_out == ("name_native",)
    assert code.holder.name == noise
    assert code.holder.native_language == ""
    long = with_holder(record, name="".join(chr(0x4E00 + ord(letter) * 37) for letter in noise))
    code = read_code(code_of(long))
    assert code.left_out == ("name_native", "name")
    assert code.holder.born == "1990-04-03"
    assert code.holder.identity_number_shown == "17301-1234567-1"


def test_a_certificate_whose_names_alone_are_too_long_has_no_code() -> None:
    noise = "".join(chr(0x4E00 + value * 80) for value in hashlib.shake_256(b"x").digest(200))
    with pytest.raises(BadCode):
        code_of(msgspec.structs.replace(domicile(), centre=noise, service=noise[::-1]))


def test_one_changed_character_is_noticed_everywhere() -> None:
    text = code_of(domicile())
    for place in range(len(text)):
        other = "X" if text[place] != "X" else "Y"
        with pytest.raises(BadCode):
            verify_code(read_code(text[:place] + other + text[place + 1 :]), CENTRE.certificate)


@pytest.mark.parametrize("cut", [0, 1, 6, 7, 8, 100, -1, -2, -3])
def test_a_cut_code_is_refused(cut: int) -> None:
    with pytest.raises(BadCode):
        read_code(code_of(domicile())[:cut])


@pytest.mark.parametrize("prefix", ["", "HC1:", "SANAD2:", "sanad1:", " SANAD1:"])
def test_another_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(BadCode):
        read_code(prefix + code_of(domicile()).removeprefix("SANAD1:"))


def test_what_unpacks_without_end_is_refused() -> None:
    bomb = qr.PREFIX + base45.encode(zlib.compress(bytes(2_000_000), 9))
    assert len(bomb) < qr.MAX_READ_TEXT
    with pytest.raises(BadCode):
        read_code(bomb)
    with pytest.raises(BadCode):
        read_code(qr.PREFIX + "0" * qr.MAX_READ_TEXT)


def test_bytes_behind_what_is_packed_are_refused() -> None:
    packed = base45.decode(code_of(domicile()).removeprefix(qr.PREFIX))
    with pytest.raises(BadCode):
        read_code(qr.PREFIX + base45.encode(packed + b"\0"))
    with pytest.raises(BadCode):
        read_code(qr.pack(zlib.decompress(packed) + b"\0"))


@pytest.mark.parametrize(
    "change",
    [
        lambda claims: claims.pop(1),
        lambda claims: claims.pop(-65537),
        lambda claims: claims.update({169: "Asha"}),
        lambda claims: claims[169].update({4: "a\u202eb"}),
        lambda claims: claims[169].update({4: 5}),
        lambda claims: claims[169].update({4: "A" * 201}),
        lambda claims: claims[169].update({9: [1]}),
        lambda claims: claims[169].update({20: [1]}),
        lambda claims: claims[-65537].update({1: "a b"}),
        lambda claims: claims[-65537].pop(1),
        lambda claims: claims[-65537].update({3: "2026-11-22"}),
        lambda claims: claims[-65537].update({3: cbor2.CBORTag(100, 10**12)}),
        lambda claims: claims[-65537].update({3: cbor2.CBORTag(100, True)}),
        lambda claims: claims[-65537].update({5: bytes(31)}),
        lambda claims: claims[-65537].update({6: 1}),
        lambda claims: claims[-65537].update({9: ["name"] * 9}),
        lambda claims: claims.update({4: claims[4] + 1}),
        lambda claims: claims.pop(4),
        lambda claims: claims[-65537].pop(4),
    ],
)
def test_claims_that_are_not_of_their_form_are_refused_though_signed(change: Change) -> None:
    with pytest.raises(BadCode):
        read_code(changed(change))


def test_claims_that_are_not_known_are_passed_over() -> None:
    """RFC 8392, section 3: unknown claims are ignored."""

    def add(claims: dict[Any, Any]) -> None:
        claims.update({7: b"id", "text": 1})
        claims[169].update({62: b"\xff\xd8", 99: 1})
        claims[-65537].update({100: "later"})

    assert read_code(changed(add)).number == "GGN01-0000042"


@pytest.mark.parametrize(
    ("born", "gender", "language"),
    [("19880229", 2, "hin"), ("1988-02-29", "2", "hi"), ("1988-02-29", 2, "hin")],
)
def test_a_person_is_read_as_other_programs_write_one(born: str, gender: object, language: str) -> None:
    code = read_code(changed(lambda claims: claims[169].update({8: born, 9: gender, 20: language})))
    assert code.holder.born == "1988-02-29"
    assert code.holder.gender == "female"
    assert code.holder.native_language == "hi"


def test_another_key_does_not_verify() -> None:
    code = read_code(code_of(domicile()))
    stranger = new_centre(code=CODE)
    with pytest.raises(BadCode, match="another signer"):
        verify_code(code, stranger.certificate)
    payload = code.message.payload
    forged = read_code(qr.pack(cose.sign1(payload, kid(CENTRE.certificate), stranger.signer.sign)))
    with pytest.raises(BadCode, match="signature"):
        verify_code(forged, CENTRE.certificate)
    for nonsense in (b"", b"nonsense"):
        with pytest.raises(BadCode):
            verify_code(read_code(qr.pack(cose.sign1(payload, kid(nonsense), CENTRE.signer.sign))), nonsense)


def test_the_code_is_read_back_from_its_picture() -> None:
    text = code_of(residence())
    picture = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M").to_image(scale=3)
    assert [each.text for each in zxingcpp.read_barcodes(picture)] == [text]
