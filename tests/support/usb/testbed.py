"""The side that owns the emulated bus; run as `umockdev-wrapper /usr/bin/python3 -m tests.support.usb.testbed SPEC`.

SPEC is JSON: `devices` maps a port to `{"model", options…}`, `absent` lists the ports that are plugged in later, and
`program` is the command line under test. The program writes JSON lines: `{"do": "unplug" | "plug" | "tell", "port", …}`
is carried out and answered with a line; `{"result": …}` is its result. At the end one line of JSON tells the result,
the exit code, and what each device saw.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.support.usb.cameras import Camera, MetadataNode
from tests.support.usb.emulation import NodeServer, Server, VideoServer, describe, new_testbed
from tests.support.usb.pads import Pad
from tests.support.usb.pens import PenTablet, TypingReader
from tests.support.usb.printers import PageUsbPrinter, Printer, SmallPrinter
from tests.support.usb.syscalls import Supervisor

MODELS: dict[str, Any] = {
    "printer": Printer,
    "small-printer": SmallPrinter,
    "page-printer": PageUsbPrinter,
    "pad": Pad,
    "pen": PenTablet,
    "camera": Camera,
    "reader": TypingReader,
}


class Bus:
    """One USB bus."""

    def __init__(self, devices: dict[str, dict[str, Any]]) -> None:
        self.testbed = new_testbed()
        self.devices: dict[str, Any] = {}
        self._paths: dict[str, str] = {}
        self._below: dict[str, list[str]] = {}
        self._servers: list[Server | NodeServer | VideoServer] = []
        self._number = 1
        self.supervisor: Supervisor | None = None
        for port, options in devices.items():
            kind = options.pop("model")
            self.devices[port] = MODELS[kind](**options)
        if any(isinstance(model, Camera) for model in self.devices.values()):
            self.supervisor = Supervisor()

    def plug(self, port: str) -> None:
        """Put a device in; it gets the next address, as on a real bus."""
        if port in self._paths:
            self.unplug(port)
        model = self.devices[port]
        self._number += 1
        ids, ends = model.ids, model.endpoints
        more = (model.interface_class, port, model.strings[2], getattr(model, "interface_number", 0))
        text, node, path = describe(1, self._number, ids, ends, *more)
        model.plug_in()
        self.testbed.add_from_string(text)
        self._servers.append(Server(self.testbed, node, model))
        self._paths[port] = path
        self.testbed.uevent(path, "add")
        if isinstance(model, PenTablet | Camera):
            self._plug_node(port, model)

    def _plug_node(self, port: str, model: PenTablet | Camera) -> None:
        """The kernel's own node for a device."""
        text, node = model.describe(self._number, port)
        self.testbed.add_from_string(text)
        if isinstance(model, PenTablet):
            self._servers.append(NodeServer(self.testbed, node, model))
        elif self.supervisor is not None:
            self.supervisor.models = {node: model, f"video{self._number + 100}": MetadataNode(model)}
            for name, each in self.supervisor.models.items():
                self._servers.append(VideoServer(self.testbed, f"/dev/{name}", each))
        self._below[port] = [f"/sys{line[3:]}" for line in text.splitlines() if line.startswith("P: ")][::-1]

    def unplug(self, port: str) -> None:
        """Pull a device out."""
        self.devices[port].plugged = False
        for below in self._below.pop(port, []):
            self.testbed.remove_device(below)
        path = self._paths.pop(port)
        self.testbed.uevent(path, "remove")
        self.testbed.remove_device(path)

    def do(self, order: dict[str, Any]) -> None:
        """Carry out what the program asks for."""
        port = order["port"]
        if order["do"] == "plug":
            self.plug(port)
        elif order["do"] == "unplug":
            self.unplug(port)
        else:
            self.devices[port].tell(order["name"], order.get("value"))


def main() -> int:
    """Run the program on the bus."""
    spec = json.loads(sys.argv[1])
    bus = Bus(spec["devices"])
    for port in spec["devices"]:
        if port not in spec.get("absent", ()):
            bus.plug(port)
    install = None if bus.supervisor is None else bus.supervisor.install
    child = subprocess.Popen(
        spec["program"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=install
    )
    result: Any = None
    if child.stdout is None or child.stdin is None:
        raise RuntimeError("no pipes")
    for model in bus.devices.values():
        if isinstance(model, PenTablet):
            model.counter(lambda text, keys=child.stdin: (keys.write(text), keys.flush()))
    plain: list[str] = []
    for line in child.stdout:
        message = json.loads(line) if line.startswith(('{"do"', '{"result"')) else None
        if message is None:
            plain.append(line)
        elif "do" in message:
            bus.do(message)
            child.stdin.write("done\n")
            child.stdin.flush()
        elif "result" in message:
            result = message["result"]
        else:
            plain.append(line)
    code = child.wait()
    seen = {port: model.seen() for port, model in bus.devices.items()}
    print(json.dumps({"result": result, "code": code, "output": "".join(plain), "devices": seen}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
