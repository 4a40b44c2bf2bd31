"""What a service is, once its file was read and found good. Values only; nothing here reads a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from appliance.catalogue.calendar import Days
from appliance.catalogue.conditions import Condition
from appliance.journal.errors import OperatorError

LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "ur": "Urdu", "ps": "Pashto", "hi": "Hindi", "ta": "Tamil"}
CURRENCIES: Final[Mapping[str, str]] = {"PK": "PKR", "IN": "INR"}
ROLES: Final = (
    "applicant",
    "subject",
    "child",
    "father",
    "mother",
    "spouse",
    "guardian",
    "seller",
    "buyer",
    "owner",
    "informant",
    "witness",
    "representative",
)
KINDS: Final = (
    "text",
    "name",
    "native_name",
    "date",
    "number",
    "money",
    "choice",
    "yes_no",
    "cnic",
    "aadhaar",
    "phone",
    "email",
    "address",
    "lines",
    "vehicle_number",
    "pin_code",
)
OFFICES: Final = (
    "police",
    "tehsildar",
    "patwari",
    "hospital",
    "bank",
    "registrar",
    "board",
    "university",
    "excise",
    "other",
)

By = Literal["operator", "officer", "outside"]


@dataclass(frozen=True, slots=True)
class Text:
    """Words in several languages.

    Args:
        values: language code to words; English is always there.
        unchecked: languages whose words no native reader has looked at: show them as such.
    """

    values: Mapping[str, str]
    unchecked: frozenset[str] = frozenset()

    @property
    def en(self) -> str:
        """The English words."""
        return self.values["en"]

    def in_(self, language: str) -> str:
        """The words in that language, or in English where they are not given."""
        return self.values.get(language, self.en)

    def has(self, language: str) -> bool:
        """Whether the words are given in that language."""
        return language in self.values

    def is_checked(self, language: str) -> bool:
        """Whether the words are given in that language and were not made by a machine."""
        return language in self.values and language not in self.unchecked


NO_TEXT: Final = Text({"en": ""})


@dataclass(frozen=True, slots=True)
class RoleRule:
    """A role in which a person stands in an application.

    `many`: several people may. `needs_authority`: a paper must say that this person may act.
    """

    id: str
    label: Text
    required: bool = True
    when: Condition | None = None
    many: bool = False
    needs_authority: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers that a field offers."""

    id: str
    label: Text


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a form.

    Args:
        max_length: of the normalised answer, in characters.
        minimum, maximum: of a number, or of money in whole currency units.
        check: the name of a further check in `appliance.catalogue.checks.CHECKS`.
        prefill, fact: "role.attribute": what it is filled with, and what an attestation of it states.
        page: the page of the form on which it stands; a key of `Service.pages`.
    """

    id: str
    kind: str
    label: Text
    help: Text = NO_TEXT
    required: bool = True
    when: Condition | None = None
    max_length: int = 200
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    pattern: str | None = None
    choices: tuple[Choice, ...] = ()
    check: str | None = None
    prefill: str | None = None
    fact: str | None = None
    sample: bool = False
    page: str = "form"


@dataclass(frozen=True, slots=True)
class Rule:
    """Answers that do not go together: where `when` holds, a finding at `field`."""

    id: str
    when: Condition
    field: str
    level: Literal["error", "warning"]
    sentence: str
    next_step: str
    sample: bool = False


@dataclass(frozen=True, slots=True)
class PaperRule:
    """A paper that is asked for, of whom, and the facts that it proves about them.

    `each_time`: it belongs to this one application (an invoice, a letter of authority), so nothing that was attested
    for another spares it.
    """

    id: str
    kind: str
    label: Text
    of: str
    required: bool = True
    when: Condition | None = None
    proves: tuple[str, ...] = ()
    copies: int = 1
    original_seen: bool = True
    each_time: bool = False
    sample: bool = False


@dataclass(frozen=True, slots=True)
class Amount:
    """So much, in minor units (paisa)."""

    minor: int


@dataclass(frozen=True, slots=True)
class PerUnit:
    """So much in minor units for each of what the field counts, after the first `free` ones."""

    minor: int
    of: str
    free: int = 0


@dataclass(frozen=True, slots=True)
class Percent:
    """So many percent of the money in a field, rounded half up to the whole currency unit if `whole`, else paisa."""

    percent: Decimal
    of: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """A part of a scale, up to and with `up_to`; the last one has no end."""

    up_to: Decimal | None
    price: Amount | Percent


@dataclass(frozen=True, slots=True)
class Bands:
    """A price by the height of a number or money field, or by the days since the date in it."""

    by: str
    days_since: bool
    bands: tuple[Band, ...]


Price = Amount | PerUnit | Percent | Bands


@dataclass(frozen=True, slots=True)
class FeeRule:
    """One line of the fee, and when it is due."""

    id: str
    label: Text
    price: Price
    when: Condition | None = None
    sample: bool = False


@dataclass(frozen=True, slots=True)
class ExemptionRule:
    """A reason for which fee lines may be waived; a second person approves it. `covers` names the lines."""

    id: str
    label: Text
    covers: tuple[str, ...]
    when: Condition | None = None
    sample: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What is done with an application, by whom. The last step of an officer is the approval.

    Args:
        office: whose answer is waited for, where `by` is "outside"; one of `OFFICES`.
        clock_runs: whether the promised days run meanwhile.
    """

    id: str
    label: Text
    by: By
    officer_title: Text | None = None
    office: str | None = None
    clock_runs: bool = True
    when: Condition | None = None
    sample: bool = False


