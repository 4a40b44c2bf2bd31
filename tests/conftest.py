"""Figures that tests measured are shown with the results: `record_property("figure", "...")` in a test."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# How fast a machine is just now says nothing about what is tested.
settings.register_profile("sanad", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sanad")


class Figures:
    """Prints each figure when its test is done, so that a long run shows how far it is."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        figures = [str(value) for name, value in report.user_properties if name == "figure"]
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if report.when == "call" and figures and reporter is not None:
            for figure in figures:
                reporter.ensure_newline()
                reporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {figure}")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Figures(config), "figures")
