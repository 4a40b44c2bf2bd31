"""The shape of the house, proved by machines: arrows, sizes, the wheel, the locks."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("appliance", "tui", "sync", "devices", "provisioning")
JOURNAL_MAY_IMPORT: Final = frozenset(
    {
        "__future__",
        "base64",
        "binascii",
        "collections",
        "dataclasses",
        "functools",
        "hashlib",
        "json",
        "re",
        "typing",
        "unicodedata",
        "cryptography",
        "msgspec",
        "appliance.journal",
    }
)
FRAMES_MAY_IMPORT: Final = frozenset(
    {
        "__future__",
        "collections",
        "dataclasses",
        "enum",
        "heapq",
        "re",
        "struct",
        "typing",
        "msgspec",
        "appliance.journal",
        "sync.filequeue",
        "sync.frames",
        "threading.RLock",
        "sync.packing",
        "sync.refusals",
    }
)
TUI_MAY_IMPORT: Final = frozenset({"appliance", "devices.contracts"})
REACHES_OUT: Final = frozenset({"open", "exec", "eval", "compile", "__import__", "input", "print", "breakpoint"})
"""What needs no import to touch the world, or to import what no check sees."""
MAX_FUNCTION_LINES: Final = 70
MAX_MODULE_LINES: Final = 500


def python_files(*folders: str) -> list[Path]:
    return [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]


def copy_of_the_house(place: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, place / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", place)
    return place


def lint_imports(place: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=place, capture_output=True, text=True, check=False)


def test_the_arrows_hold(tmp_path: Path) -> None:
    found = lint_imports(copy_of_the_house(tmp_path))
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("appliance/journal/tree.py", "import tui"),
        ("appliance/journal/tree.py", "import sqlalchemy"),
        ("appliance/journal/tree.py", "import time"),
        ("appliance/store/store.py", "import sync.frames"),
        ("sync/session.py", "import socket"),
        ("sync/frames.py", "import appliance.store.store"),
        ("sync/central/authority.py", "import appliance.store.store"),
        ("sync/wire.py", "import appliance.store.store"),
        ("sync/enrol.py", "import appliance.casework.applications"),
        ("tui/__init__.py", "import devices.paper"),
        ("tui/__init__.py", "import sync.frames"),
        ("devices/__init__.py", "import appliance"),
        ("tui/__init__.py", "import provisioning"),
    ],
)
def test_an_arrow_against_the_rules_is_found(tmp_path: Path, module: str, line: str) -> None:
    house = copy_of_the_house(tmp_path)
    file = house / module
    file.write_text(file.read_text().replace("from __future__ import annotations\n", "", 1) + f"\n{line}\n")
    assert lint_imports(house).returncode != 0


@pytest.mark.parametrize(
    ("modules", "never"),
    [
        (
            "appliance.journal.verify appliance.journal.export appliance.journal.proof appliance.journal.kinds",
            "sqlalchemy sqlcipher3 sqlite3 pyrage requests fastapi typer appliance.records appliance.store sync tui"
            " devices provisioning",
        ),
        ("sync.frames sync.session", "appliance.store sqlcipher3 sqlalchemy requests fastapi uvicorn"),
        (
            "appliance.casework.applications appliance.access.operators",
            "sync tui devices provisioning fastapi requests",
        ),
        (
            "appliance.certificates.render appliance.certificates.receipt appliance.certificates.sign",
            "sqlalchemy sqlcipher3 appliance.records appliance.store appliance.casework appliance.access sync tui"
            " devices provisioning",
        ),
        ("devices", "appliance sync tui provisioning"),
    ],
)
def test_a_fresh_process_loads_nothing_that_the_arrows_forbid(modules: str, never: str) -> None:
    program = (
        f"import sys, importlib\nfor name in {modules.split()!r}: importlib.import_module(name)\n"
        f"print([name for name in {never.split()!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def imports(code: str) -> Iterator[str]:
    """Everything that code imports, by its full name; and what it calls to go around that."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Name) and node.id in REACHES_OUT:
            yield node.id


def beyond(code: str, allowed: frozenset[str]) -> list[str]:
    return [name for name in imports(code) if not any(f"{name}.".startswith(f"{each}.") for each in allowed)]


