"""Figures of verdicts: on the text of a code, on a file as the counter sealed it, and on one with a timestamp."""

from __future__ import annotations

import statistics
from datetime import timedelta
from typing import Final

from appliance.certificates.verdict import Knowledge, Verdict, Word, judge
from tests.bench.figures import Figure, timed_ms
from tests.support.certificates import domicile, photograph, signature
from tests.support.forgery import central, code_of, sign_page
from tests.support.sealing_centre import NOW
from tests.support.trusting import listed, lists

ROUNDS: Final = 60
CODE_HOLDS_MS: Final = 20
FILE_HOLDS_MS: Final = 150
LATER: Final = NOW + timedelta(days=2)


def verdicts() -> list[Figure]:
    """Each in a process that judged before, by lists that name the signer."""
    from appliance.certificates.render import render_certificate

    ours, photo = central("bench"), photograph()
    said = domicile(photo)
    code = code_of(said, ours.signer)
    page = render_certificate(said, photo=photo, signature_png=signature(), qr_text=code)
    sealed = sign_page(page, ours.signer)
    knowledge = Knowledge(lists=lists(ours.authority_der, [listed(ours.signer.certificate)], at=LATER))
    size = f"{len(sealed) // 1024} KB, English and Urdu, a photograph"
    return [
        _figure("offline verdict on a code's text", code.encode(), knowledge, CODE_HOLDS_MS, f"{len(code)} characters"),
        _figure("offline verdict on a PDF", sealed, knowledge, FILE_HOLDS_MS, size),
        _figure("offline verdict on a PDF with a timestamp", ours.raised(sealed), knowledge, FILE_HOLDS_MS, size),
    ]


def _figure(name: str, content: bytes, knowledge: Knowledge, holds_ms: int, what: str) -> Figure:
    found: list[Verdict] = []
    times = [timed_ms(lambda: found.append(judge(content, now=LATER, knowledge=knowledge))) for _ in range(ROUNDS)]
    if any(each.verdict is not Word.VALID for each in found):
        raise RuntimeError(f"{name}: {found[0].reasons}")
    median, p95 = statistics.median(times), sorted(times)[int(ROUNDS * 0.95)]
    conditions = f"{what}; a warm process, median of {ROUNDS}, p95 {p95:.1f} ms"
    return Figure(name, median, "ms", None, None, None, f"≤ {holds_ms} ms", median <= holds_ms, conditions)
