"""Central's pages and metrics over real HTTPS: who sees them, what stands there, and that names stay text."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sync.agent import sync_once
from sync.central.central import Central
from sync.refusals import Quarantined
from tests.support.browsing import Visitor
from tests.support.centrals import CENTRE, EnrolledNode, enrol, served

HOSTILE = ("EVIL01", "<script>alert(1)</script> \"'>&{{12345*678}}")


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with served(tmp_path_factory.mktemp("central") / "home") as made:
        yield made


@pytest.fixture(scope="module")
def node(central: Central, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnrolledNode]:
    made = enrol(tmp_path_factory.mktemp("node") / "home", central.invite(*CENTRE))
    made.commit(3)
    sync(made)
    yield made
    made.store.close()


@pytest.fixture
def visitor(central: Central) -> Visitor:
    made = Visitor(central)
    assert made.sign_in().status_code == 303
    return made


@pytest.fixture(autouse=True)
def _fresh(central: Central) -> None:
    """No picture is kept from the test before."""
    central.fleet.forget_picture()


def sync(node: EnrolledNode, ahead_s: int = 0) -> None:
    sync_once(node.store, node.address, now_s=lambda: int(time.time()) + ahead_s)


@pytest.mark.parametrize("path", ["/fleet", "/fleet/table", "/fleet/nodes/x", "/fleet/nodes/x/facts"])
def test_nobody_sees_a_page_without_signing_in(central: Central, path: str) -> None:
    stranger = Visitor(central)
    answer = stranger.get(path)
    assert (answer.status_code, answer.headers["location"], answer.text) == (303, "/signin", "")
    assert stranger.get(path, x_live="1").status_code == 401


def test_a_password_that_is_wrong_lets_nobody_in_and_ten_of_them_must_wait(tmp_path: Path) -> None:
    with served(tmp_path / "home") as central:
        central.viewers.add("ayesha")
        visitor = Visitor(central)
        answers = [visitor.post("/signin", {"name": "ayesha", "password": "guess"}).status_code for _ in range(11)]
        assert answers == [403] * 10 + [429]
        assert not visitor.session.cookies


def test_a_sign_in_from_another_page_is_refused(central: Central) -> None:
    password = central.viewers.add("ayesha")
    visitor = Visitor(central)
    answer = visitor.post("/signin", {"name": "ayesha", "password": password}, sec_fetch_site="cross-site")
    assert answer.status_code == 403
    assert not visitor.session.cookies


def test_whoever_signs_out_or_is_removed_sees_nothing_more(central: Central) -> None:
    first, second = Visitor(central), Visitor(central)
    first.sign_in("first")
    second.sign_in("second")
    assert (first.get("/fleet").status_code, second.get("/fleet").status_code) == (200, 200)
    cookie = first.session.cookies["__Host-sanad"]
    assert first.post("/signout", {}).status_code == 303
    assert Visitor(central).get("/fleet", cookie=f"__Host-sanad={cookie}").status_code == 303
    central.viewers.remove("second")
    assert second.get("/fleet").status_code == 303


def test_the_cookie_and_the_headers_keep_other_pages_out(central: Central) -> None:
    visitor = Visitor(central)
    cookie = visitor.sign_in().headers["set-cookie"]
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    headers = visitor.get("/fleet").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


def test_the_list_says_how_far_each_node_is(central: Central, node: EnrolledNode, visitor: Visitor) -> None:
    page = visitor.get("/fleet?search=" + node.store.journal).text
    size = node.store.head().size
    assert CENTRE[1] in page
    assert f'<td class="number">{size}</td>' in page
    assert "just now" in page
    assert "All is well" in page
    table = visitor.get("/fleet/table?search=" + node.store.journal).text
    assert "<html" not in table
    assert CENTRE[1] in table


def test_a_node_has_a_page(node: EnrolledNode, visitor: Visitor) -> None:
    page = visitor.get(f"/fleet/nodes/{node.store.journal}")
    assert page.status_code == 200
    assert node.store.journal in page.text
    assert "Nothing. All is well" in page.text
    assert visitor.get("/fleet/nodes/" + "a" * 26).status_code == 404


def test_a_clock_that_is_wrong_is_said_in_words(central: Central, visitor: Visitor, tmp_path: Path) -> None:
    node = enrol(tmp_path / "node", central.invite("PEW07", "Wrong clock"))
    sync(node, ahead_s=-7300)
    central.fleet.forget_picture()
    assert "Its clock is 2 hours behind." in visitor.get(f"/fleet/nodes/{node.store.journal}").text
    node.store.close()


def test_quarantine_is_told_to_the_node_and_shown_with_what_to_do(
    central: Central, visitor: Visitor, tmp_path: Path
) -> None:
    node = enrol(tmp_path / "node", central.invite("PEW08", "Stopped"))
    central.fleet.stop(node.store.journal, "Its box was stolen.", "ayesha")
    with pytest.raises(Quarantined, match="Call central IT"):
        sync(node)
    page = visitor.get(f"/fleet/nodes/{node.store.journal}").text
    assert "In quarantine since" in page
    assert "Its box was stolen." in page
    assert f"sanad central quarantine {node.store.journal} --lift" in page
    central.fleet.lift(node.store.journal, "It was found.", "ayesha")
    central.fleet.forget_picture()
    assert "and it was not heard since" in visitor.get(f"/fleet/nodes/{node.store.journal}").text
    sync(node)
    central.fleet.forget_picture()
    assert "and it was not heard since" not in visitor.get(f"/fleet/nodes/{node.store.journal}").text
    assert [each.act for each in central.fleet.acts(node.store.journal)] == ["quarantined", "lifted"]
    node.store.close()


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag, *(name for name, _ in attrs)]


def test_a_name_with_markup_stays_text(central: Central, visitor: Visitor, tmp_path: Path) -> None:
    node = enrol(tmp_path / "node", central.invite(*HOSTILE))
    central.fleet.forget_picture()
    for path in ("/fleet?search=EVIL01", f"/fleet/nodes/{node.store.journal}", "/fleet?search=%22%3E%3Cscript%3E"):
        page = visitor.get(path).text
        assert "<script>alert" not in page
        assert str(12345 * 678) not in page
        tags = Tags()
        tags.feed(page)
        assert tags.found.count("script") == 1
        assert not [each for each in tags.found if each.startswith("on")]
    node.store.close()


def promtool() -> str:
    found = shutil.which("promtool") or shutil.which("promtool", path=str(Path(sys.executable).parent))
    assert found is not None, "provisioning/setup.sh test installs promtool"
    return found


def test_promtool_accepts_the_metrics(central: Central, node: EnrolledNode) -> None:
    answer = Visitor(central).get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    checked = subprocess.run(
        [promtool(), "check", "metrics"], input=answer.content, capture_output=True, check=False, timeout=60
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    size = node.store.head().size
    assert f'sanad_node_entries{{centre="PEW01",journal="{node.store.journal}"}} {float(size)}' in answer.text


def test_metrics_are_for_this_machine_or_for_those_with_a_password(central: Central) -> None:
    visitor = Visitor(central)
    asked = visitor.get("/metrics", x_forwarded_for="192.0.2.7")
    assert (asked.status_code, asked.headers["www-authenticate"].split()[0]) == (401, "Basic")
    visitor.session.auth = ("scraper", central.viewers.add("scraper"))
    assert visitor.get("/metrics", x_forwarded_for="192.0.2.7").status_code == 200


def test_central_says_that_it_is_alive_and_ready(central: Central) -> None:
    visitor = Visitor(central)
    assert json.loads(visitor.get("/healthz").text) == {"status": "ok"}
    assert json.loads(visitor.get("/readyz").text) == {"status": "ready"}


def test_central_is_not_ready_with_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.central.readiness.free_bytes", lambda _: 1000)
    with served(tmp_path / "home") as central:
        answer = Visitor(central).get("/readyz")
    assert answer.status_code == 503
    assert json.loads(answer.text)["reasons"] == ["Central's disk has 1,000 bytes left."]


def test_what_was_seen_outlives_central(tmp_path: Path) -> None:
    home = tmp_path / "central"
    with served(home) as central:
        node = enrol(tmp_path / "node", central.invite(*CENTRE))
        node.commit(2)
        sync(node)
        port = int(central.url.rsplit(":", 1)[1])
        before = central.fleet.view().nodes[0].sighting
    with served(home, port=port) as central:
        assert central.fleet.view().nodes[0].sighting == before
        assert before.software
        assert before.offered == node.store.head().size
    node.store.close()