@pytest.mark.parametrize(
    ("files", "allowed"),
    [
        (python_files("appliance/journal"), JOURNAL_MAY_IMPORT),
        ([ROOT / f"sync/{name}.py" for name in ("frames", "filequeue", "session", "courierfile")], FRAMES_MAY_IMPORT),
    ],
    ids=["journal", "frames, session, queue and the courier's file"],
)
def test_what_does_no_io_imports_only_what_can_do_none(files: list[Path], allowed: frozenset[str]) -> None:
    assert len(files) > 1
    assert {str(file): found for file in files if (found := beyond(file.read_text(), allowed))} == {}


def test_the_console_imports_of_ours_only_the_appliance_and_what_a_device_promises() -> None:
    for file in python_files("tui"):
        ours = [name for name in beyond(file.read_text(), TUI_MAY_IMPORT) if name.split(".")[0] in PACKAGES]
        assert all(name.split(".")[0] == "tui" for name in ours), file


@pytest.mark.parametrize(
    "line",
    [
        "import sqlite3",
        "from pathlib import Path",
        "import http.client",
        "from appliance import store",
        "import appliance",
        "import importlib",
        "open('x')",
        "__import__('socket')",
        "def later():\n    import asyncio",
    ],
)
def test_an_import_that_could_do_io_is_found(line: str) -> None:
    assert beyond(line, JOURNAL_MAY_IMPORT)


def test_a_fresh_process_loads_for_the_journal_only_the_standard_library_cryptography_and_msgspec() -> None:
    modules = [
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for file in python_files("appliance/journal")
    ]
    program = (
        "import sys, importlib\nbefore = set(sys.modules)\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = found.stdout.split()
    assert set(modules) <= set(loaded)
    beside = {name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names}
    allowed = re.compile(
        r"appliance|appliance\.journal(\..+)?|(cryptography|msgspec)(\..+)?"
        r"|_cffi_backend|_openssl(\..+)?|typing_extensions"  # what cryptography brings
    )
    assert [name for name in sorted(beside) if not allowed.fullmatch(name)] == []


def test_every_link_in_the_documents_leads_to_a_file() -> None:
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    lost = [
        f"{document.relative_to(ROOT)}: {link}"
        for document in documents
        for link in re.findall(r"\]\(<?([^)\s>]+)", document.read_text())
        if re.match(r"[a-z]+:|#", link) is None and not (document.parent / link.split("#")[0]).exists()
    ]
    assert not lost


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name}"
        for file in python_files(*PACKAGES, "tests", "docs")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert not long


def test_no_module_is_longer_than_its_bound() -> None:
    long = [
        str(file.relative_to(ROOT))
        for file in python_files(*PACKAGES)
        if len(file.read_text().splitlines()) > MAX_MODULE_LINES
    ]
    assert not long


def test_every_package_says_what_lives_there_and_what_it_may_import() -> None:
    for package in PACKAGES:
        words = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text())) or ""
        assert "import" in words, package


def test_the_locks_hold_hashes_and_no_addresses() -> None:
    for lock in ("requirements-run.lock", "requirements-test.lock", "provisioning/assets.lock"):
        text = (ROOT / lock).read_text()
        assert "://" not in text
        assert "--index" not in text
        pins = re.findall(r"(?m)^[a-z0-9].*$", text)
        assert pins
        assert all("==" in pin for pin in pins)
        assert text.count("--hash=sha256:") >= len(pins)


def test_one_wheel_holds_the_five_packages_and_the_command(tmp_path: Path) -> None:
    house = copy_of_the_house(tmp_path / "house")
    for file in ("README.md", "LICENSE"):
        shutil.copy(ROOT / file, house)
    build: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
        house,
    ]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        entry_points = next(name for name in names if name.endswith("entry_points.txt"))
        assert "sanad = provisioning.__main__:main" in archive.read(entry_points).decode()
    assert {f"appliance/certificates/templates/{name}.typ" for name in ("certificate", "common", "receipt")} <= {*names}
    shown = {"templates/fleet.html", "static/fleet.css", "static/fleet.js", "static/icon.svg"}
    assert {f"sync/central/pages/{name}" for name in shown} <= {*names}
    assert {name.split("/")[0] for name in names if not name.startswith("sanad-")} == set(PACKAGES)
    services = {str(file.relative_to(ROOT)) for file in (ROOT / "appliance/catalogue/services").glob("*.toml")}
    assert services
    assert services <= set(names)
