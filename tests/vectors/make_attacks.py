"""Certificates as they must be, and every way to forge one that we know, with the verdict that each must get.

    python -m tests.vectors.make_attacks          writes tests/vectors/attacks/ anew

The keys are public and always the same; signatures differ from run to run. `manifest.json` says of each file by what
it is judged, when, and what must come out. A test judges the files as they lie there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.certificates.lists import Ended, TrustedSigner
from appliance.certificates.listsfile import write_lists
from appliance.certificates.qr import PREFIX, pack, unpack
from appliance.certificates.signer import SoftwareSigner
from sync.central.authority import key_bytes
from tests.support import forgery
from tests.support.forgery import Central, changed, code_of, page, record, seal_place, sealed, updated
from tests.support.sealing_centre import NAME, NOW
from tests.support.trusting import PUBLISHER, listed, lists
from tests.vectors import VECTORS

FOLDER: Final = VECTORS / "attacks"
JUDGED: Final = NOW + timedelta(days=3)
"""When the files are judged, and how new the lists are, unless it is said."""
EXITS: Final = {"valid": 0, "valid_as_of": 0, "superseded": 1, "revoked": 1, "invalid": 1, "unreadable": 2}
CHANGED: Final = "was changed after it was sealed"
REPLACED: Final = "replaced after it was sealed"
STAMP_BROKEN: Final = "timestamp on the file is damaged"


@dataclass(frozen=True)
class Attack:
    """One file, and what must be said of it."""

    file: str
    content: bytes = field(repr=False)
    why: str
    verdict: str
    phrase: str
    """Stands in one of the reasons."""
    trust: str = "lists"
    now: datetime = JUDGED
    number: str = ""
    """What the verdict names, for a person to compare."""
    case: str = ""
    """Names what is done with a file that is judged more than once."""

    def entry(self) -> dict[str, object]:
        values = {name: value for name, value in asdict(self).items() if name != "content"}
        values["case"] = self.case or self.file
        return {**values, "now": self.now.isoformat(), "exit": EXITS.get(self.verdict, 3)}


class World:
    """A central with its centre, and a stranger who made both anew under the same names."""

    def __init__(self) -> None:
        self.ours: Central = forgery.central("ours")
        self.stranger: Central = forgery.central("stranger")
        self.stolen = self.ours.centre("stolen", name="Specimen centre, whose key was stolen")
        self.elsewhere = self.ours.centre("elsewhere", "SWT01", "Specimen centre, Swat")
        self.record = record()
        self.good = forgery.with_padding(lambda: sealed(self.record, self.ours.signer))
        self.raised = self.ours.raised(self.good)
        self.code = code_of(self.record, self.ours.signer)

    def signers(self) -> list[TrustedSigner]:
        stolen_at = NOW + timedelta(days=2)
        return [
            listed(self.ours.signer.certificate),
            listed(self.stolen.certificate, name="Specimen centre", revoked_at=stolen_at, reason="compromised"),
            listed(self.elsewhere.certificate, centre="SWT01", name="Specimen centre, Swat"),
            listed(self.ours.tsa_der, kind="timestamp", centre="", name="Specimen timestamps"),
        ]

    def trust(self) -> dict[str, bytes]:
        """The files of trust by their names."""
        ended = (
            Ended("PEW01-0000201", "superseded", NOW, "corrected", "PEW01-0000202"),
            Ended("PEW01-0000301", "revoked", NOW, "fraud"),
        )
        made = {}
        for name, number, at in (("lists", 7, JUDGED), ("lists-old", 5, NOW + timedelta(hours=1))):
            known = lists(self.ours.authority_der, self.signers(), *ended, at=at, number=number)
            made[name] = write_lists(known.trust, known.revocations, PUBLISHER)
        made["authority.pem"] = self.ours.authority.certificate.public_bytes(Encoding.PEM)
        return made


def good(world: World) -> Iterator[Attack]:
    """What is as it must be."""
    number, listed_as = world.record.number, NAME
    paper = forgery.photographed(world.good)
    made = (
        ("valid.pdf", world.good, "as the counter sealed it"),
        ("valid-raised.pdf", world.raised, "with validation data and a timestamp"),
        ("valid-code.txt", world.code.encode() + b"\n", "the text of the code"),
        ("valid-paper.jpg", paper, "a picture of the paper"),
        ("valid-scan.pdf", forgery.scanned([paper]), "a PDF that only holds a scanned picture"),
    )
    for name, content, why in made:
        yield Attack(name, content, why, "valid", listed_as, number=number)
    late = NOW + timedelta(days=60)
    old = ("valid.pdf", world.good, "judged by lists that are two months old")
    as_of = "valid_as_of"
    yield Attack(*old, as_of, "older than", trust="lists-old", now=late, number=number, case="old-lists")
    alone = ("valid.pdf", world.good, "judged by the authority's certificate, without lists")
    yield Attack(*alone, as_of, "Nothing is known", trust="authority.pem", number=number, case="authority-alone")
    before = ("valid.pdf", world.good, "judged by a machine whose clock is years behind")
    past = NOW - timedelta(days=900)
    yield Attack(*before, as_of, "clock is wrong", now=past, number=number, case="clock-behind")
    in_time = world.ours.raised(sealed(record("PEW01-0000402"), world.stolen))
    yield Attack("stolen-later.pdf", in_time, "stamped before its key was stolen", "valid", "stays good")


def changed_files(world: World) -> Iterator[Attack]:
    """Bytes changed, added, or taken away."""
    pdf, raised = world.good, world.raised
    begin, end = seal_place(pdf)
    stamp_begin, stamp_end = seal_place(raised, 1)
    name = pdf.index(b"(Peshawar)")
    of_authority = pdf.index(world.ours.authority_der[-30:].hex().upper().encode())
    for file, content, why, phrase in (
        ("byte-page.pdf", changed(pdf, len(pdf) // 3), "a byte of the page", CHANGED),
        ("byte-header.pdf", changed(pdf, 7), "a byte of the first line", CHANGED),
        ("byte-location.pdf", changed(pdf, name + 1), "a letter of the signature's entries", CHANGED),
        ("byte-last.pdf", changed(pdf, len(pdf) - 1), "the last byte", "after it was sealed"),
        ("byte-seal.pdf", changed(pdf, begin + 40), "a digit of the seal", "seal"),
        ("byte-seal-authority.pdf", changed(pdf, of_authority), "the authority's certificate in the seal", "belong"),
        ("byte-seal-case.pdf", changed(pdf, first_letter(pdf, begin), 0x20), "a digit as a small letter", "place of"),
        ("byte-padding.pdf", changed(pdf, end - 1), "the padding inside the signature field", "place of the seal"),
        ("byte-raised.pdf", changed(raised, len(pdf) + 900), "a byte of what was added", "not over this file"),
        ("byte-stamp.pdf", changed(raised, stamp_begin + 300), "a digit of the timestamp", STAMP_BROKEN),
        ("byte-stamp-padding.pdf", changed(raised, stamp_end - 1), "the padding of the timestamp", "place of the seal"),
        ("appended.pdf", pdf + b"% nothing to see here\n", "a line after the end", "added"),
        ("appended-raised.pdf", raised + b"\n", "an empty line after the timestamp", "added"),
        ("second-pdf.pdf", pdf + page(record("PEW01-0000321"), world.code), "a whole second PDF", "added"),
        ("cut.pdf", pdf[:-100], "the end cut off", "end of the file is missing"),
        ("stamp-cut.pdf", raised[:-100], "the end of the timestamp cut off", "end of the file is missing"),
        ("before.pdf", b"%PDF-1.4\n" * 3 + pdf, "something before the beginning", "added to the file after"),
        ("unsealed.pdf", page(world.record, world.code), "the seal taken off", "no seal"),
    ):
        yield Attack(file, content, why, "invalid", phrase)


def replaced(world: World) -> Iterator[Attack]:
    """Incremental updates by somebody without a key, alone and then stamped by central's own service."""
    for name, change, why in (
        ("xmp-replaced", forgery.replace_xmp, "XMP replaced"),
        ("attachment-swapped", forgery.swap_record, "attached record replaced"),
        ("shadow-content", forgery.swap_page, "page's content replaced by what lay hidden"),
    ):
        content = updated(world.good, change)
        yield Attack(f"{name}.pdf", content, why, "invalid", "added to the file after")
        stamped = forgery.stamped_over(world.ours, content)
        yield Attack(f"{name}-stamped.pdf", stamped, f"{why}, then stamped over", "invalid", REPLACED)


