"""Figures of central's pages: the list of 5,000 nodes over HTTPS, made anew for every request; and the metrics."""

from __future__ import annotations

import os
import statistics
from pathlib import Path
from typing import Final

from sync.central.central import Central
from tests.bench.figures import Figure, timed_ms
from tests.support.browsing import Visitor
from tests.support.centrals import served
from tests.support.fleets import fill
from tests.support.nodes import real_clock

NODES: Final = int(os.environ.get("SANAD_BENCH_NODES", "5000"))
REQUESTS: Final = 100
SCRAPES: Final = 10
HOLD_MS: Final = 300.0
_QUERIES: Final = ("", "?show=trouble", "?sort=lag&page=7", "?search=Swat", "?sort=seen", "?page=50")


def pages(folder: Path) -> list[Figure]:
    """Times of a page and of the metrics, with that many nodes."""
    with served(folder / "fleet-central") as central:
        fill(central._archive_db, NODES, real_clock())
        visitor = Visitor(central)
        visitor.session.headers["connection"] = "keep-alive"
        visitor.sign_in()
        paths = [f"/fleet{_QUERIES[place % len(_QUERIES)]}" for place in range(REQUESTS)]
        page_ms = sorted(_anew_ms(central, visitor, path) for path in paths)
        scrape_ms = statistics.median(_anew_ms(central, visitor, "/metrics") for _ in range(SCRAPES))
        visitor.session.close()
    p95 = page_ms[int(len(page_ms) * 0.95) - 1]
    told = f"{NODES} nodes, 100 a page, HTTPS on loopback, signed in, no picture kept between requests"
    return [
        Figure("fleet page, p95", p95, "ms", None, None, None, f"<= {HOLD_MS:.0f} ms", p95 <= HOLD_MS, told),
        Figure("fleet page, median", statistics.median(page_ms), "ms", None, None, None, None, None, told),
        Figure("metrics of all nodes", scrape_ms, "ms", None, None, None, None, None, told),
    ]


def _anew_ms(central: Central, visitor: Visitor, path: str) -> float:
    central.fleet.forget_picture()

    def ask() -> None:
        answer = visitor.get(path)
        if answer.status_code != 200:
            raise RuntimeError(path)

    return timed_ms(ask)
