"""What Prometheus reads: each node's figures and central's own, in its text format. Names carry their units.

Labels are a node's journal and its centre's code, which central gave, and its version, one at a time: no node can make
more than one series of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from appliance.records.moment import parse_at
from sync.central.fleet import FleetView, NodeView
from sync.central.troubles import GRAVITY, Gravity

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
LABELS: Final = ("journal", "centre")


def _seconds(at: str) -> float | None:
    return parse_at(at).timestamp() if at else None


_GAUGES: Final[tuple[tuple[str, str, Callable[[NodeView], float | None]], ...]] = (
    ("sanad_node_entries", "Entries of the node that central holds.", lambda each: each.size),
    ("sanad_node_countersigned_entries", "Entries that central countersigned.", lambda each: each.cosigned_size),
    ("sanad_node_lag_entries", "Entries of the node that are not countersigned.", lambda each: each.lag),
    ("sanad_node_backlog_bytes", "Bytes that wait at the node, as it says.", lambda each: each.sighting.backlog_bytes),
    ("sanad_node_stuck_files", "Sealed files that the node cannot send.", lambda each: each.sighting.stuck),
    ("sanad_node_spoilt_files", "Sealed files that came spoilt in the session.", lambda each: each.sighting.spoilt),
    ("sanad_node_clock_skew_seconds", "How far the node's clock is ahead.", lambda each: each.sighting.skew_s),
    ("sanad_node_entries_set_aside", "Entries and orders that central could not fold.", lambda each: each.aside_count),
    (
        "sanad_node_last_seen_timestamp_seconds",
        "When the node was heard last.",
        lambda each: _seconds(each.sighting.seen_at),
    ),
    (
        "sanad_node_oldest_waiting_timestamp_seconds",
        "When the node's oldest entry was written that is not countersigned; absent where none waits.",
        lambda each: _seconds(each.sighting.waiting_since),
    ),
    ("sanad_node_quarantined", "1 while the node is in quarantine.", lambda each: int(each.quarantine is not None)),
    (
        "sanad_node_gravity",
        "The gravest trouble of the node: 0 none, 1 note, 2 warning, 3 alarm.",
        lambda each: each.gravity,
    ),
)


class _Fleet(Collector):
    def __init__(self, view: Callable[[], FleetView], software: str) -> None:
        self._view = view
        self._software = software

    def describe(self) -> list[Metric]:
        """Nothing before there is a central to ask."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The figures of one moment."""
        view = self._view()
        for name, words, value in _GAUGES:
            family = GaugeMetricFamily(name, words, labels=LABELS)
            for each in view.nodes:
                found = value(each)
                if found is not None:
                    family.add_metric((each.journal, each.centre), found)
            yield family
        info = InfoMetricFamily("sanad_node", "The version of each node.", labels=LABELS)
        for each in view.nodes:
            info.add_metric((each.journal, each.centre), {"software": each.sighting.software})
        yield info
        # The kinds are central's own closed set: others fold to nothing.
        first = GaugeMetricFamily(
            "sanad_node_first_set_aside_seq",
            "The place of the first entry or order that central could not fold; absent where there is none.",
            labels=(*LABELS, "log", "kind"),
        )
        for each in view.nodes:
            for poison in each.aside[:1]:
                first.add_metric((each.journal, each.centre, poison.log, poison.kind), poison.seq)
        yield first
        yield InfoMetricFamily("sanad_central", "The version of central.", {"software": self._software})
        yield GaugeMetricFamily("sanad_central_nodes", "Nodes that are enrolled.", len(view.nodes))
        yield GaugeMetricFamily("sanad_central_disk_free_bytes", "What central's disk has left.", view.disk_free_bytes)
        gravities = GaugeMetricFamily(
            "sanad_central_nodes_in_trouble", "Nodes by gravest trouble.", labels=("gravity",)
        )
        for gravity in Gravity:
            gravities.add_metric((gravity.name.lower(),), view.count(gravity))
        yield gravities
        troubles = GaugeMetricFamily("sanad_central_troubles", "Troubles of all nodes, by kind.", labels=("kind",))
        kinds = [found.code for each in view.nodes for found in each.troubles] + [each.code for each in view.troubles]
        for code in GRAVITY:
            troubles.add_metric((code,), kinds.count(code))
        yield troubles


class Metrics:
    """The metrics of one central.

    Args:
        view: all nodes at this moment.
        software: central's version.
    """

    def __init__(self, view: Callable[[], FleetView], software: str) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Fleet(view, software))

    def text(self) -> bytes:
        """All of them, in the text format 0.0.4."""
        return generate_latest(self._registry)
