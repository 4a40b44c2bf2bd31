"""Central's pages in a real Chromium, with scripts and without: what people see, by keyboard and by eye.

Set SANAD_PICTURES to a folder to keep pictures of what was seen; those in docs/pictures were made so.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from sync.agent import sync_once
from sync.central.central import Central
from sync.refusals import Fork
from tests.support.centrals import CENTRE, EnrolledNode, enrol, served
from tests.support.fleets import fill
from tests.support.nodes import real_clock

PICTURES = os.environ.get("SANAD_PICTURES", "")
CHROMIUM = shutil.which("chromium")
CHECKS = Path(__file__).with_name("accessible.js").read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM is not None, "provisioning/setup.sh test installs chromium"
    with sync_playwright() as playwright:
        # Tests run as root in containers, where Chromium cannot confine itself.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with served(tmp_path_factory.mktemp("central") / "home") as made:
        filled = fill(made._archive_db, 140, real_clock(), seed=3)
        made.fleet.refused(filled.journals[7], Fork("The 812 entries of this node are not those that central holds."))
        yield made


@pytest.fixture(scope="module")
def node(central: Central, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnrolledNode]:
    made = enrol(tmp_path_factory.mktemp("node") / "home", central.invite(*CENTRE))
    made.commit(40)
    sync_once(made.store, made.address, now_s=lambda: int(real_clock().timestamp()))
    yield made
    made.store.close()


class Watched:
    """A page, and what its browser complained of."""

    def __init__(self, context: BrowserContext, central: Central) -> None:
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.url = central.url

    def sign_in(self, central: Central) -> None:
        self.page.goto(self.url + "/")
        assert self.page.url == self.url + "/signin"
        self.page.get_by_label("Name").fill("bilal")
        self.page.get_by_label("Password").fill(central.viewers.add("bilal"))
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(self.url + "/fleet")

    def keep(self, name: str) -> None:
        if PICTURES:
            self.page.screenshot(path=Path(PICTURES) / f"{name}.png")


@pytest.fixture
def watched(browser: Browser, central: Central) -> Iterator[Watched]:
    # The authority is the test's own; what is tested is what stands on the pages.
    with browser.new_context(ignore_https_errors=True, viewport={"width": 1440, "height": 900}) as context:
        yield Watched(context, central)


def test_somebody_signs_in_sees_the_nodes_and_one_of_them(
    watched: Watched, central: Central, node: EnrolledNode
) -> None:
    page = watched.page
    watched.sign_in(central)
    assert page.get_by_role("heading", name="Nodes").is_visible()
    assert page.locator("tbody tr").count() == 100
    assert page.locator("tbody tr").first.get_attribute("class") == "alarm"
    watched.keep("fleet")
    page.get_by_label("Centre or journal").fill(CENTRE[0])
    page.get_by_role("button", name="Show").click()
    row = page.locator("tbody tr")
    assert row.count() == 1
    assert "All is well" in row.inner_text()
    page.get_by_role("link", name=CENTRE[0]).click()
    assert page.get_by_role("heading", level=1).inner_text().startswith(CENTRE[0])
    assert node.store.journal in page.inner_text("main")
    watched.keep("fleet-node-well")
    assert watched.complaints == []


def test_the_list_changes_by_itself(watched: Watched, central: Central, node: EnrolledNode) -> None:
    watched.sign_in(central)
    page = watched.page
    page.goto(f"{watched.url}/fleet?search={node.store.journal}")
    page.clock.install()
    page.reload()
    assert page.locator("tr.alarm").count() == 0
    central.fleet.stop(node.store.journal, "A test of what is seen.", "tester")
    page.clock.run_for(6000)
    page.wait_for_selector("tr.alarm")
    page.goto(f"{watched.url}/fleet/nodes/{node.store.journal}")
    watched.keep("fleet-node")
    central.fleet.lift(node.store.journal, "It was one.", "tester")
    assert watched.complaints == []


def test_the_pages_work_without_scripts(browser: Browser, central: Central, node: EnrolledNode) -> None:
    with browser.new_context(ignore_https_errors=True, java_script_enabled=False) as context:
        watched = Watched(context, central)
        watched.sign_in(central)
        page = watched.page
        page.get_by_label("Show", exact=True).select_option("trouble")
        page.get_by_role("button", name="Show").click()
        assert page.locator("tbody tr").count() > 1
        assert page.locator("tbody tr.ok").count() == 0
        assert page.locator("noscript meta, meta[http-equiv=refresh]").count() == 1
        page.get_by_role("link", name="Lag").click()
        assert page.locator("th[aria-sort]").inner_text().startswith("Lag")
        page.get_by_role("button", name="Sign out").click()
        assert page.get_by_role("heading", name="Sign in").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_whoever_sees_little_or_has_no_mouse_can_use_the_pages(
    browser: Browser, central: Central, node: EnrolledNode, scheme: str
) -> None:
    with browser.new_context(ignore_https_errors=True, color_scheme=scheme, bypass_csp=True) as context:  # type: ignore[arg-type]
        watched = Watched(context, central)
        watched.page.goto(watched.url + "/signin")
        assert watched.page.evaluate(CHECKS) == []
        watched.sign_in(central)
        for path in ("/fleet", f"/fleet/nodes/{node.store.journal}"):
            watched.page.goto(watched.url + path)
            assert watched.page.evaluate(CHECKS) == []
            watched.page.keyboard.press("Tab")
            assert watched.page.evaluate("document.activeElement.textContent") == "Skip to the content"
            outline = "getComputedStyle(document.activeElement).outlineStyle"
            assert watched.page.evaluate(outline) != "none"


def test_a_narrow_window_scrolls_the_table_and_not_the_page(browser: Browser, central: Central) -> None:
    with browser.new_context(ignore_https_errors=True, viewport={"width": 390, "height": 800}) as context:
        watched = Watched(context, central)
        watched.sign_in(central)
        assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
