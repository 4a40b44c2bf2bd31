"""What people at central see and do about nodes, by command and by page, with real processes."""

from __future__ import annotations

from pathlib import Path

import requests

from tests.support.carrying import until
from tests.support.centrals import HOST, free_port
from tests.support.commands import Place


def test_a_person_sees_a_node_stops_it_and_lets_it_go_on(tmp_path: Path) -> None:
    place = Place(tmp_path / "place")
    place.make_central(free_port())
    with place.served("central", "serve", home=place.central, ready="Central answers"):
        place.enrol()
        assert place.answer("sync", "now", home=place.node)["complete"]
        viewer = place.answer("central", "viewer", "ayesha", home=place.central)
        url, authority = f"https://{HOST}:{place.port}", str(place.central / "keys" / "ca.crt")
        page = requests.get(f"{url}/fleet", auth=("ayesha", viewer["password"]), verify=authority, timeout=30)
        assert "1 node. All is well." in page.text
        # What central heard just now is written a few seconds later; until then another process does not see it.
        until(lambda: not place.answer("central", "nodes", home=place.central)["nodes"][0]["troubles"])
        (node,) = place.answer("central", "nodes", home=place.central)["nodes"]
        assert (node["lag"], node["troubles"], node["quarantine"]) == (0, [], None)
        assert node["size"] == node["cosigned_size"] > 1
        journal = node["journal"]
        place.run("central", "quarantine", journal, "--reason", "It was stolen.", home=place.central)
        refused = place.answer("sync", "now", home=place.node, code=1)
        assert (refused["error"], "Call central IT" in refused["next_step"]) == ("Quarantined", True)
        assert "“It was stolen.”" in refused["sentence"]
        strip = place.answer("sync", "status", home=place.node)
        assert "“It was stolen.” Work can go on" in strip["trouble"]
        (stopped,) = place.answer("central", "nodes", home=place.central)["nodes"]
        assert (stopped["quarantine"]["reason"], stopped["troubles"][0]["code"]) == ("It was stolen.", "quarantined")
        lifting = ("central", "quarantine", journal, "--lift", "--reason", "It was found.")
        place.run(*lifting, home=place.central)
        place.run(*lifting, home=place.central, code=1)
        assert place.answer("sync", "now", home=place.node)["complete"]
        assert place.answer("central", "cases", home=place.central) == {"cases": [], "at_nodes": []}
        place.run("central", "viewer", "ayesha", "--remove", home=place.central)
        gone = requests.get(
            f"{url}/fleet",
            auth=("ayesha", viewer["password"]),
            verify=authority,
            timeout=30,
            allow_redirects=False,
        )
        assert gone.status_code == 303