@dataclass(frozen=True, slots=True)
class DaysRule:
    """What is promised where the condition holds; the first that holds counts."""

    days: Days
    when: Condition | None = None
    sample: bool = False


@dataclass(frozen=True, slots=True)
class Validity:
    """How long a certificate is good, where the condition holds.

    So many months, or until the date in the field `until`; without end if neither is given.
    """

    months: int | None = None
    until: str | None = None
    when: Condition | None = None
    sample: bool = False


ACCENTS: Final = ("green", "blue", "slate", "indigo", "amber", "maroon", "brown", "teal", "steel")
ORNAMENTS: Final = ("star", "rosette")


@dataclass(frozen=True)
class Design:
    """How the page of a certificate looks.

    Args:
        accent: the colour of its frame and headings.
        ornament: around the emblem.
        signed: whether the holder's signature is shown.
        statement: the sentence over the holder's name; empty for the usual one.
        attested: what the officer did; empty for “Attested by”.
        large: fields that stand in boxes. columns: fields that stand beside each other, as a table.
        headings: over a field, where a part of the page begins.
        labels: what a field is called on the page, where the form asks in other words.
    """

    accent: str = "green"
    ornament: str = "star"
    signed: bool = True
    statement: Text = NO_TEXT
    attested: Text = NO_TEXT
    large: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    headings: Mapping[str, Text] = field(default_factory=dict)
    labels: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CertificateRule:
    """What is issued: whom it is about, the fields it shows in order, its languages, how long it is valid.

    `photo` names the paper that is printed as the holder's photograph. `copies` names papers of others, of which it is
    an attested copy: the scan of the one that is asked for follows on further pages, its hash stands in the record.
    """

    title: Text
    holder: str
    shows: tuple[str, ...]
    languages: tuple[str, ...]
    valid: tuple[Validity, ...] = (Validity(),)
    photo: str | None = None
    copies: tuple[str, ...] = ()
    sample: bool = False
    design: Design = Design()


@dataclass(frozen=True, slots=True)
class AppealRule:
    """To whom a rejected applicant may turn, and within how many calendar days."""

    to: Text
    within_days: int
    sample: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a centre.

    Args:
        digest: SHA-256 of its file, in hexadecimal.
        currency: ISO 4217.
        pages: the headings of the form's pages, in order.
        samples: paths of values that are "sample, confirm locally", such as `fees.form`.
        source: its file, as it was read.
    """

    id: str
    digest: str
    title: Text
    department: Text
    state: str
    country: str
    currency: str
    roles: tuple[RoleRule, ...]
    pages: Mapping[str, Text]
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...]
    papers: tuple[PaperRule, ...]
    fees: tuple[FeeRule, ...]
    exemptions: tuple[ExemptionRule, ...]
    steps: tuple[Step, ...]
    days: tuple[DaysRule, ...]
    certificate: CertificateRule | None
    appeal: AppealRule | None
    samples: tuple[str, ...] = ()
    source: bytes = field(default=b"", repr=False, compare=False)

    def field(self, wanted: str) -> Field:
        """The field of that id.

        Raises:
            OperatorError: there is none.
        """
        for each in self.fields:
            if each.id == wanted:
                return each
        raise OperatorError(f"The service {self.id} has no field “{wanted}”.", "Look at its fields in the catalogue.")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The services of a centre, sorted by their English title."""

    services: Mapping[str, Service] = field(default_factory=dict)

    def service(self, wanted: str) -> Service:
        """The service of that id.

        Raises:
            OperatorError: there is none.
        """
        found = self.services.get(wanted)
        if found is None:
            raise OperatorError(
                f"There is no service “{wanted}” in the catalogue of this centre.",
                "Choose one of: " + ", ".join(self.services) + "." if self.services else "Add a service file first.",
            )
        return found


class BadService(OperatorError):
    """A service file is refused.

    Args:
        file: its path.
        line: where, counted from 1.
        sentence: what is wrong with it.
        next_step: what to write instead.
    """

    def __init__(self, file: str, line: int, sentence: str, next_step: str) -> None:
        super().__init__(f"{file}, line {line}: {sentence}", next_step)
        self.file = file
        self.line = line
