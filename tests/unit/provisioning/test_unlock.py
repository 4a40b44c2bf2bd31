"""A passphrase comes from a private file outside the home, or from the terminal, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.journal.errors import OperatorError
from appliance.sealing import slotfile, slots
from appliance.sealing.passphrase import Cost, PassphraseError
from appliance.sealing.slots import WrongPassphrase
from provisioning.unlock import Ask, open_slots, read_passphrase, read_password

WORDS = "seven old ferries"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    place.mkdir()
    return place


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "secret"
    place.write_text(WORDS + "\n")
    place.chmod(0o600)
    return place


def no_terminal() -> Ask | None:
    return None


def typing(*answers: str) -> Callable[[], Ask]:
    """A person at the terminal, who types these."""
    given: Iterator[str] = iter(answers)
    return lambda: lambda prompt: next(given)


def from_file(home: Path, file: Path, *, new: bool = False) -> str:
    return read_passphrase(
        home, new=new, environment={"SANAD_PASSPHRASE_FILE": str(file)}, ask=lambda: pytest.fail("it asked")
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"seven old ferries\n", "seven old ferries"),
        (b"seven old ferries", "seven old ferries"),
        (b"seven old ferries\r\n", "seven old ferries"),
        (b" seven old ferries \n", " seven old ferries "),
        ("پرانی کشتیاں\n".encode(), "پرانی کشتیاں"),
    ],
)
def test_one_line_end_is_taken_off_and_nothing_else(home: Path, file: Path, written: bytes, read: str) -> None:
    file.write_bytes(written)
    assert from_file(home, file) == read


@pytest.mark.parametrize("written", [b"seven old ferries\n\n", b"two\nlines\n", b"seven\told ferries\n"])
def test_what_could_not_be_typed_is_refused(home: Path, file: Path, written: bytes) -> None:
    file.write_bytes(written)
    with pytest.raises(PassphraseError, match="cannot be typed or seen"):
        from_file(home, file)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o444])
def test_a_file_that_others_can_read_is_named_and_used(
    home: Path, file: Path, mode: int, capsys: pytest.CaptureFixture[str]
) -> None:
    file.chmod(mode)
    assert from_file(home, file)
    assert f"chmod 600 {file}" in capsys.readouterr().err


@pytest.mark.parametrize("mode", [0o660, 0o602])
def test_a_file_that_others_can_change_is_refused_with_the_command_that_mends_it(
    home: Path, file: Path, mode: int
) -> None:
    file.chmod(mode)
    with pytest.raises(OperatorError, match="can be changed by others") as caught:
        from_file(home, file)
    assert f"chmod 600 {file}" in caught.value.next_step


def test_a_file_inside_the_home_is_refused_also_through_a_link(home: Path, tmp_path: Path, file: Path) -> None:
    inside = home / "passphrase"
    file.rename(inside)
    link = tmp_path / "link"
    link.symlink_to(inside)
    other_name = tmp_path / "also-home"
    other_name.symlink_to(home)
    for path in (inside, link, other_name / "passphrase", home / ".." / "home" / "passphrase"):
        with pytest.raises(OperatorError, match="inside the home"):
            from_file(home, path)
    with pytest.raises(OperatorError, match="inside the home"):
        from_file(other_name, inside)


def test_a_link_to_a_private_file_elsewhere_is_followed(home: Path, tmp_path: Path, file: Path) -> None:
    (tmp_path / "link").symlink_to(file)
    assert from_file(home, tmp_path / "link") == WORDS


def test_empty_large_and_undecodable_files_are_refused(home: Path, file: Path) -> None:
    for written, what in (
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"x" * 4097, "is larger than 4096"),
        (b"\xff\xfe", "is not text"),
    ):
        file.write_bytes(written)
        with pytest.raises(OperatorError, match=what):
            from_file(home, file)


def test_what_is_not_a_file_is_refused_without_waiting(home: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    for path, what in ((tmp_path, "not a file"), (pipe, "not a file"), (tmp_path / "none", "cannot be opened")):
        with pytest.raises(OperatorError, match=what):
            from_file(home, path)


def test_links_in_a_circle_are_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(OperatorError, match="cannot be opened"):
        from_file(home, tmp_path / "a")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_file_of_another_user_is_refused(home: Path, file: Path) -> None:
    os.chown(file, 65_534, 65_534)
    with pytest.raises(OperatorError, match="belongs to another user") as caught:
        from_file(home, file)
    assert f"chown 0 {file}" in caught.value.next_step
    os.chown(home, 65_534, 65_534)
    assert from_file(home, file) == WORDS, "the owner of the home may own the file"


def test_no_refusal_quotes_the_secret(home: Path, file: Path) -> None:
    file.write_bytes(b"CANARY \xff\n")
    with pytest.raises(OperatorError) as caught:
        from_file(home, file)
    assert "CANARY" not in f"{caught.value} {caught.value.__cause__} "
    assert caught.value.__suppress_context__


def test_without_a_file_and_a_terminal_it_says_what_to_do(home: Path) -> None:
    for environment in ({}, {"SANAD_PASSPHRASE_FILE": ""}):
        with pytest.raises(OperatorError, match="no terminal") as caught:
            read_passphrase(home, environment=environment, ask=no_terminal)
        assert "SANAD_PASSPHRASE_FILE" in caught.value.next_step


def test_a_known_passphrase_is_asked_for_once_and_a_new_one_twice(home: Path) -> None:
    assert read_passphrase(home, environment={}, ask=typing("short")) == "short"
    assert read_passphrase(home, new=True, environment={}, ask=typing(WORDS, WORDS)) == WORDS
    with pytest.raises(OperatorError, match="not the same"):
        read_passphrase(home, new=True, environment={}, ask=typing(WORDS, WORDS + "s"))


def test_a_weak_new_passphrase_is_refused_before_it_is_typed_again(home: Path, file: Path) -> None:
    with pytest.raises(PassphraseError, match="shorter than 12"):
        read_passphrase(home, new=True, environment={}, ask=typing("too short"))
    file.write_text("too short\n")
    with pytest.raises(PassphraseError, match="shorter than 12"):
        from_file(home, file, new=True)


def test_an_operators_password_has_its_own_variable_and_length(home: Path, file: Path) -> None:
    environment = {"SANAD_PASSWORD_FILE": str(file)}
    assert read_password(home, "SANAD_PASSWORD_FILE", "Password", environment=environment, ask=no_terminal) == WORDS
    with pytest.raises(PassphraseError, match="shorter than 8"):
        read_password(home, "SANAD_PASSWORD_FILE", "Password", new=True, environment={}, ask=typing("seven77"))


def test_a_process_without_a_terminal_finds_none() -> None:
    code = "import sys; from provisioning.unlock import find_terminal; sys.exit(find_terminal() is not None)"
    assert subprocess.run([sys.executable, "-c", code], start_new_session=True, check=False).returncode == 0


@pytest.fixture
def locked_home(home: Path) -> Path:
    cost = Cost(memory_kib=64 * 1024, iterations=1, lanes=2)
    made = slots.create(bytes(32), WORDS, label="x", at="2026-03-01T08:30:00.000Z", random=os.urandom, cost=cost)
    slotfile.save(home, made.slots)
    return home


def test_a_typing_error_may_be_mended_twice(locked_home: Path) -> None:
    said: list[str] = []
    answers = iter(["seven old ferrets", "", WORDS])

    def ask(prompt: str) -> str:
        said.append(prompt)
        return next(answers)

    assert open_slots(locked_home, environment={}, ask=lambda: ask).keys == (bytes(32),)
    assert said[0] == "Passphrase of this home: "
    assert said[1] == said[2] == "That does not open it. Passphrase of this home: "
    with pytest.raises(WrongPassphrase):
        open_slots(locked_home, environment={}, ask=typing("wrong one", "wrong two", "wrong three", WORDS))


def test_a_wrong_passphrase_in_a_file_is_tried_once_and_nobody_is_asked(locked_home: Path, file: Path) -> None:
    file.write_text("seven old ferrets")
    with pytest.raises(WrongPassphrase):
        open_slots(locked_home, environment={"SANAD_PASSPHRASE_FILE": str(file)}, ask=lambda: pytest.fail("it asked"))


@pytest.mark.parametrize("error", [EOFError(), UnicodeDecodeError("utf-8", b"CANARY\xff", 6, 7, "CANARY")])
def test_an_end_of_input_at_the_prompt_is_not_a_fault(home: Path, error: Exception) -> None:
    def ask(prompt: str) -> str:
        raise error

    with pytest.raises(OperatorError, match="Nothing was entered") as caught:
        read_passphrase(home, environment={}, ask=lambda: ask)
    assert "CANARY" not in str(caught.value)
