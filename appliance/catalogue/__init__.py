"""The catalogue: what a service asks, needs, costs, promises and issues. A service is one TOML file, never code.

`model` holds the types, `load` reads files strictly, the rest are pure functions over a service and its answers. They
import only `appliance.journal` (for the error families) of ours, and touch no clock, database or network; only `load`
reads files.
"""

from appliance.catalogue.answers import given_answers, normalise_answers, shown_fields
from appliance.catalogue.calendar import Calendar, Days, due_date, working_days_between
from appliance.catalogue.checks import Finding, check_answers
from appliance.catalogue.fees import Exemption, Fee, FeeLine, reckon_fee, waive
from appliance.catalogue.load import bundled, load_catalogue, load_service, read_service
from appliance.catalogue.model import (
    AppealRule,
    BadService,
    Catalogue,
    CertificateRule,
    Design,
    Field,
    PaperRule,
    RoleRule,
    Service,
    Step,
    Text,
)
from appliance.catalogue.needs import expires_on, needed_papers, needed_roles, promised_days, steps_for

__all__ = [
    "AppealRule",
    "BadService",
    "Calendar",
    "Catalogue",
    "CertificateRule",
    "Days",
    "Design",
    "Exemption",
    "Fee",
    "FeeLine",
    "Field",
    "Finding",
    "PaperRule",
    "RoleRule",
    "Service",
    "Step",
    "Text",
    "bundled",
    "check_answers",
    "due_date",
    "expires_on",
    "given_answers",
    "load_catalogue",
    "load_service",
    "needed_papers",
    "needed_roles",
    "normalise_answers",
    "promised_days",
    "read_service",
    "reckon_fee",
    "shown_fields",
    "steps_for",
    "waive",
    "working_days_between",
]
