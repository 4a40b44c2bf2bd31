"""Central's pages, judged by axe-core (WCAG 2.2 A and AA, and its best practices) in a real Chromium: nothing is found.

Every kind of page in light and dark, at 1280 and at 390 pixels. `provisioning/setup.sh test` fetches axe-core.
Set SANAD_PICTURES to a folder to keep pictures of what was seen.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, sync_playwright

from appliance.records import tables
from appliance.records.moment import at_text
from sync.agent import sync_once
from sync.central import tables as t
from sync.central.central import Central
from sync.refusals import Fork
from tests.support.centrals import CENTRE, EnrolledNode, enrol, served
from tests.support.fleets import Made, fill
from tests.support.nodes import real_clock

AXE = Path(__file__).parents[3] / ".assets" / "axe.min.js"
RUN = """() => axe.run(document, {
  resultTypes: ["violations"],
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}).then((found) => found.violations.map((each) => ({
  rule: each.id, impact: each.impact, where: each.nodes.map((node) => node.target.join(" ")).slice(0, 5),
})))"""
PICTURES = os.environ.get("SANAD_PICTURES", "")
SCHEMES = ("light", "dark")
WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium is not None, "provisioning/setup.sh test installs chromium"
    with sync_playwright() as playwright:
        # Tests run as root in containers, where Chromium cannot confine itself.
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with served(tmp_path_factory.mktemp("central") / "home") as made:
        yield made


@pytest.fixture(scope="module")
def made(central: Central) -> Made:
    """Nodes of all kinds, one in quarantine, and numbers that two papers bear."""
    filled = fill(central._archive_db, 140, real_clock(), seed=3)
    central.fleet.refused(filled.journals[7], Fork("The 812 entries of this node are not those that central holds."))
    case = {"journal": filled.journals[1], "other": filled.journals[2], "found_at": at_text(real_clock())}
    rest = {"settled_at": "", "settlement": "", "settled_by": ""}
    with central._archive_db.write() as tx:
        for number in range(22):
            tx.run(sa.insert(t.conflicts).values(number=f"PEW01-{number:06}-B", **case, **rest))
        for number, journal in enumerate((filled.journals[1], *[filled.journals[4]] * 22)):
            tx.run(sa.insert(t.node_cases).values(**node_case(journal, number)))
        tx.run(sa.update(t.sightings).where(t.sightings.c.journal == filled.journals[5]).values(fold_error=STOPPED))
    with central._index_db.write() as tx:
        for number in range(25):
            tx.run(sa.insert(tables.set_aside).values(**set_aside(filled.journals[6], number)))
    central.fleet.forget_picture()
    return filled


STOPPED = "stopped before entry 4012 (slips.reserved): KeyError"


def node_case(journal: str, number: int) -> dict[str, str]:
    """A decision that a node could not carry out."""
    application = f"PEW01-2026-{number:06}-X"
    return {
        "journal": journal,
        "conflict": "abcdefghij234567klmnopqrs" + "abcdefghijklmnopqrstuvwxyz"[number],
        "what": "decision",
        "about": "",
        "sentence": f"Application {application}: the decision to return it, by Deputy Commissioner, could not be "
        "carried out. It was withdrawn by the citizen.",
        "found_at": at_text(real_clock()),
        "settled_at": "",
        "settlement": "",
        "settled_by": "",
    }


def set_aside(journal: str, number: int) -> dict[str, object]:
    """What central's software could not fold."""
    log = journal if number else f"{journal}.orders"
    kind = "certificate.correction_requested" if number else "setting.ordered"
    return {
        "journal": journal,
        "log": log,
        "seq": 1_204_811 + number,
        "about": f"subject-{number}",
        "kind": kind,
        "error": "BugError",
    }


@pytest.fixture(scope="module")
def node(central: Central, made: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnrolledNode]:
    enrolled = enrol(tmp_path_factory.mktemp("node") / "home", central.invite(*CENTRE))
    enrolled.commit(40)
    sync_once(enrolled.store, enrolled.address, now_s=lambda: int(real_clock().timestamp()))
    yield enrolled
    enrolled.store.close()


@pytest.fixture(params=list(product(SCHEMES, WIDTHS)), ids=lambda pair: f"{pair[0]}-{pair[1]}")
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    scheme, width = request.param
    # Central's policy lets no page run a script that is not its own; axe is not.
    with browser.new_context(
        ignore_https_errors=True, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True
    ) as context:
        yield context.new_page()


def judged(page: Page, name: str) -> list[dict[str, Any]]:
    """What axe finds on the page, and whether it can be used at this width."""
    page.add_script_tag(path=AXE)
    found: list[dict[str, Any]] = page.evaluate(RUN)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append({"rule": "the page scrolls sideways"})
    if PICTURES:
        scheme = "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
        width = page.evaluate("innerWidth")
        page.screenshot(path=Path(PICTURES) / f"{name}-{scheme}-{width}.png", full_page=width < 1000)
    return found


def sign_in(page: Page, central: Central) -> None:
    page.goto(central.url + "/signin")
    page.get_by_label("Name").fill("bilal")
    page.get_by_label("Password").fill(central.viewers.add("bilal"))
    page.keyboard.press("Enter")
    page.wait_for_url(central.url + "/fleet")


def test_axe_itself_finds_what_is_wrong(browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.set_content("<html><body><img src='x'><input></body></html>")
        rules = {each["rule"] for each in judged(page, "wrong")}
    assert {"image-alt", "label", "html-has-lang", "document-title"} <= rules


def test_nothing_is_found_on_the_sign_in_and_where_it_fails(page: Page, central: Central) -> None:
    page.goto(central.url + "/signin")
    assert judged(page, "signin") == []
    page.get_by_label("Name").fill("nobody")
    page.get_by_label("Password").fill("nothing at all")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert judged(page, "signin-refused") == []


def test_nothing_is_found_on_the_list_of_nodes_with_cases_for_people(
    page: Page, central: Central, node: EnrolledNode
) -> None:
    sign_in(page, central)
    assert page.get_by_role("heading", name="For people to settle").is_visible()
    assert page.get_by_role("heading", name="Left to people at the nodes").is_visible()
    assert judged(page, "fleet") == []
    page.goto(central.url + "/fleet?search=there-is-none")
    assert judged(page, "fleet-none") == []
    page.goto(central.url + f"/fleet?search={node.store.journal}")
    assert judged(page, "fleet-one") == []


def test_nothing_is_found_on_a_node_that_is_well_one_that_is_stopped_and_one_with_a_case(
    page: Page, central: Central, made: Made, node: EnrolledNode
) -> None:
    sign_in(page, central)
    named = {"well": node.store.journal} | {
        name: made.journals[place]
        for name, place in {"stopped": 7, "case": 1, "cases": 4, "fold-stopped": 5, "set-aside": 6}.items()
    }
    for name, journal in named.items():
        page.goto(f"{central.url}/fleet/nodes/{journal}")
        assert page.get_by_role("heading", name="How far it is").is_visible()
        assert judged(page, f"node-{name}") == []
        sections = {"case": "For people to settle", "cases": "For people to settle", "set-aside": "Set aside"}
        if name in sections:
            assert page.get_by_role("heading", name=sections[name]).is_visible()


def test_nothing_is_found_where_there_is_no_such_node(page: Page, central: Central, made: Made) -> None:
    sign_in(page, central)
    page.goto(f"{central.url}/fleet/nodes/{made.journals[0][::-1]}")
    assert judged(page, "nothing") == []
