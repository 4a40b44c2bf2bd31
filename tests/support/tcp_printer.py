"""A receipt printer on a TCP port of loopback, from the same model as the one on USB."""

from __future__ import annotations

import socket
import threading
from types import TracebackType

from tests.support.usb.printers import Printer


class TcpPrinter:
    """Serves one connection after another until it is left."""

    def __init__(self, model: Printer) -> None:
        self.model = model
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> TcpPrinter:
        self._listener.settimeout(0.05)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.settimeout(0.05)
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        waiting = b""
        while not self._stop.is_set() and self.model.plugged:
            if not waiting:
                try:
                    waiting = connection.recv(1024)
                except TimeoutError:
                    continue
                except ConnectionResetError:
                    return
                if not waiting:
                    return
            taken = self.model.write(0, waiting)
            if taken is None:
                self._stop.wait(0.05)
                continue
            waiting = waiting[taken:]
            said = self.model.read(0, 64)
            if said:
                connection.sendall(said)
