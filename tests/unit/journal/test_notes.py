"""Signed notes against the examples of the standard."""

from __future__ import annotations

from appliance.journal import notes


def test_the_example_of_the_standard_verifies() -> None:
    key = notes.VerifierKey.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    line = "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    data = f"This is an example message.\n\n{line}".encode()
    note = notes.parse_note(data)
    notes.verify(note, key)
    assert note.encode() == data
