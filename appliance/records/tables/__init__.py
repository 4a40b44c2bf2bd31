"""The folded tables, by what they are about; `base` holds the log's own, and says what a table may be."""

from appliance.records.tables.attestations import attestations
from appliance.records.tables.backups import backups, freed
from appliance.records.tables.base import (
    ABOUT_SOMEBODY,
    ALONGSIDE,
    FOLDED,
    FOLDED_PREFIX,
    LOG,
    OF_A_SUBJECT,
    drafts,
    entries,
    heads,
    local,
    secrets,
    stamps,
    where_key,
)
from appliance.records.tables.cases import applications, leans, objections, papers, roles, steps_done, waits
from appliance.records.tables.certificates import certificate_requests, certificates
from appliance.records.tables.desk import complaints, slip_blocks, slips
from appliance.records.tables.money import exemptions, payments, refunds, shifts
from appliance.records.tables.node import (
    blobs,
    centres,
    erased,
    number_blocks,
    orders_state,
    set_aside,
    tallies,
    timeline,
    unreadable,
)
from appliance.records.tables.officers import officer_keys
from appliance.records.tables.operators import operators, sessions
from appliance.records.tables.orders import (
    conflicts,
    decisions,
    given_orders,
    ordered_lists,
    ordered_settings,
    quarantines,
    service_files,
    services,
)
from appliance.records.tables.people import IS_MERGED, links, people, verifications
from appliance.records.tables.printing import prints, signatures
from appliance.records.tables.search import PREFIXES, SEQ_BITS, WORDS, searchable, searched
from appliance.records.tables.tokens import tokens
