"""Service files, loaded strictly: a file is good from end to end, or refused with its line and a remedy."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, cast

from appliance.catalogue import conditions as c
from appliance.catalogue import model as m
from appliance.catalogue.calendar import MAX_PROMISED_DAYS, Days
from appliance.catalogue.facts import FACTS
from appliance.catalogue.read_conditions import Scope, date_field, named_fields, read_when
from appliance.catalogue.read_design import read_design
from appliance.catalogue.read_fees import read_exemption, read_fee
from appliance.catalogue.read_fields import read_fields, read_pages, read_rule
from appliance.catalogue.reading import Table, closest, parse
from appliance.journal.errors import OperatorError

APPLICANT: Final = "applicant"
"""The role that every service has: who stands at the counter, or sends somebody."""
MAX_SERVICES: Final = 500
MAX_COPIES: Final = 20
MAX_MONTHS: Final = 1200
_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TOP: Final = (
    "country",
    "state",
    "title",
    "department",
    "days",
    "roles",
    "pages",
    "fields",
    "rules",
    "papers",
    "fees",
    "exemptions",
    "steps",
    "certificate",
    "appeal",
)
_BY: Final = ("operator", "officer", "outside")


def bundled() -> Path:
    """The folder of the services that come with Sanad."""
    return Path(__file__).parent / "services"


def load_catalogue(folders: Sequence[Path]) -> m.Catalogue:
    """All services of these folders; where two have the same id, the later folder wins.

    A folder that is not there counts as empty. Files whose name begins with a point are left alone.

    Raises:
        BadService: a file is refused.
        OperatorError: a file cannot be read, or there are too many.
    """
    services: dict[str, m.Service] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            if not path.name.startswith("."):
                service = load_service(path)
                services[service.id] = service
    if len(services) > MAX_SERVICES:
        raise OperatorError(f"There are more than {MAX_SERVICES} services.", "Take service files away.")
    return m.Catalogue(dict(sorted(services.items(), key=lambda each: (each[1].title.en, each[0]))))


def load_service(path: Path) -> m.Service:
    """One service from its file; its id is the file's name without `.toml`.

    Raises:
        BadService: the file is refused.
        OperatorError: it cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OperatorError(
            f"The service file {path} cannot be read: {error.strerror}.", "Look at its place and rights."
        ) from error
    return read_service(path.name, content)


def read_service(file: str, content: bytes) -> m.Service:
    """One service from the bytes of its file.

    Args:
        file: its name, `<id>.toml`.
        content: its bytes.

    Raises:
        BadService: it is refused.
    """
    wanted = file.removesuffix(".toml")
    if _ID.fullmatch(wanted) is None:
        raise m.BadService(
            file,
            1,
            "The file's name cannot be a service's id.",
            "Rename it: small letters a to z, digits and _, then .toml.",
        )
    top = parse(file, content)
    top.only(_TOP)
    country = top.one_of("country", m.CURRENCIES)
    title, department, state = top.text("title"), top.text("department"), top.words("state")
    roles = tuple(_role_label(table) for table in top.tables("roles"))
    if all(role.id != APPLICANT for role in roles):
        raise top.bad("roles", "The service names no applicant.", "Write [roles.applicant] with a label.")
    fields = top.table("fields", "[fields.name]")
    scope = Scope(
        every_field=tuple(fields.values),
        roles=tuple(role.id for role in roles),
        waiting={
            name: named_fields(value.get("when")) for name, value in fields.values.items() if isinstance(value, dict)
        },
    )
    pages = read_pages(top)
    read_fields(top, pages, scope)
    papers = tuple(_paper(table, scope) for table in top.tables("papers"))
    fees = tuple(read_fee(table, scope) for table in top.tables("fees"))
    return m.Service(
        id=wanted,
        digest=hashlib.sha256(content).hexdigest(),
        title=title,
        department=department,
        state=state,
        country=country,
        currency=m.CURRENCIES[country],
        roles=tuple(_role(table, role, scope) for table, role in zip(top.tables("roles"), roles, strict=True)),
        pages=pages,
        fields=tuple(scope.fields.values()),
        rules=tuple(read_rule(table, scope) for table in top.tables("rules")),
        papers=papers,
        fees=fees,
        exemptions=tuple(read_exemption(table, fees, scope) for table in top.tables("exemptions")),
        steps=_steps(top, scope),
        days=_days(top, scope),
        certificate=_certificate(top, scope, papers),
        appeal=_appeal(top),
        samples=tuple(_samples(top.values)),
        source=content,
    )


