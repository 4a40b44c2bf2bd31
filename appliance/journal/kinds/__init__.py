"""The kinds of entry and their typed bodies, by what they are about; `base` says how a body is made, and its limits."""

from appliance.journal.kinds.attestations import (
    MAX_FACTS,
    AttestationMade,
    AttestationWithdrawn,
)
from appliance.journal.kinds.base import (
    KINDS,
    MAX_FIELDS,
    MAX_LINE,
    MAX_REMARK,
    Body,
    BodyBytes,
    Count,
    Day,
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
    MAX_IN_A_ROLE,
    MAX_ITEMS,
    MAX_LEANS,
    MAX_ROLES,
    ApplicationAmended,
    ApplicationAnswered,
    ApplicationAppealDecided,
    ApplicationAppealed,
    ApplicationApproved,
    ApplicationDelivered,
    ApplicationDiscarded,
    ApplicationDrafted,
    ApplicationIssued,
    ApplicationRejected,
    ApplicationResubmitted,
    ApplicationReturned,
    ApplicationReviewStarted,
    ApplicationStepDone,
    ApplicationSubmitted,
    ApplicationWaiting,
    ApplicationWithdrawn,
    Outcome,
    PaperAdded,
)
from appliance.journal.kinds.certificates import (
    CertificateCorrected,
    CertificateCorrectionAsked,
    CertificateCorrectionRefused,
    CertificateRevocationAsked,
    CertificateRevocationRefused,
    CertificateRevoked,
    RevocationReason,
)
from appliance.journal.kinds.desk import (
    ComplaintAnswered,
    ComplaintMade,
    SlipsReserved,
    SlipsUsed,
)
from appliance.journal.kinds.money import (
    MAX_FACES,
    MAX_LINES,
    Currency,
    ExemptionApproved,
    ExemptionAsked,
    ExemptionRefused,
    NoteCount,
    PaymentLine,
    PaymentMode,
    PaymentRefunded,
    PaymentTaken,
    PaymentVoided,
    ShiftClosed,
    ShiftCounted,
    ShiftOpened,
    ShiftResumed,
    ShiftTakenOver,
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
from appliance.journal.kinds.printing import (
    PaperKind,
    PrintConfirmed,
    PrintFailed,
    PrintIntended,
    PrintUnknown,
    SignatureTaken,
)
from appliance.journal.kinds.tokens import (
    TokenCalled,
    TokenIssued,
    TokenNoShow,
    TokenServed,
    TokenSkipped,
)
