"""Certificates and receipts of specimen people, in every language."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from typing import Final

from PIL import Image, ImageDraw

from appliance.certificates.receipt import ReceiptClaim, ReceiptLine, ReceiptRecord, receipt_text
from appliance.certificates.record import Attester, CertificateRecord, Fact, Holder

QR_TEXT: Final = "SPECIMEN|" + "0123456789ABCDEF" * 14


def photograph(colour: str = "#7a8fa6", size: tuple[int, int] = (413, 531)) -> bytes:
    """A drawn person, JPEG."""
    image = Image.new("RGB", size, "#dfe6ec")
    draw = ImageDraw.Draw(image)
    wide, high = size
    draw.ellipse((wide * 0.3, high * 0.15, wide * 0.7, high * 0.55), fill="#c9a27e")
    draw.ellipse((wide * 0.1, high * 0.62, wide * 0.9, high * 1.5), fill=colour)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def signature(stride: float = 14) -> bytes:
    """A drawn signature, PNG with a transparent ground; another one for another stride."""
    image = Image.new("RGBA", (600, 180), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    points = [(20 + stride * step, 90 + (60 if step % 2 else -50) * (1 - step / 45)) for step in range(40)]
    draw.line(points, fill=(20, 30, 90, 255), width=5, joint="curve")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def domicile(photo: bytes | None = None) -> CertificateRecord:
    """English and Urdu, from Peshawar."""
    return CertificateRecord(
        number="PEW01-0000123",
        service="domicile",
        title={"en": "Domicile Certificate", "ur": "ڈومیسائل سرٹیفکیٹ"},
        authority={
            "en": "Government of Khyber Pakhtunkhwa\nOffice of the Deputy Commissioner, Peshawar",
            "ur": "حکومت خیبر پختونخوا، دفتر ڈپٹی کمشنر پشاور",
        },
        centre="PEW01",
        centre_name="SPECIMEN centre, Peshawar",
        tracking="PEW01-26-000123-K",
        issued_on="2026-11-22",
        holder=Holder(
            name="Specimen Gul Khan",
            name_native="گل خان",
            born="1990-04-03",
            identity_kind="cnic",
            identity_number_shown="17301-1234567-1",
            photo_sha256=None if photo is None else hashlib.sha256(photo).hexdigest(),
        ),
        facts=(
            Fact({"en": "Father's name", "ur": "ولدیت"}, "Specimen Zarin Khan", "زرین خان"),
            Fact({"en": "Marital status", "ur": "ازدواجی حیثیت"}, "Married", "شادی شدہ"),
            Fact(
                {"en": "Permanent address", "ur": "مستقل پتہ"},
                "House 12/3-B, Street 4, Gulbahar No. 2, Peshawar",
                "مکان نمبر 12/3-B، گلی نمبر 4، گل بہار نمبر 2، پشاور، فون 0300-1234567",
            ),
            Fact({"en": "Tehsil", "ur": "تحصیل"}, "Peshawar City", "پشاور شہر"),
            Fact({"en": "District", "ur": "ضلع"}, "Peshawar", "پشاور"),
            Fact({"en": "Date of arrival", "ur": "تاریخ آمد"}, "1990-04-03"),
            Fact({"en": "Occupation", "ur": "پیشہ"}, "Teacher", "معلم"),
        ),
        attested_by=Attester(
            "Specimen Rabia Bibi", {"en": "Additional Deputy Commissioner", "ur": "ایڈیشنل ڈپٹی کمشنر"}
        ),
        salt="00112233445566778899aabbccddeeff",
        specimen=True,
        languages=("en", "ur"),
    )


def residence(photo: bytes | None = None) -> CertificateRecord:
    """English and Hindi, from Haryana."""
    return CertificateRecord(
        number="GGN01-0000042",
        service="residence-haryana",
        title={"en": "Residence Certificate", "hi": "निवास प्रमाण पत्र"},
        authority={"en": "Government of Haryana, Revenue Department", "hi": "हरियाणा सरकार, राजस्व विभाग"},
        centre="GGN01",
        centre_name="SPECIMEN centre, Gurugram",
        tracking="GGN01-26-000042-Q",
        issued_on="2026-11-22",
        expires_on="2031-11-21",
        holder=Holder(
            name="Specimen Asha Devi",
            name_native="आशा देवी",
            born="1988-02-29",
            identity_kind="aadhaar",
            identity_number_shown="xxxx-xxxx-1234",
            photo_sha256=None if photo is None else hashlib.sha256(photo).hexdigest(),
        ),
        facts=(
            Fact({"en": "Father's or husband's name", "hi": "पिता / पति का नाम"}, "Specimen Ram Kumar", "राम कुमार"),
            Fact({"en": "Village or town", "hi": "गाँव / नगर"}, "Wazirabad", "वज़ीराबाद"),
            Fact({"en": "District", "hi": "ज़िला"}, "Gurugram", "गुरुग्राम"),
            Fact({"en": "Resident since", "hi": "निवास की तिथि से"}, "2001-06-15"),
        ),
        attested_by=Attester("Specimen Vikram Singh", {"en": "Tehsildar, Gurugram", "hi": "तहसीलदार, गुरुग्राम"}),
        salt="00112233445566778899aabbccddeeff",
        specimen=True,
        languages=("en", "hi"),
    )


RECEIPT_LINES: Final = (
    ReceiptLine(
        {
            "en": "Domicile fee, challan 32-A",
            "ur": "ڈومیسائل فیس، چالان 32-A",
            "ps": "د ډومیسایل فیس، چالان 32-A",
            "hi": "निवास प्रमाण पत्र शुल्क",
            "ta": "இருப்பிடச் சான்றிதழ் கட்டணம்",
        },
        20_000,
    ),
    ReceiptLine({"en": "Form", "ur": "فارم", "ps": "فورمه", "hi": "प्रपत्र", "ta": "படிவம்"}, 2_050),
)
SERVICE_TITLE: Final = {
    "en": "Domicile certificate",
    "ur": "ڈومیسائل سرٹیفکیٹ",
    "ps": "د ډومیسایل سند",
    "hi": "निवास प्रमाण पत्र",
    "ta": "இருப்பிடச் சான்றிதழ்",
}
CLAIM: Final = ReceiptClaim("R-PEW01-2026-000042-8", "PEW01-2026-000042-T", 22_050, "PKR", "2026-11-22")


def receipt(language: str, key: bytes, claim: ReceiptClaim = CLAIM, **changes: object) -> ReceiptRecord:
    """A specimen's receipt in a language."""
    made = ReceiptRecord(
        number=claim.number,
        centre="PEW01",
        centre_name="SPECIMEN centre, Peshawar",
        service=SERVICE_TITLE,
        tracking=claim.tracking,
        payer="Specimen Gul Khan",
        lines=RECEIPT_LINES,
        total_minor=claim.total_minor,
        currency=claim.currency,
        mode="cash",
        reference="",
        taken_at="2026-11-22T14:30:00+05:00",
        taken_by="SPECIMEN Omar",
        due="2026-12-04",
        language=language,
        qr_text=receipt_text(claim, key),
        specimen=True,
        void=claim.void,
    )
    return replace(made, **changes)  # type: ignore[arg-type]
