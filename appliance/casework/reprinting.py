"""Putting a certificate on paper: the first copy as it was signed, every other one marked as a duplicate, for a reason.

The signed file never changes; see `appliance.certificates.duplicate` for what the other copies are made of. What was
superseded or revoked is printed no more, nor what somebody says is wrong.
"""

from __future__ import annotations

from collections.abc import Callable

from appliance.access.session import Role, Session
from appliance.casework.cases import find_case
from appliance.casework.centre import Centre
from appliance.casework.certificates import Certificate, certificate_file, see_unquestioned, see_valid
from appliance.casework.lifecycle import Status
from appliance.casework.printing import Job, Outcome, PrintState, print_once
from appliance.certificates.duplicate import render_duplicate
from appliance.journal.errors import OperatorError, SanadError
from appliance.store.store import Moment


def print_certificate(
    centre: Centre,
    session: Session,
    certificate: Certificate,
    send: Callable[[bytes, int], Outcome],
    *,
    printer: str,
    simulated: bool = False,
    reason: str = "",
) -> Outcome:
    """Print a certificate, once as it is; again with a reason, marked as a duplicate with the number of the copy.

    What was handed over is printed again by an officer or supervisor: at the counter alone, nobody makes papers.

    Args:
        centre: where.
        session: who.
        certificate: which.
        send: asks the printer for this PDF, told which copy it is, and never raises for a printer.
        printer: its name.
        simulated: whether there is none.
        reason: why it is printed again.

    Raises:
        PrintOpen: somebody must look first what became of an earlier print. AlreadyPrinted: a reason is needed.
        NotValid: it was superseded or revoked, or somebody asked for that.
        OperatorError: it was handed over, and an operator would print it again; or the session may not print.
        IntegrityError, BlobMissing: the sealed file is not there, or not the one that was issued; nothing was printed.
    """
    store = centre.store
    job = Job("certificate", certificate.application, certificate.number, printer, simulated)
    signed = certificate_file(store, certificate)

    def see(moment: Moment) -> None:
        see_valid(moment.tx, store.journal, certificate.application, certificate.number)
        see_unquestioned(moment.tx, store.journal, certificate.application, certificate.number)
        case = find_case(moment.tx, store.journal, certificate.application)
        if case.status is Status.DELIVERED and session.role is Role.OPERATOR:
            raise OperatorError(
                f"The certificate {certificate.number} was handed over.",
                "An officer or supervisor prints a duplicate of it.",
            )

    def sent(copy: int) -> Outcome:
        try:
            paper = certificate_paper(centre, certificate, signed, copy)
        except SanadError as error:
            return Outcome(PrintState.NOT_STARTED, error.sentence, error.next_step)
        return send(paper, copy)

    return print_once(store, session, job, sent, reason, see=see)


def certificate_paper(centre: Centre, certificate: Certificate, signed: bytes, copy: int) -> bytes:
    """What goes to the printer: the signed file, or from the second copy on its pages with the mark."""
    if copy == 1:
        return signed
    return render_duplicate(signed, number=certificate.number, copy=copy, on=centre.today(), centre=centre.rules.code)
