"""Specimens for trying the system out: people who do not exist, and a paper where no scan is at hand.

Everything made here says SPECIMEN, or is plainly no document.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Final

from appliance.casework.people import Person

SERVICE: Final = "domicile"
CITIZEN: Final = Person(
    name="SPECIMEN Gul Bibi",
    name_native="نمونہ گل بی بی",
    born="1990-01-01",
    identity_kind="cnic",
    identity_number="17301-0000000-2",
)
ANSWERS: Final = {
    "cnic": "17301-0000000-2",
    "name": "SPECIMEN Gul Bibi",
    "name_native": "نمونہ گل بی بی",
    "father_name": "SPECIMEN Sher Khan",
    "born": "1990-01-01",
    "gender": "female",
    "birth_place": "Peshawar",
    "religion": "Islam",
    "marital_status": "single",
    "schooled": "yes",
    "qualification": "Matric",
    "occupation": "Teacher",
    "phone": "03001234567",
    "purpose": "SPECIMEN",
    "district": "peshawar",
    "tehsil": "Peshawar",
    "address_permanent": "SPECIMEN House 7, Street 1, Peshawar",
    "arrived": "1990-01-01",
    "same_address": "yes",
}
PAPERS: Final = ("cnic", "parents_cnic", "matric_certificate", "affidavit", "photograph")
"""The papers that these answers make mandatory."""
PAPER: Final = "SPECIMEN paper"
CHALLAN: Final = "SPECIMEN-32A-0001"
OUTSIDE: Final = ("patwari", "police")
"""The steps of the service that wait for an outside office."""

_SAMPLES: Final = Path("../shared/samples")
_SCAN: Final = Path("scans/linn.png")
_PAGE: Final = (620, 877)
"""A4 at 75 dots an inch, width and height."""


def scan_at_hand() -> Path | None:
    """A real scan from the samples (`SANAD_SAMPLES`), where they are there."""
    scan = Path(os.environ.get("SANAD_SAMPLES", _SAMPLES)) / _SCAN
    return scan if scan.is_file() else None


def ruled_page() -> bytes:
    """A page with lines and nothing on it, as PNG (ISO/IEC 15948): 8-bit grey, filter 0."""
    width, height = _PAGE
    rows = (
        b"\0" + (b"\x60" * width if y % 40 == 0 else (b"\xf4" * 40 + b"\xf0" * (width - 80) + b"\xf4" * 40))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
