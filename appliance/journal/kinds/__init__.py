"""The kinds of entry and their typed bodies, by what they are about; `base` says how a body is made, and its limits."""

from appliance.journal.kinds.base import (
    KINDS,
    MAX_FIELDS,
    MAX_LINE,
    MAX_REMARK,
    Body,
    BodyBytes,
    Count,
    Fields,
    Hex32,
    Id,
    Instant,
    Line,
    Remark,
    RoleName,
    decode_body,
    encode_body,
    is_line,
    is_remark,
    kind,
)
from appliance.journal.kinds.cases import (
    ApplicationApproved,
    ApplicationRejected,
    ApplicationResubmitted,
    ApplicationReturned,
    ApplicationSubmitted,
    PaperAdded,
)
from appliance.journal.kinds.node import (
    JournalOpened,
    NodeStarted,
    OrdersApplied,
    Predecessor,
    SubjectErased,
)
from appliance.journal.kinds.operators import (
    OperatorAdded,
    OperatorChanged,
    OperatorPasswordSet,
    OperatorUnlocked,
    SessionClosed,
    SessionOpened,
    SessionRefused,
)
from appliance.journal.kinds.orders import (
    NumbersLeased,
    OrdersOpened,
)
from appliance.journal.kinds.people import (
    MAX_CHANGES_OF_A_PERSON,
    PersonAdded,
    PersonCorrected,
    PersonLinked,
    PersonMerged,
    PersonUnlinked,
    PersonUnmerged,
    PersonVerified,
)
