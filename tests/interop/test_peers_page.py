# SPDX-License-Identifier: Apache-2.0
"""`make peers`: who is looked for where, and what the page says of who was found, who was not, and what went wrong."""

from pathlib import Path

import pytest

from tests.peers.__main__ import CLIENTS, PAGE
from tests.peers.found import Case, Client
from tests.peers.table import Result, Row, page


def a_client(name: str = "Some stack", *programs: str) -> Client:
    return Client(
        name, programs, "the sources of it | target x", (Case("握手", "handshake", lambda place, program: None),)
    )


def test_the_folder_is_looked_in_before_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = a_client("Some stack", "first-name", "second-name")
    monkeypatch.delenv("OPENMAINS_PEERS", raising=False)
    assert wanted.find() is None
    folder, path = tmp_path / "folder", tmp_path / "path"
    for place in (folder, path):
        place.mkdir()
        program = place / "second-name"
        program.write_text("#!/bin/sh\necho version 3.1.4 of it\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path}:/usr/bin:/bin")
    assert wanted.find() == str(path / "second-name")
    monkeypatch.setenv("OPENMAINS_PEERS", str(folder))
    assert wanted.find() == str(folder / "second-name")
    assert wanted.version(str(folder / "second-name")) == "3.1.4"


def test_who_is_missing_is_named_with_how_to_get_it_and_a_failure_with_what_was_seen() -> None:
    rows = [Row("握手", "handshake", "✓"), Row("引导", "bootstrap", "✗", "not within 60 s: 2.04 | its last words: x")]
    text = page([Result(a_client(), "3.1.4", rows), Result(a_client("Another stack"))])
    assert "| Some stack | 3.1.4 | 1 | 1 | 0 |" in text
    assert "| 引导 | bootstrap | ✗ not within 60 s: 2.04 \\| its last words: x |" in text
    assert "| Another stack | 未找到 not found | | | |" in text
    assert "| Another stack | the sources of it \\| target x |" in text


def test_each_client_says_how_to_get_it_and_has_its_line_on_the_page() -> None:
    names = [client.name for client in CLIENTS]
    assert len(set(names)) == len(names)
    written = PAGE.read_text("utf-8")
    for client in CLIENTS:
        assert client.get and client.cases and f"| {client.name} |" in written, client.name
