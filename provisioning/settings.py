"""`node.toml` and `central.toml`: what a node or a central is told. They hold no secrets.

A file is read strictly: an unknown name or a wrong value is refused, with the place and what to write instead.
"""

from __future__ import annotations

import os
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, TypeVar, cast
from urllib.parse import urlsplit

import tomlkit
from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from appliance.certificates.token import is_token_uri
from appliance.journal.errors import OperatorError
from devices.addresses import read_address
from devices.contracts import Kind
from devices.errors import DeviceFault

NODE_FILE: Final = "node.toml"
CENTRAL_FILE: Final = "central.toml"

Words = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
CentreCode = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,16}$")]


def _address(url: str) -> str:
    """Refuse what has no host, or a port that no machine has."""
    parts = urlsplit(url)
    if not parts.hostname or parts.port == 0:
        raise ValueError("an address is written with its host, and a port from 1 to 65535: https://HOST:PORT")
    return url


HttpsUrl = Annotated[str, Field(max_length=200, pattern=r"^https://[A-Za-z0-9.\[\]:-]+$"), AfterValidator(_address)]
HttpUrl = Annotated[str, Field(max_length=200, pattern=r"^http://[A-Za-z0-9.\[\]:-]+$"), AfterValidator(_address)]
Port = Annotated[int, Field(ge=1, le=65535)]


def _device_address(text: str) -> str:
    try:
        read_address(text)
    except DeviceFault as fault:
        raise ValueError(str(fault)) from None
    return text


DeviceAddress = Annotated[str, Field(max_length=200), AfterValidator(_device_address)]


class Section(BaseModel):
    """A table of a settings file; unknown names are refused."""

    model_config = {"extra": "forbid", "frozen": True}


class Centre(Section):
    """Which Citizen Facilitation Centre this is. `code` is 2 to 16 capitals and digits."""

    code: CentreCode
    name: Words


class CentralAddress(Section):
    """Where central answers, and the proxy that it is reached by, if any (no environment variable names one)."""

    url: HttpsUrl
    proxy: HttpUrl | None = None


class Counter(Section):
    """A counter of the centre: its devices by kind (`devices/addresses.py` says how an address is written), and whom it
    calls: the queues (empty for all), and the priorities that are served here alone (`women`)."""

    name: Words
    devices: dict[Kind, DeviceAddress] = {}
    queues: tuple[Name, ...] = ()
    only: frozenset[Name] = frozenset()

    @model_validator(mode="after")
    def _devices_are_of_their_kind(self) -> Counter:
        for kind, address in self.devices.items():
            if read_address(address)[0] is not kind:
                raise ValueError(f"the address of {kind.value} is one of {read_address(address)[0].value}")
        return self


class Queue(Section):
    """A queue that tokens are drawn for: its title by language, its services (empty for all), and its quota a day."""

    id: Name
    title: Annotated[dict[Name, Words], Field(min_length=1)]
    services: frozenset[Name] = frozenset()
    per_day: Annotated[int, Field(ge=1, le=9999)] | None = None

    @model_validator(mode="after")
    def _has_an_english_title(self) -> Queue:
        if "en" not in self.title:
            raise ValueError('a queue has a title in English: title = { en = "..." }')
        return self


WeekDay = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Casework(Section):
    """When the centre works, what it speaks, and how it lets people wait.

    `timezone` is an IANA name; `language` that of its citizens, for receipts (ISO 639). A `specimen` centre is there
    for trying out: all its paper says so.
    """

    timezone: Words = "Asia/Karachi"
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] = "ur"
    weekend: frozenset[WeekDay] = frozenset({"sunday"})
    holidays: frozenset[date] = frozenset()
    queues: tuple[Queue, ...] = ()
    specimen: bool = False


class Console(Section):
    """The operators' console. `keys` gives an action other keys, as `call_next = "f9"`."""

    keys: dict[Name, Words] = {}


class Sync(Section):
    """What a metered link may carry: beyond `megabytes_per_day` (of 1,000,000 bytes, both ways) sealed files wait,
    never entries; and `files_between` says at which hours of the centre's day they are sent (`21:00-06:00`)."""

    megabytes_per_day: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    files_between: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")] | None = None


class Blobs(Section):
    """When sealed files leave this box, of those that may (`appliance.store.freeing`): while less than
    `free_below_percent` of its disk is free, or `free_after_days` after the newest entry that names one.
    """

    free_below_percent: Annotated[int, Field(ge=0, le=90)] = 10
    free_after_days: Annotated[int, Field(ge=1, le=36_500)] | None = None


class IdentityGateway(Section):
    """Where an authority is asked who somebody is (`docs/identity.md`); files by path, relative to the node's home."""

    url: Annotated[str, Field(max_length=200, pattern=r"^https://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~/-]*)?$")]
    ca: Path
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _a_certificate_comes_with_its_key(self) -> IdentityGateway:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("a certificate comes with its key")
        return self


def _library(path: Path) -> Path:
    """Refuse what depends on where a process was started."""
    if not path.is_absolute():
        raise ValueError("a library is named by its whole path")
    return path


def _token_uri(text: str) -> str:
    if not is_token_uri(text):
        raise ValueError("a token is named as in pkcs11:token=LABEL or pkcs11:token=LABEL;serial=NUMBER")
    return text


