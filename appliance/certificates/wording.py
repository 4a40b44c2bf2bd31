"""What certificates and receipts say beside their data, in each language, and how dates and money are written.

Digits are Latin everywhere, as on the identity cards and forms of both countries.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from appliance.journal.errors import BugError

# The order of every line: English, Urdu, Pashto, Hindi, Tamil.
_ORDER: Final = ("en", "ur", "ps", "hi", "ta")
_WORDS: Final[dict[str, tuple[str, str, str, str, str]]] = {
    "number": ("Certificate No.", "سند نمبر", "د سند شمېره", "प्रमाण पत्र संख्या", "சான்றிதழ் எண்"),
    "issued": ("Date of issue", "تاریخ اجراء", "د صدور نېټه", "जारी करने की तिथि", "வழங்கிய தேதி"),
    "expires": ("Valid until", "تاریخ تنسیخ", "د اعتبار پای", "वैधता की अंतिम तिथि", "செல்லுபடியாகும் இறுதி தேதி"),
    "tracking": ("Tracking No.", "ٹریکنگ نمبر", "د تعقیب شمېره", "ट्रैकिंग संख्या", "கண்காணிப்பு எண்"),
    "issued_to": (
        "This certificate is issued to",
        "یہ سند جاری کی جاتی ہے بنام",
        "دا سند د دې کس په نوم صادره شوې ده",
        "यह प्रमाण पत्र इनके नाम जारी किया जाता है",
        "இச்சான்றிதழ் இவருக்கு வழங்கப்படுகிறது",
    ),
    "born": ("Date of birth", "تاریخ پیدائش", "د زېږېدو نېټه", "जन्म तिथि", "பிறந்த தேதி"),
    "cnic": (
        "CNIC No.",
        "قومی شناختی کارڈ نمبر",
        "د ملي پېژندپاڼې شمېره",
        "सी.एन.आई.सी. संख्या",
        "தேசிய அடையாள அட்டை எண்",
    ),
    "aadhaar": ("Aadhaar No.", "آدھار نمبر", "د آدهار شمېره", "आधार संख्या", "ஆதார் எண்"),
    "passport": ("Passport No.", "پاسپورٹ نمبر", "د پاسپورټ شمېره", "पासपोर्ट संख्या", "கடவுச்சீட்டு எண்"),
    "identity": ("Identity No.", "شناختی نمبر", "د پېژندنې شمېره", "पहचान संख्या", "அடையாள எண்"),
    "attested": ("Attested by", "تصدیق کنندہ", "تصدیق کوونکی", "सत्यापनकर्ता", "சான்றளித்தவர்"),
    "holder_signature": (
        "Signature of the holder",
        "حامل سند کے دستخط",
        "د سند د خاوند لاسلیک",
        "धारक के हस्ताक्षर",
        "சான்றிதழ் பெறுபவரின் கையொப்பம்",
    ),
    "sealed": (
        "Sealed electronically by the centre",
        "مرکز کی جانب سے الیکٹرانک مہر شدہ",
        "د مرکز له خوا په برېښنايي ډول مهر شوی",
        "केंद्र द्वारा इलेक्ट्रॉनिक रूप से मुद्रांकित",
        "மையத்தால் மின்னணு முறையில் முத்திரையிடப்பட்டது",
    ),
    "signed": (
        "Signed electronically by the officer",
        "افسر کی جانب سے الیکٹرانک دستخط شدہ",
        "د افسر له خوا په برېښنايي ډول لاسلیک شوی",
        "अधिकारी द्वारा इलेक्ट्रॉनिक रूप से हस्ताक्षरित",
        "அதிகாரியால் மின்னணு முறையில் கையொப்பமிடப்பட்டது",
    ),
    "replaces": (
        "In place of certificate {number}, which is no longer valid",
        "بجائے سند نمبر {number}، جو اب منسوخ ہے",
        "د سند {number} پر ځای، چې نور د اعتبار وړ نه دی",
        "प्रमाण पत्र {number} के स्थान पर, जो अब मान्य नहीं है",
        "இனி செல்லாத சான்றிதழ் {number} க்குப் பதிலாக",
    ),
    "copy": ("Attested copy", "مصدقہ نقل", "تصدیق شوې کاپي", "सत्यापित प्रति", "சான்றளிக்கப்பட்ட நகல்"),
    "scan": (
        "Copied paper on the following pages: {pages}. Its scan is attached to this file, under the hash below.",
        "نقل شدہ دستاویز اگلے صفحات پر ہے ({pages})۔",
        "کاپي شوی سند په راتلونکو پاڼو کې دی ({pages}).",
        "प्रतिलिपि किया गया पत्र अगले पृष्ठों पर है ({pages})।",
        "நகலெடுக்கப்பட்ட ஆவணம் அடுத்த பக்கங்களில் உள்ளது ({pages}).",
    ),
    "verify": (
        "To verify: show this paper at any centre, or have the code read. Compare name and number with the answer. "
        "The signed file carries its full record and can be checked without a network.",
        "تصدیق کے لیے: یہ کاغذ کسی بھی مرکز پر دکھائیں یا کوڈ پڑھوائیں، اور نام اور نمبر جواب سے ملائیں۔",
        "د تصدیق لپاره: دا کاغذ په هر مرکز کې وښایئ یا کوډ ولولئ، او نوم او شمېره له ځواب سره پرتله کړئ.",
        "सत्यापन के लिए: यह पत्र किसी भी केंद्र पर दिखाएँ या कोड पढ़वाएँ, और नाम तथा संख्या उत्तर से मिलाएँ।",
        "சரிபார்க்க: இத்தாளை எந்த மையத்திலும் காட்டவும் அல்லது குறியீட்டைப் படிக்கவும்; பெயரையும் எண்ணையும் ஒப்பிடவும்.",
    ),
    "page": ("Page", "صفحہ", "پاڼه", "पृष्ठ", "பக்கம்"),
    "receipt": ("Receipt", "رسید", "رسید", "रसीद", "ரசீது"),
    "receipt_number": ("Receipt No.", "رسید نمبر", "د رسید شمېره", "रसीद संख्या", "ரசீது எண்"),
    "service": ("Service", "خدمت", "خدمت", "सेवा", "சேவை"),
    "payer": ("Received from", "ادا کنندہ", "ورکوونکی", "भुगतानकर्ता", "செலுத்தியவர்"),
    "total": ("Total", "کل رقم", "ټولټال", "कुल", "மொத்தம்"),
    "mode": ("Paid by", "طریقہ ادائیگی", "د تادیې ډول", "भुगतान का तरीका", "கட்டண முறை"),
    "reference": ("Reference", "حوالہ نمبر", "د حوالې شمېره", "संदर्भ संख्या", "குறிப்பு எண்"),
    "taken_at": ("Date", "تاریخ", "نېټه", "दिनांक", "தேதி"),
    "taken_by": ("Taken by", "وصول کنندہ", "اخیستونکی", "प्राप्तकर्ता", "பெற்றவர்"),
    "due": ("Ready by", "تیار ہونے کی تاریخ", "د چمتو کېدو نېټه", "तैयार होने की तिथि", "தயாராகும் தேதி"),
    "cash": ("Cash", "نقد", "نغدې", "नकद", "ரொக்கம்"),
    "challan": ("Bank challan", "بینک چالان", "بانکي چالان", "बैंक चालान", "வங்கி சலான்"),
    "psid": ("PSID", "پی ایس آئی ڈی", "پي اېس آی ډي", "पी.एस.आई.डी.", "பி.எஸ்.ஐ.டி."),
    "online": ("Online", "آن لائن", "آنلاین", "ऑनलाइन", "இணையவழி"),
    "other": ("Other", "دیگر", "نور", "अन्य", "மற்றவை"),
    "keep": (
        "Keep this receipt. At the centre or the kiosk, its code or tracking number shows where the case stands.",
        "یہ رسید سنبھال کر رکھیں۔ مرکز پر کوڈ یا ٹریکنگ نمبر سے درخواست کی صورت حال معلوم کریں۔",
        "دا رسید وساتئ. په مرکز کې په کوډ یا د تعقیب په شمېره د غوښتنلیک حال معلوم کړئ.",
        "यह रसीद सँभाल कर रखें। केंद्र पर कोड या ट्रैकिंग संख्या से आवेदन की स्थिति जानें।",
        "இந்த ரசீதைப் பத்திரமாக வைக்கவும். மையத்தில் குறியீடு அல்லது கண்காணிப்பு எண் மூலம் விண்ணப்ப நிலையை அறியலாம்.",
    ),
    "void": ("VOID", "منسوخ", "لغوه", "रद्द", "ரத்து"),
}
_MONTHS: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        *("January", "February", "March", "April", "May", "June", "July"),
        *("August", "September", "October", "November", "December"),
    ),
    "ur": ("جنوری", "فروری", "مارچ", "اپریل", "مئی", "جون", "جولائی", "اگست", "ستمبر", "اکتوبر", "نومبر", "دسمبر"),
    "ps": ("جنوري", "فبروري", "مارچ", "اپرېل", "مې", "جون", "جولای", "اګست", "سپتمبر", "اکتوبر", "نومبر", "ډسمبر"),
    "hi": ("जनवरी", "फ़रवरी", "मार्च", "अप्रैल", "मई", "जून", "जुलाई", "अगस्त", "सितंबर", "अक्टूबर", "नवंबर", "दिसंबर"),
    "ta": (
        *("ஜனவரி", "பிப்ரவரி", "மார்ச்", "ஏப்ரல்", "மே", "ஜூன்", "ஜூலை"),
        *("ஆகஸ்ட்", "செப்டம்பர்", "அக்டோபர்", "நவம்பர்", "டிசம்பர்"),
    ),
}
PAYMENT_MODES: Final = frozenset({"cash", "challan", "psid", "online", "other"})
IDENTITY_KINDS: Final = frozenset({"cnic", "aadhaar", "passport"})
_CURRENCIES: Final = {"PKR": "Rs", "INR": "₹"}


def words(what: str, language: str) -> str:
    """A phrase in a language.

    Raises:
        BugError: there is none of that name.
    """
    if what not in _WORDS or language not in _ORDER:
        raise BugError(f"There is no wording {what} in {language}.")
    return _WORDS[what][_ORDER.index(language)]


def say_date(iso: str, language: str) -> str:
    """A date in words: `22 November 2026`.

    Raises:
        BugError: it is no date of the calendar.
    """
    try:
        day = date.fromisoformat(iso)
    except ValueError:
        raise BugError("A date on a certificate or receipt is none of the calendar.") from None
    return f"{day.day} {_MONTHS[language][day.month - 1]} {day.year}"


def say_money(minor: int, currency: str) -> str:
    """An amount, as it is written on paper in the country of the currency: `Rs 1,234,567.50`, `₹ 12,34,567.50`.

    Args:
        minor: in paisa.
        currency: `PKR` or `INR`.

    Raises:
        BugError: it is another currency.
    """
    if currency not in _CURRENCIES:
        raise BugError(f"No receipt is written in {currency}.")
    whole, paisa = divmod(abs(minor), 100)
    grouped = _by_lakhs(whole) if currency == "INR" else f"{whole:,}"
    return f"{'−' if minor < 0 else ''}{_CURRENCIES[currency]} {grouped}.{paisa:02}"


def _by_lakhs(whole: int) -> str:
    """Groups of two above the thousands."""
    head, tail = divmod(whole, 1000)
    if not head:
        return str(whole)
    groups = [f"{tail:03}"]
    while head >= 100:
        head, group = divmod(head, 100)
        groups.append(f"{group:02}")
    return ",".join([str(head), *reversed(groups)])
