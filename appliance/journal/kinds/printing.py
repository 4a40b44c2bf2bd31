"""What was put on paper, and what citizens signed on a pad.

A print is an intent before the printer is asked, and an outcome after. After a power cut in between, the intent stands
alone: an operator looks at the paper and says what became of it. Nothing is printed again silently.
"""

from __future__ import annotations

from typing import Literal

from appliance.journal.kinds.base import Body, Count, Hex32, Id, Line, Remark, kind

PaperKind = Literal["receipt", "certificate", "token", "statement", "slip"]


@kind("print.intended")
class PrintIntended(Body, frozen=True, kw_only=True):
    """A printer is about to be asked for the `copy`th time, from 1; `of` is the payment, application or token."""

    what: PaperKind
    of: Id
    number: Line
    printer: Line
    copy: Count
    reason: Remark = ""
    simulated: bool = False


@kind("print.confirmed")
class PrintConfirmed(Body, frozen=True, kw_only=True):
    """It is on paper: the printer said so after the last byte, or an operator who looked."""

    said_by: Literal["printer", "operator"]


@kind("print.unknown")
class PrintUnknown(Body, frozen=True, kw_only=True):
    """All was sent, and the printer cannot say what became of it."""

    detail: Remark


@kind("print.failed")
class PrintFailed(Body, frozen=True, kw_only=True):
    """It is not on paper, or not whole: by the printer's word, or an operator's who looked."""

    end: Literal["incomplete", "not started"]
    detail: Remark
    said_by: Literal["printer", "operator"] = "printer"


@kind("signature.taken")
class SignatureTaken(Body, frozen=True, kw_only=True):
    """A citizen signed on a pad; the sealed strokes are the entry's one blob.

    `document_sha256` is of what the pad showed, `binding` of that and the strokes. `signed_by` is the citizen.
    """

    signature: Id
    signed_by: Id
    purpose: Line
    document_sha256: Hex32
    binding: Hex32
    pad: Line
    simulated: bool = False
