"""Opening and serving a central: with its own key, by one server at a time."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from appliance.journal.errors import OperatorError
from appliance.records.failures import StoreUnreadable
from sync.central.serve import Service, bind
from tests.support.centrals import HOST, new_central, open_central, served


def test_a_central_opens_with_its_own_key_only(tmp_path: Path) -> None:
    central = new_central(tmp_path)
    identity = central.id, central.fingerprint, central.cosigner
    central.close()
    again = open_central(tmp_path)
    assert (again.id, again.fingerprint, again.cosigner) == identity
    again.close()
    with pytest.raises(StoreUnreadable):
        open_central(tmp_path, key=b"x" * 32)


def test_nobody_else_may_read_central_s_files(tmp_path: Path) -> None:
    home = tmp_path / "central"
    with served(home):
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in home.rglob("*") if file.is_file()}
    assert {name for name, mode in modes.items() if mode & 0o077} == set()


def test_one_home_has_one_server(tmp_path: Path) -> None:
    with served(tmp_path / "central") as central:
        second = Service(central, [HOST], [bind(HOST, 0)])
        with pytest.raises(OperatorError, match="serves this central already"):
            second.run()


def test_an_address_that_is_taken_is_said_in_words(tmp_path: Path) -> None:
    with bind(HOST, 0) as taken:
        taken.listen()
        with pytest.raises(OperatorError, match="cannot listen"):
            bind(HOST, int(taken.getsockname()[1]))


def test_the_second_half_of_an_answer_does_not_wait_for_the_first_to_be_acknowledged() -> None:
    with bind(HOST, 0) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            # asyncio looks at this, and else leaves the option as it is.
            assert accepted.proto == socket.IPPROTO_TCP


def test_the_server_s_certificate_is_kept_and_made_anew_for_other_hosts(tmp_path: Path) -> None:
    central = new_central(tmp_path)
    first = central.server_identity(["central.example"])[0]
    assert central.server_identity(["central.example"])[0] == first
    assert central.server_identity(["central.example", "10.0.0.7"])[0] != first
    central.layout.server.write_bytes(b"damaged")
    assert b"BEGIN CERTIFICATE" in central.server_identity(["central.example"])[0]
    central.close()
