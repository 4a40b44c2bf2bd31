"""Names are looked up within a time limit, whatever the resolver does."""

from __future__ import annotations

import socket
import threading

import pytest

from devices import resolving
from devices.errors import Refused, Unplugged
from devices.escpos.links import TcpLink
from devices.ipp.transport import exchange, read_place


def test_a_resolver_that_never_answers_is_given_up_and_the_printer_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end = threading.Event()

    def silent(*_: object, **__: object) -> list[object]:
        end.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    with pytest.raises(TimeoutError):
        resolving.resolve("printer.example", 9100, limit_s=0.01)
    end.set()


def test_a_name_that_nobody_knows_is_a_printer_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unplugged, match="cannot be reached"):
        _ = TcpLink("printer.example").can_answer


def test_the_next_address_is_tried_where_the_first_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        closed = (socket.AF_INET, ("127.0.0.2", 1))
        monkeypatch.setattr(resolving, "resolve", lambda *_: [closed, (socket.AF_INET, ("127.0.0.1", port))])
        resolving.connect("printer.example", port).close()


def test_a_page_printers_name_is_looked_up_once_for_a_job_where_it_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        known = socket.getaddrinfo("127.0.0.1", server.getsockname()[1], type=socket.SOCK_STREAM)

        def look_up(host: str, *_: object, **__: object) -> object:
            asked.append(threading.current_thread().name)
            return known

        def refuse() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        serving = threading.Thread(target=refuse)
        serving.start()
        with pytest.raises(Refused):
            exchange(read_place("ipp://printer.example/ipp/print"), b"question", b"", 30.0)
        serving.join()
    assert asked == ["resolve"]
