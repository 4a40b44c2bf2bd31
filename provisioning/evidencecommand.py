"""`sanad journal proof --certificate`: all that a certificate rests on, in one file."""

from __future__ import annotations

from pathlib import Path

from appliance.casework.evidence import Evidence, make_evidence
from appliance.certificates.evidence import START
from provisioning import outfile, terminal
from provisioning.opening import node_store


def write_evidence(number: str, file: Path, *, home: Path, force: bool, as_json: bool) -> None:
    """Write the evidence bundle of a certificate; an older bundle of that name is replaced when this one is whole.

    Raises:
        OperatorError: there is no such certificate, or the file cannot or must not be written.
        IntegrityError: what lies here is not what was issued.
    """
    outfile.refuse_unfit(file, homes=(home,), magic=START, force=force)
    with node_store(home) as store, terminal.progress("Gathering"):
        made = make_evidence(store, number)
    with outfile.written(file, homes=(home,), magic=START, force=force) as out:
        out(made.content)
    values = {
        "file": str(file),
        "number": made.number,
        "entries": made.entries,
        "countersigned": made.countersigned,
        "not_countersigned_yet": made.later,
        "raised": made.raised,
    }
    for remark in _remarks(made):
        terminal.note(remark)
    said = f"The evidence of certificate {made.number} is in {file}: {made.entries} entries, and the file itself."
    if outfile.is_stdout(file):
        terminal.note(said)
    else:
        terminal.answer(values, said, as_json=as_json)


def _remarks(made: Evidence) -> list[str]:
    remarks = ["It holds personal data: give it only to whom the case concerns."]
    if not made.countersigned:
        remarks.append("Central has not countersigned the issue yet, so this rests on this node's word: sync first.")
    elif made.later:
        remarks.append(f"{made.later} later entries about it are not countersigned yet and not in it: sync first.")
    return remarks
