# SPDX-License-Identifier: Apache-2.0
"""What the docs draw of commands is what the code does."""

import importlib.util
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


def test_the_console_calls_each_kind_as_the_table_does() -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "console" / "src").rglob("*.ts")]
    words = "\n".join(text for text in texts if 'read_now: ["' in text)
    for rule in RULES.values():
        assert f'{rule.kind}: ["{rule.zh}", "{rule.en}"]' in words, rule.kind


def test_the_planners_picture_is_drawn_from_its_town() -> None:
    picture = (ROOT / "docs" / "pictures" / "planner.svg").read_text("utf-8")
    assert picture == _script("planner_chart").drawing(), "run: python scripts/planner_chart.py"
