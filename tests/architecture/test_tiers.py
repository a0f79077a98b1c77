# SPDX-License-Identifier: Apache-2.0
"""Which tests are run when: marks come from fixtures, and nobody starts an engine without one."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

from tests.support import tiers
from tests.support.source_tree import naming, parsed

ROOT = Path(__file__).resolve().parents[2]
STARTERS = {"running_engines", "running_system"}


def test_no_mark_is_set_by_hand() -> None:
    hand = {f"mark.{name}" for name in set(tiers.MARK_OF_FIXTURE.values())}
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in (ROOT / "tests").rglob("*.py")
        for word in hand
        if re.search(rf"\b{word}\b", path.read_text("utf-8")) and path.name != Path(__file__).name
    ]
    assert found == []


def test_make_runs_what_is_written_down() -> None:
    recipe = (ROOT / "Makefile").read_text("utf-8")
    for target, chosen in (("check", tiers.CHECK), ("test", tiers.TEST), ("test-slow", tiers.SLOW)):
        body = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", recipe, re.M)
        assert body is not None and f'-m "{chosen}"' in body[1], target


def test_check_selects_no_test_that_needs_an_engine(request: pytest.FixtureRequest) -> None:
    """Of all that is collected here: every test if all are, as in `make test`."""
    chosen = Expression.compile(tiers.CHECK)
    escaped = []
    for item in request.session.items:
        names = {mark.name for mark in item.iter_markers()}
        fixtures = getattr(item, "fixturenames", ())
        if chosen.evaluate(lambda name, **_: name in names) and tiers.marks_of(fixtures):  # noqa: B023 - called at once
            escaped.append(item.nodeid)
    assert escaped == []


def test_a_test_without_the_mark_that_starts_an_engine_fails() -> None:
    for words in (["nats-server", "--version"], [sys.executable, "-m", "openmains.run.cli", "serve", "--help"]):
        with pytest.raises(AssertionError, match="starts an engine"):
            subprocess.run(words, check=False)


def test_engines_and_systems_are_started_by_fixtures_alone() -> None:
    """What a fixture does not hand out cannot be marked: nobody else imports the functions that start them."""
    found = []
    for path in naming(ROOT / "tests", STARTERS):
        if path in (
            ROOT / "tests" / "conftest.py",
            ROOT / "tests" / "peers" / "__main__.py",
        ):  # the latter is `make peers`, no test
            continue
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ImportFrom):
                found += [f"{path.relative_to(ROOT)}: {name.name}" for name in node.names if name.name in STARTERS]
    assert found == []
