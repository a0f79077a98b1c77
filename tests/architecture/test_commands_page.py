# SPDX-License-Identifier: Apache-2.0
"""What the docs draw of commands is what the code does."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

from openmains.domain.command.kinds import RULES

ROOT = Path(__file__).resolve().parents[2]


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_life_of_a_command_is_drawn_from_the_table() -> None:
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert page == _script("reference").with_life(page), "run: make docs"


def test_the_life_of_a_meter_is_drawn_from_the_table() -> None:
    page, script = (ROOT / "docs" / "meter-lives.md").read_text("utf-8"), _script("reference")
    assert page == script.with_life(page, script.life_of_a_meter), "run: make docs"


def test_the_life_of_an_alarm_is_drawn_as_it_is() -> None:
    page, script = (ROOT / "docs" / "alarms.md").read_text("utf-8"), _script("reference")
    assert page == script.with_life(page, script.life_of_an_alarm), "run: make docs"


def test_the_consoles_table_of_kinds_says_what_the_servers_does() -> None:
    page = (ROOT / "console" / "src" / "features" / "command" / "kinds.ts").read_text("utf-8")
    table = page.split("const FACTS", 1)[1].split("\n};", 1)[0]
    rows = dict(re.findall(r"^  (\w+): \{(.*?)(?:^  \}| \}),$", table, re.MULTILINE | re.DOTALL))
    assert set(rows) == set(RULES)
    for kind, rule in RULES.items():
        assert f'title: ["{rule.zh}", "{rule.en}"]' in rows[kind], kind
        marks = {mark: f"{mark}: true" in rows[kind] for mark in ("signed", "administrator", "reads")}
        assert marks == {"signed": rule.signed, "administrator": rule.for_administrators, "reads": not rule.effect}, (
            kind
        )


def test_the_planners_picture_is_drawn_from_its_town() -> None:
    picture = (ROOT / "docs" / "pictures" / "planner.svg").read_text("utf-8")
    assert picture == _script("planner_chart").drawing(), "run: python scripts/planner_chart.py"