class Token(Section):
    """Where officers' keys may lie on tokens: the PKCS #11 library, and which token, where several are put in at once.

    The library runs inside Sanad's own processes: name only one that you trust with all that they hold.
    """

    module: Annotated[Path, AfterValidator(_library)]
    token: Annotated[str, Field(max_length=200), AfterValidator(_token_uri)] | None = None


class Listen(Section):
    """Where central listens, and the address that nodes know it by."""

    host: Words = "127.0.0.1"
    port: Port = 8443
    public_url: HttpsUrl


class OutsideTimestamps(Section):
    """A timestamp service (RFC 3161) in the place of central's own.

    `authority` is a file of certificates (PEM), by path, relative to central's home: those by which the service's own
    are. `policy` is an object identifier under which it must stamp.
    """

    url: Annotated[str, Field(max_length=200, pattern=r"^https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~/-]*)?$")]
    authority: Path
    policy: Annotated[str, Field(max_length=200, pattern=r"^[0-9]+(\.[0-9]+)+$")] | None = None


class Alerts(Section):
    """From when on central's people are told of a node: hours of silence and of waiting, seconds that its clock is off;
    and how much room central's own disk should have."""

    silent_hours: Annotated[int, Field(ge=1, le=24 * 365)] = 24
    backlog_hours: Annotated[int, Field(ge=1, le=24 * 365)] = 24
    skew_s: Annotated[int, Field(ge=1, le=86400)] = 120
    disk_free_gib: Annotated[int, Field(ge=1, le=1024 * 1024)] = 5


class FileSettings(BaseSettings):
    """Settings that come from one TOML file, and from nowhere else."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)
    file: ClassVar[Path] = Path()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The TOML file alone: no environment variable silently changes a node."""
        del env_settings, dotenv_settings, file_secret_settings
        return (init_settings, TomlConfigSettingsSource(settings_cls, cls.file))


class NodeSettings(FileSettings):
    """`node.toml`."""

    centre: Centre
    central: CentralAddress
    counters: tuple[Counter, ...] = ()
    casework: Casework = Casework()
    console: Console = Console()
    sync: Sync = Sync()
    blobs: Blobs = Blobs()
    identity: dict[Literal["nadra", "uidai"], IdentityGateway] = {}
    token: Token | None = None


class CentralSettings(FileSettings):
    """`central.toml`."""

    name: Words
    listen: Listen
    timestamps: OutsideTimestamps | None = None
    alerts: Alerts = Alerts()


def central_settings(name: str, host: str, port: int, url: str | None) -> CentralSettings:
    """The settings of a new central, as given on the command line.

    Raises:
        OperatorError: one is not of its form.
    """
    try:
        listen = Listen(host=host, port=port, public_url=url or f"https://{host}:{port}")
        return CentralSettings(name=name, listen=listen)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = {"public_url": "--url", "host": "--host", "port": "--port"}.get(str(first["loc"][-1]), "--name")
        form = "A name has 1 to 200 characters on one line."
        address = "An address is https://HOST:PORT; ports go up to 65535."
        raise OperatorError(f"{place} is not right: {first['msg']}.", form if place == "--name" else address) from None


S = TypeVar("S", bound=FileSettings)


def load(kind: type[S], path: Path) -> S:
    """Read a settings file.

    Raises:
        OperatorError: it is missing or wrong; the sentence names the place.
    """
    bound = type(kind.__name__, (kind,), {"file": path})
    if not path.is_file():
        raise OperatorError(
            f"There is no {path.name} in {path.parent}.", "Check --home; a new box is set up with `sanad enrol`."
        )
    try:
        return cast("S", bound())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise OperatorError(f"{path.name}: {place}: {first['msg']}.", "Correct that line of the file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path.name} is not TOML: {error}.", "Correct that line of the file.") from None


def node_toml(centre: Centre, central_url: str) -> str:
    """The text of a new `node.toml`."""
    document = tomlkit.document()
    document.add(tomlkit.comment("This node's settings. No secrets stand here; they are in the sealed store."))
    document["centre"] = centre.model_dump()
    document["central"] = {"url": central_url}
    counters = tomlkit.aot()
    counters.append(tomlkit.item({"name": "1"}))
    document["counters"] = counters
    return tomlkit.dumps(document)


def assign_device(path: Path, counter: str, address: str) -> None:
    """Write into `node.toml` that a counter uses a device; one of the same kind is replaced, all else stays.

    Raises:
        OperatorError: the file is missing or wrong, there is no such counter, or the address is none.
    """
    load(NodeSettings, path)
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    named = [each for each in document.get("counters", []) if each.get("name") == counter]
    if len(named) != 1:
        raise OperatorError(f"{path.name} has no single counter of that name.", "Write the counter into it first.")
    try:
        kind = read_address(address)[0]
    except DeviceFault as fault:
        raise OperatorError(fault.sentence, fault.next_step) from None
    named[0].setdefault("devices", tomlkit.table())[kind.value] = address
    replacement = path.with_name(path.name + ".new")
    with replacement.open("w", encoding="utf-8") as out:
        out.write(tomlkit.dumps(document))
        out.flush()
        os.fsync(out.fileno())
    load(NodeSettings, replacement)
    replacement.replace(path)


def central_toml(settings: CentralSettings) -> str:
    """The text of a new `central.toml`."""
    document = tomlkit.document()
    document.add(tomlkit.comment("Central's settings. No secrets stand here; they are in the sealed archive."))
    document["name"] = settings.name
    document["listen"] = settings.listen.model_dump()
    return tomlkit.dumps(document)
