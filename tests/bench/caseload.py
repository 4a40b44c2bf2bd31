"""What a centre takes in: applications as entries and sealed files, drawn from a seed. Shared by all that measures it.

Counts and sizes are those of the shipped parts: a scan is a JPEG of at most 300 kB (`docs/devices.md`), a certificate
a PDF/A of some 50 kB, a signature's strokes a few kB. A sealed file is of random bytes, as every sealed file is to
whoever compresses it. What people type differs from one application to the next.
"""

from __future__ import annotations

import math
import random
import string
from dataclasses import dataclass
from typing import Final, Literal

from appliance.journal import kinds as k
from appliance.journal.ids import EntityId, entity_id

APPLICATIONS_A_DAY: Final = 400
DARK_DAYS: Final = 3
BACKLOG: Final = APPLICATIONS_A_DAY * DARK_DAYS
"""Applications of 72 hours without a link."""

PAPERS: Final = ((1, 2, 3, 4, 5), (15, 25, 30, 20, 10))
"""How many scans an application has, and how many in a hundred have so many."""
SCAN_MEDIAN: Final = 170_000
SCAN_SPREAD: Final = 0.45
SCAN_LEAST: Final = 30_000
SCAN_MOST: Final = 300_000
STROKES: Final = (4_000, 9_000)
CERTIFICATE: Final = (42_000, 62_000)
APPROVED: Final = 0.9
_DAY: Final = "2026-11-22"


@dataclass(frozen=True, slots=True)
class Act:
    """One entry to be: what it says, about whom, and the bytes of the file that it brings; 0 for none."""

    body: k.Body
    about: EntityId
    file_bytes: int = 0


def application(chance: random.Random, number: int) -> list[Act]:
    """All acts of one application, from the token to the counter's last print."""
    applicant, case, token, fee = (entity_id(chance.randbytes(16)) for _ in range(4))
    tracking = f"PEW01-2026-{number:06d}-{chance.choice('ABCDEFGH')}"
    acts = [
        Act(k.TokenIssued(number=number % 400 + 1, ticket=f"A{number % 400:03}", queue="a", day=_DAY), token),
        Act(k.TokenCalled(counter="1"), token),
        Act(_person(chance), applicant),
        Act(
            k.ApplicationSubmitted(tracking=tracking, service="birth", applicant=applicant, fields=_fields(chance)),
            case,
        ),
    ]
    acts += [_paper(chance, case, place) for place in range(chance.choices(*PAPERS)[0])]
    acts.append(
        Act(
            k.SignatureTaken(
                signature=entity_id(chance.randbytes(16)),
                signed_by=applicant,
                purpose="application",
                document_sha256=chance.randbytes(32).hex(),
                binding=chance.randbytes(32).hex(),
                pad="STU-430",
                simulated=False,
            ),
            case,
            chance.randint(*STROKES),
        )
    )
    acts += [Act(_payment(chance, case, tracking, number), fee), *_printed(chance, case, "receipt")]
    acts += [Act(k.TokenServed(application=case), token), Act(k.ApplicationReviewStarted(), case)]
    if chance.random() < APPROVED:
        acts += [Act(k.ApplicationApproved(remark=""), case), _issued(chance, case, number)]
        acts += _printed(chance, case, "certificate")
    else:
        acts.append(Act(k.ApplicationReturned(reason=f"The {_word(chance)} is not legible."), case))
    return acts


def one_entry(chance: random.Random) -> Act:
    """One act at a counter, without a file."""
    return Act(_person(chance), entity_id(chance.randbytes(16)))


def scan_bytes(chance: random.Random) -> int:
    """The size of one scan."""
    return round(min(max(chance.lognormvariate(math.log(SCAN_MEDIAN), SCAN_SPREAD), SCAN_LEAST), SCAN_MOST))


def _person(chance: random.Random) -> k.PersonAdded:
    return k.PersonAdded(
        name=f"{_word(chance)} {_word(chance)}".title(),
        father_name=f"{_word(chance)} {_word(chance)}".title(),
        born=f"{chance.randint(1940, 2025)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
        identity_kind="cnic",
        identity_number=f"17301-{chance.randint(0, 9999999):07}-{chance.randint(0, 9)}",
        phone=f"03{chance.randint(0, 999999999):09}",
    )


def _fields(chance: random.Random) -> dict[str, str]:
    return {
        "child_name": _word(chance).title(),
        "place": f"House {chance.randint(1, 900)}, {_word(chance).title()} Road, Peshawar",
        "father": f"{_word(chance)} {_word(chance)}".title(),
        "mother": f"{_word(chance)} {_word(chance)}".title(),
        "hospital": _word(chance).title(),
        "born_at": f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}",
    }


def _paper(chance: random.Random, case: EntityId, place: int) -> Act:
    size = scan_bytes(chance)
    body = k.PaperAdded(
        paper=entity_id(chance.randbytes(16)),
        label=("hospital slip", "father's CNIC", "mother's CNIC", "marriage certificate", "affidavit")[place],
        media_type="image/jpeg",
        size=size,
        sha256=chance.randbytes(32).hex(),
        pages=1,
    )
    return Act(body, case, size)


def _payment(chance: random.Random, case: EntityId, tracking: str, number: int) -> k.PaymentTaken:
    return k.PaymentTaken(
        receipt=f"PEW01-R-{number:06d}",
        application=case,
        tracking=tracking,
        service="birth",
        payer=_word(chance).title(),
        lines=(k.PaymentLine("fee", "Fee", 200_00),),
        total_minor=200_00,
        currency="PKR",
        mode="cash",
        day=_DAY,
        shift=entity_id(b"one shift of them"[:16]),
    )


def _printed(chance: random.Random, of: EntityId, what: Literal["receipt", "certificate"]) -> list[Act]:
    about = entity_id(chance.randbytes(16))
    return [
        Act(k.PrintIntended(what=what, of=of, number="", printer="counter-1", copy=1, simulated=False), about),
        Act(k.PrintConfirmed(said_by="printer"), about),
    ]


def _issued(chance: random.Random, case: EntityId, number: int) -> Act:
    body = k.ApplicationIssued(
        number=f"PEW01-{number:06d}",
        record_sha256=chance.randbytes(32).hex(),
        pdf_sha256=chance.randbytes(32).hex(),
        issued_on=_DAY,
        sealed_by="officer",
        signer=chance.randbytes(8).hex(),
        seen_sha256=chance.randbytes(32).hex(),
    )
    return Act(body, case, chance.randint(*CERTIFICATE))


def _word(chance: random.Random) -> str:
    return "".join(chance.choices(string.ascii_lowercase, k=chance.randint(4, 9)))
