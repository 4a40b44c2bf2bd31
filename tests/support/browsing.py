"""Asking central's pages as a program does: over HTTPS under central's own authority, with a cookie kept by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import requests

from sync.central.central import Central


@dataclass
class Visitor:
    """Somebody with a browser, more or less."""

    central: Central
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False
        self.session.headers["connection"] = "close"
        self.session.verify = str(self.authority)

    @property
    def authority(self) -> Path:
        return self.central.layout.authority

    def get(self, path: str, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.get(self.central.url + path, headers=named, allow_redirects=False, timeout=30)

    def post(self, path: str, values: dict[str, str], **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.post(self.central.url + path, data=values, headers=named, allow_redirects=False, timeout=30)

    def sign_in(self, name: str = "specimen") -> requests.Response:
        """Sign in as somebody who is let in now."""
        return self.post("/signin", {"name": name, "password": self.central.viewers.add(name)})
