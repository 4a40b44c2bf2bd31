"""Central publishes services: numbered, refused where they are bad, and never back to an older one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import pytest

from appliance.casework import publishing
from appliance.casework.publishing import Offered, Use
from appliance.catalogue import Catalogue, bundled, load_catalogue
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import orders_of
from appliance.records.folding import same_tables
from sync.agent import sync_once
from sync.central import tables
from sync.central.central import Central
from sync.central.orderlines import order_lines
from tests.support.centrals import EnrolledNode, enrol

FARD: Final = (bundled() / "fard.toml").read_bytes()
NONE: Final = Catalogue({})
OTHER: Final = ("ISB01", "Specimen centre, Islamabad")


def sync(node: EnrolledNode, central: Central) -> int:
    """Sync; both sides hold the same tables then. Answers how many orders came."""
    done = sync_once(node.store, node.address, now_s=lambda: 0)
    assert done.complete
    central.index.settle(30)
    with node.store.read() as mine, central._index_db.read() as theirs:
        same_tables(mine, theirs, node.store.journal)
    return done.orders_taken


def offered(node: EnrolledNode, own: Catalogue = NONE) -> Offered:
    return publishing.offered(NONE, own, node.store)


def renamed(title: str) -> bytes:
    return FARD.replace(b'title = { en = "', f'title = {{ en = "{title} '.encode(), 1)


def title(node: EnrolledNode) -> str:
    return offered(node).catalogue.service("fard").title.en


def test_what_central_publishes_is_offered_after_the_next_sync(central: Central, node: EnrolledNode) -> None:
    done = central.ordering.publish("fard", FARD, [node.store.journal], "ayesha")
    assert not offered(node).catalogue.services
    assert sync(node, central) == 1
    found = offered(node)
    assert found.catalogue.service("fard").digest == done.digest
    assert [(each.version, each.use) for each in found.published] == [(done.version, Use.USED)]


def test_a_bad_file_is_refused_at_central_with_its_line_and_nothing_is_ordered(
    central: Central, node: EnrolledNode
) -> None:
    with pytest.raises(OperatorError, match=r"fard\.toml, line"):
        central.ordering.publish("fard", FARD + b"\ncolour = 7\n", None, "ayesha")
    with pytest.raises(OperatorError, match="No node"):
        central.ordering.nodes(["KBL01"])
    with pytest.raises(OperatorError):
        central.ordering.withdraw("No Service", None, "ayesha")
    assert sync(node, central) == 0


def test_what_the_node_cannot_read_is_named_with_its_reason_and_the_version_before_it_stays(
    central: Central, node: EnrolledNode
) -> None:
    first = central.ordering.publish("fard", FARD, None, "ayesha")
    newer = FARD.decode() + "\n[a_table_of_newer_software]\nx = 1\n"
    body = k.ServicePublished(service="fard", version=first.version + 5, digest="ab" * 32, content=newer)
    central.order(node.store.journal, [body])
    central.ordering.set("sync.megabytes_per_day", "500", None, "ayesha")
    sync(node, central)
    found = offered(node)
    assert [each.use for each in found.published] == [Use.UNREADABLE, Use.USED]
    assert "not the one that its order names" in found.published[0].why
    assert found.catalogue.service("fard").digest == first.digest


def test_a_version_for_newer_software_says_what_is_wrong_with_it(central: Central, node: EnrolledNode) -> None:
    newer = FARD + b"\n[a_table_of_newer_software]\nx = 1\n"
    digest = hashlib.sha256(newer).hexdigest()
    central.order(
        node.store.journal, [k.ServicePublished(service="fard", version=5, digest=digest, content=newer.decode())]
    )
    sync(node, central)
    (found,) = offered(node).published
    assert found.use is Use.UNREADABLE
    assert "fard.toml, line" in found.why
    assert "fard" not in offered(node).catalogue.services


def test_an_older_version_that_comes_late_changes_nothing(central: Central, node: EnrolledNode) -> None:
    newest = central.ordering.publish("fard", renamed("New"), None, "ayesha")
    older = k.ServicePublished(
        service="fard", version=newest.version - 1, digest=hashlib.sha256(FARD).hexdigest(), content=FARD.decode()
    )
    central.order(node.store.journal, [older])
    sync(node, central)
    assert title(node).startswith("New ")


def test_a_withdrawn_service_is_offered_no_more_until_it_is_published_anew(
    central: Central, node: EnrolledNode
) -> None:
    central.ordering.publish("fard", FARD, None, "ayesha")
    central.ordering.withdraw("fard", None, "ayesha")
    sync(node, central)
    assert "fard" not in publishing.offered(load_catalogue([bundled()]), NONE, node.store).catalogue.services
    central.ordering.publish("fard", renamed("Again"), None, "ayesha")
    sync(node, central)
    assert title(node).startswith("Again ")


def test_the_centres_own_file_stands_over_what_central_published_and_says_so(
    central: Central, node: EnrolledNode
) -> None:
    central.ordering.publish("fard", renamed("Central's"), None, "ayesha")
    sync(node, central)
    found = offered(node, load_catalogue([bundled()]))
    assert not found.catalogue.service("fard").title.en.startswith("Central's")
    assert [each.use for each in found.published] == [Use.COVERED]


def test_what_is_ordered_of_every_node_reaches_those_that_enrol_later_once(
    central: Central, node: EnrolledNode, tmp_path: Path
) -> None:
    done = central.ordering.publish("fard", FARD, None, "ayesha")
    assert done.ordered.nodes == (node.store.journal,)
    later = enrol(tmp_path / "later", central.invite(*OTHER))
    central.index.settle(30)
    assert sync(later, central) == 1
    assert sync(later, central) == 0
    assert offered(later).catalogue.service("fard").digest == done.digest
    later.store.close()


def test_versions_rise_also_at_a_central_that_forgot_what_it_published(central: Central, node: EnrolledNode) -> None:
    first = central.ordering.publish("fard", FARD, None, "ayesha")
    sync(node, central)
    with central._archive_db.write() as tx:
        tx._connection.execute(f"DELETE FROM {tables.published.name}")
    assert central.ordering.publish("fard", renamed("New"), None, "ayesha").version > first.version


def test_central_shows_its_orders_in_words_and_which_were_taken_up(central: Central, node: EnrolledNode) -> None:
    sync(node, central)
    done = central.ordering.publish("fard", FARD, [node.store.journal], "ayesha")
    lines = order_lines(central.ordering, node.store.journal)
    assert [each.taken for each in lines] == [True, True, False]
    assert lines[-1].words == f"published the service fard, version {done.version}"
    sync(node, central)
    assert all(each.taken for each in order_lines(central.ordering, node.store.journal))


def test_an_order_of_a_newer_kind_is_kept_and_those_behind_it_hold(central: Central, node: EnrolledNode) -> None:
    class CounterPainted(k.Body, frozen=True, kw_only=True):
        KIND = "counter.painted"

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sync.central.orders.encode_body", lambda _: b'{"colour":"green"}')
        central.order(node.store.journal, [CounterPainted()])
    central.ordering.publish("fard", FARD, None, "ayesha")
    assert sync(node, central) == 2
    assert "fard" in offered(node).catalogue.services
    assert order_lines(central.ordering, node.store.journal)[2].words == "counter.painted (of a newer software)"
    assert orders_of(node.store.journal)