def _role_label(table: Table) -> m.RoleRule:
    if table.name not in m.ROLES:
        raise table.bad(None, f"“{table.name}” is no role.", closest(table.name, m.ROLES))
    return m.RoleRule(table.name, table.text("label"))


def _role(table: Table, role: m.RoleRule, scope: Scope) -> m.RoleRule:
    found = m.RoleRule(
        id=role.id,
        label=table.text("label"),
        required=table.flag("required", default=True),
        when=read_when(table, scope),
        many=table.flag("many", default=False),
        needs_authority=table.flag("needs_authority", default=False),
    )
    table.end()
    return found


def _paper(table: Table, scope: Scope) -> m.PaperRule:
    of = table.one_of("of", scope.roles)
    asked = {field.fact for field in scope.fields.values()}
    proves = table.list_of_words("proves", ())
    for number, fact in enumerate(proves):
        if fact not in FACTS and f"{of}.{fact}" not in asked:
            raise table.source.bad(
                (*table.place, "proves", number),
                f"No field asks for the fact “{of}.{fact}”, and it is none that services share.",
                closest(fact, sorted(FACTS)),
            )
    kind = table.words("kind")
    if _ID.fullmatch(kind) is None:
        raise table.bad("kind", f"“{kind}” cannot be a kind of paper.", 'Write it like kind = "matric_certificate".')
    paper = m.PaperRule(
        id=table.name,
        kind=kind,
        label=table.text("label"),
        of=of,
        required=table.flag("required", default=True),
        when=read_when(table, scope),
        proves=proves,
        copies=table.whole("copies", 1, MAX_COPIES, 1),
        original_seen=table.flag("original_seen", default=True),
        each_time=table.flag("each_time", default=False),
        sample=table.flag("sample", default=False),
    )
    table.end()
    return paper


def _steps(top: Table, scope: Scope) -> tuple[m.Step, ...]:
    steps = tuple(_step(table, scope) for table in top.tables("steps"))
    approvals = [step for step in steps if step.by == "officer"]
    if not approvals:
        raise top.bad("steps", "No officer approves.", 'Write a [steps.approve] with by = "officer" and officer_title.')
    conditions = [step.when for step in approvals]
    if None not in conditions and not any(c.Not(when) in conditions for when in conditions if when is not None):
        raise top.source.bad(
            ("steps", approvals[-1].id, "when"),
            "Some applications would reach no officer: each officer's step has a condition.",
            "Take one condition away, or give two steps the same condition, the one within not = { … }.",
        )
    return steps


def _step(table: Table, scope: Scope) -> m.Step:
    by = table.one_of("by", _BY)
    title = table.text("officer_title") if by == "officer" else None
    if by != "officer" and table.has("officer_title"):
        raise table.bad("officer_title", f"This step is done by: {by}.", 'Write by = "officer", or take the line away.')
    office = table.one_of("office", m.OFFICES) if by == "outside" else None
    for key in ("office", "clock_runs"):
        if by != "outside" and table.has(key):
            raise table.bad(key, f"“{key}” is for steps outside; this one is done by: {by}.", 'Write by = "outside".')
    step = m.Step(
        id=table.name,
        label=table.text("label"),
        by=cast("m.By", by),
        officer_title=title,
        office=office,
        clock_runs=table.flag("clock_runs", default=True),
        when=read_when(table, scope),
        sample=table.flag("sample", default=False),
    )
    table.end()
    return step


