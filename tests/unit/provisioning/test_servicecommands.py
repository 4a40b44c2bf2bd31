"""`sanad services`: the services in words, and a file that is checked before it is put in place."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from appliance.catalogue import BadService, bundled
from provisioning.servicecommands import OWN_SERVICES, app
from tests.unit.catalogue.example import EXAMPLE, FILE, changed

RUN = CliRunner()


def test_a_file_put_into_the_home_is_listed_and_shown(tmp_path: Path) -> None:
    (tmp_path / OWN_SERVICES).mkdir()
    (tmp_path / OWN_SERVICES / FILE).write_text(EXAMPLE)
    listed = RUN.invoke(app, ["list", "--home", str(tmp_path), "--json"])
    assert listed.exit_code == 0
    ids = [each["id"] for each in json.loads(listed.stdout)["services"]]
    assert {"income_certificate", "domicile"} <= set(ids)
    shown = RUN.invoke(app, ["show", "income_certificate", "--home", str(tmp_path)])
    assert "Urgent: Rs 500, if “Urgent” is yes [sample, confirm locally]" in shown.stdout


def test_a_good_file_is_said_back(tmp_path: Path) -> None:
    answer = RUN.invoke(app, ["check", str(bundled() / "domicile.toml"), "--home", str(tmp_path), "--json"])
    said = json.loads(answer.stdout)
    assert said["id"] == "domicile"
    assert "Domicile fee (challan 32-A): Rs 200" in said["sections"]["Fee"]
    assert "steps.patwari" in said["samples"]


def test_a_bad_file_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_text(changed('kind = "date"', 'kind = "day"'))
    refused = RUN.invoke(app, ["check", str(file)]).exception
    assert isinstance(refused, BadService)
    assert "“kind” cannot be “day”" in refused.sentence