def strangers(world: World) -> Iterator[Attack]:
    """Who has keys, and none that counts."""
    other = world.stranger
    again = forgery.signed_besides(world.good, other.signer)
    yield Attack("signed-again.pdf", again, "a stranger's further signature", "invalid", "Somebody else signed")
    stamped = other.raised(world.good)
    yield Attack("stamped-by-stranger.pdf", stamped, "a stranger's timestamp", "invalid", "Somebody whom nobody")
    forged = sealed(world.record, other.signer)
    yield Attack("resigned.pdf", forged, "all of it made again by a stranger", "unknown_issuer", "not certified")
    broken = changed(forged, len(forged) // 3)
    yield Attack("resigned-and-changed.pdf", broken, "broken, and by a stranger", "invalid", CHANGED)
    code = code_of(world.record, other.signer).encode()
    yield Attack("resigned-code.txt", code, "a code by a stranger", "unknown_issuer", "not among those")
    unlisted = sealed(record("PEW01-0000501"), world.ours.centre("unlisted"))
    yield Attack("unlisted.pdf", unlisted, "certified, but no longer listed", "unknown_issuer", "not among those")
    why = "judged by somebody who trusts nobody"
    yield Attack("valid.pdf", world.good, why, "unknown_issuer", "no lists", "", case="no-trust")
    elsewhere = sealed(record("PEW01-0000502"), world.elsewhere)
    yield Attack("other-centre.pdf", elsewhere, "sealed by another centre's key", "invalid", "another centre")
    tsa = SoftwareSigner(key_bytes(world.ours.tsa.key), world.ours.tsa_der, (world.ours.authority_der,))
    yield Attack(
        "wrong-key.pdf", sealed(world.record, tsa), "sealed by a key for timestamps", "invalid", "not one that"
    )


def ended(world: World) -> Iterator[Attack]:
    """What was good once."""
    ours = world.ours.signer
    for name, number, verdict, phrase in (
        ("superseded", "PEW01-0000201", "superseded", "PEW01-0000202"),
        ("revoked", "PEW01-0000301", "revoked", "fraud"),
    ):
        said = record(number)
        yield Attack(f"{name}.pdf", sealed(said, ours), f"{name} by central's list", verdict, phrase, number=number)
        code = code_of(said, ours).encode()
        yield Attack(f"{name}-code.txt", code, f"the code of one that was {name}", verdict, phrase, number=number)
    past = record("PEW01-0000601", expires_on=(NOW + timedelta(days=1)).date().isoformat())
    yield Attack("expired.pdf", sealed(past, ours), "expired", "invalid", "expired on 23 November 2026")
    yield Attack(
        "expired-code.txt", code_of(past, ours).encode(), "the code of an expired one", "invalid", "expired on"
    )
    coming = record("PEW01-0000602", issued_on=(JUDGED + timedelta(days=40)).date().isoformat())
    yield Attack("future.pdf", sealed(coming, ours), "issued in the future", "invalid", "in the future")
    stolen = sealed(record("PEW01-0000401"), world.stolen)
    yield Attack("stolen-key.pdf", stolen, "its key was revoked, and nothing proves when", "revoked", "nothing proves")
    late = world.ours.raised(stolen, NOW + timedelta(days=2, hours=1))
    yield Attack("stolen-before.pdf", late, "stamped after its key was revoked", "revoked", "nothing proves")
    code = code_of(record("PEW01-0000401"), world.stolen).encode()
    yield Attack("stolen-code.txt", code, "the code by a revoked key", "revoked", "nothing proves")


def differing(world: World) -> Iterator[Attack]:
    """Page, code and record that say different things."""
    ours, said = world.ours.signer, world.record
    other = record("PEW01-0000321", holder=msgspec.structs.replace(said.holder, name="Specimen Other Person"))
    differs = forgery.showing(said, other, ours)
    yield Attack(
        "page-differs.pdf", differs, "the page names somebody else than the record", "invalid", "page does not"
    )
    pasted = forgery.pasted(other, world.code, ours)
    yield Attack("code-pasted.pdf", pasted, "another certificate's code on the page", "invalid", "code on the page")
    paper = forgery.photographed(pasted)
    why = "another certificate's code pasted on the paper: the verdict names whose it is, to be compared"
    yield Attack("code-pasted.jpg", paper, why, "valid", NAME, number=said.number)
    wrong = world.code.encode()
    message = unpack(wrong.decode()).replace(b"0000123", b"0000124")
    yield Attack("code-wrong-number.txt", pack(message).encode(), "the number in the code changed", "invalid", "false")
    damaged = wrong[:60] + bytes([wrong[60] ^ 1]) + wrong[61:]
    yield Attack("code-damaged.txt", damaged, "a letter of the code changed", "invalid", "code")


def unreadable(_world: World) -> Iterator[Attack]:
    """What holds no certificate."""
    for file, content, why, phrase in (
        ("empty.pdf", b"", "nothing", "nothing in the file"),
        ("letter.txt", "ایک خط".encode(), "a letter", "neither"),
        ("receipt.txt", b"SANAD-R1:R-PEW01-2026-000042-8:PEW01", "the code of a receipt", "receipt"),
        ("other-code.txt", f"{PREFIX.lower()}ABC".encode(), "another code", "not the code"),
        ("cut.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a picture cut off", "picture"),
    ):
        yield Attack(file, content, why, "unreadable", phrase)


def first_letter(pdf: bytes, begin: int) -> int:
    """The first hexadecimal digit from there on that is a letter."""
    return next(place for place in range(begin, len(pdf)) if pdf[place : place + 1].isalpha())


PARTS: Final[tuple[Callable[[World], Iterator[Attack]], ...]] = (
    *(good, changed_files, replaced, strangers, ended, differing, unreadable),
)


def files() -> tuple[dict[str, bytes], list[dict[str, object]]]:
    """Every file by its name, and the manifest."""
    world = World()
    attacks = [each for part in PARTS for each in part(world)]
    contents = {each.file: each.content for each in attacks}
    return {**contents, **world.trust()}, [each.entry() for each in attacks]


def main() -> int:
    """Write them."""
    made, manifest = files()
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for name, content in made.items():
        (FOLDER / name).write_bytes(content)
    (FOLDER / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