def _days(top: Table, scope: Scope) -> tuple[m.DaysRule, ...]:
    rules: list[m.DaysRule] = []
    for item in top.items("days", "days = { count = 10 }"):
        _after_the_last(item, bool(rules) and rules[-1].when is None)
        days = Days(item.whole("count", 0, MAX_PROMISED_DAYS), item.flag("working", default=True))
        rules.append(m.DaysRule(days, read_when(item, scope), item.flag("sample", default=False)))
        item.end()
    if rules[-1].when is not None:
        raise top.bad("days", "Nothing is promised where no condition holds.", "End the list with { count = 10 }.")
    return tuple(rules)


def _after_the_last(item: Table, closed: bool) -> None:
    if closed:
        raise item.bad(None, "This is never reached: the one before it has no condition.", "Put it further up.")


def _certificate(top: Table, scope: Scope, papers: Sequence[m.PaperRule]) -> m.CertificateRule | None:
    if not top.has("certificate"):
        return None
    table = top.table("certificate", "[certificate]")
    title = table.text("title")
    shows = _known(table, "shows", tuple(scope.fields), "field")
    languages = _known(table, "languages", tuple(m.LANGUAGES), "language")
    for number, each in enumerate(languages):
        lacking = [name for name in shows if not scope.fields[name].label.has(each)]
        if lacking or not title.has(each):
            raise table.source.bad(
                (*table.place, "languages", number),
                f"The certificate's {'title' if not lacking else f'field “{lacking[0]}”'} has no {m.LANGUAGES[each]}.",
                f"Write {each} = “…” (or {each}_unchecked) there, or leave {each} away here.",
            )
    photo = table.one_of("photo", [paper.id for paper in papers]) if table.has("photo") else None
    certificate = m.CertificateRule(
        title=title,
        holder=table.one_of("holder", scope.roles),
        shows=shows,
        languages=languages,
        valid=_validity(table, scope),
        photo=photo,
        copies=_known(table, "copy_of", tuple(paper.id for paper in papers), "paper") if table.has("copy_of") else (),
        sample=table.flag("sample", default=False),
        design=read_design(table, shows, languages),
    )
    table.end()
    return certificate


def _known(table: Table, key: str, known: Sequence[str], what: str) -> tuple[str, ...]:
    found = table.list_of_words(key)
    for number, each in enumerate(found):
        if each not in known:
            raise table.source.bad((*table.place, key, number), f"There is no {what} “{each}”.", closest(each, known))
    return found


def _validity(table: Table, scope: Scope) -> tuple[m.Validity, ...]:
    if not table.has("valid"):
        return (m.Validity(),)
    rules: list[m.Validity] = []
    for item in table.items("valid", "valid = { months = 60 }"):
        _after_the_last(item, bool(rules) and rules[-1].when is None)
        months = item.whole("months", 1, MAX_MONTHS) if item.has("months") else None
        until = date_field(item, "until", scope) if item.has("until") else None
        if months is not None and until is not None:
            raise item.bad("until", "It ends in two ways.", "Keep one of: months, until.")
        rules.append(m.Validity(months, until, read_when(item, scope), item.flag("sample", default=False)))
        item.end()
    if rules[-1].when is not None:
        raise table.bad("valid", "It is not said how long it is valid else.", "End the list with { months = 60 }.")
    return tuple(rules)


def _appeal(top: Table) -> m.AppealRule | None:
    if not top.has("appeal"):
        return None
    table = top.table("appeal", "[appeal]")
    appeal = m.AppealRule(
        table.text("to"), table.whole("within_days", 1, MAX_PROMISED_DAYS), table.flag("sample", default=False)
    )
    table.end()
    return appeal


def _samples(values: object, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The paths of the tables that say `sample = true`; list items are named after their list, once."""
    if not isinstance(values, dict):
        return
    if values.get("sample") is True:
        yield ".".join(path)
    for key, value in values.items():
        inner = value if isinstance(value, list) else [value]
        found = {each: None for item in inner for each in _samples(item, (*path, key))}
        yield from found
