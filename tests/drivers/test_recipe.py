# SPDX-License-Identifier: Apache-2.0
"""The recipe for a driver in CONTRIBUTING, followed in a copy of the tree with the example of docs/protocols/drivers.md.

Nothing but the files the recipe names is touched; the new page then keeps all rules, and its vectors run.
"""

import re
import shutil
from pathlib import Path

import pytest

from openmains.drivers import catalog
from openmains.drivers.errors import DriverPageError
from openmains.drivers.model import Driver
from tests.drivers.test_all_drivers import TestEveryDriver as Rules
from tests.drivers.test_all_drivers import test_vector as run_vector

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "docs/protocols/drivers.md").read_text("utf-8").split("```toml\n")[1].split("```")[0]
RULES = [name for name in dir(Rules) if name.startswith("test_")]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """All pages of the project, in a copy."""

    def code(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(folder, name).is_file() and not name.endswith(".toml")]

    shutil.copytree(ROOT / "src/openmains/drivers", tmp_path / "src/openmains/drivers", ignore=code)
    return tmp_path


def recipe(tree: Path, model: str) -> tuple[Path, Path]:
    """The files that the recipe names for a model of ACME: its page and the maker's groups."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## A driver for a meter")[1]
    named = re.findall(r"`([^`]+)`", text.split("Files it touches:")[1].split(". ")[0])
    page, groups = (tree / name.replace("<maker>", "acme").replace("<model>", model) for name in named)
    page.parent.mkdir(exist_ok=True)
    return page, groups


def loaded(tree: Path) -> catalog.Catalog:
    return catalog.load_from(catalog.pages_in(tree / "src/openmains/drivers"))


def keeps_every_rule(driver: Driver) -> None:
    for vector in driver.vectors:
        run_vector(driver, vector)
    for name in RULES:
        getattr(Rules(), name)(driver)


def test_the_example_is_a_driver(tree: Path) -> None:
    page, _ = recipe(tree, "water-7")
    page.write_text(EXAMPLE, "utf-8")
    drivers = loaded(tree)
    assert set(drivers.names()) == {*catalog.load().names(), "acme/water-7"}
    assert len(RULES) > 5 and len(drivers.driver("acme/water-7").vectors) == 3
    keeps_every_rule(drivers.driver("acme/water-7"))


def test_a_second_model_shares_what_is_the_same(tree: Path) -> None:
    page, groups = recipe(tree, "water-8")
    alarms = "low_battery = 0\nreverse_flow = 3\n"
    assert alarms in EXAMPLE
    groups.write_text(f"[alarms]\n{alarms}", "utf-8")
    text = EXAMPLE.replace("acme/water-7", "acme/water-8").replace(alarms, 'use = "acme/alarms"\nburst = 5\n')
    page.write_text(text, "utf-8")
    keeps_every_rule(loaded(tree).driver("acme/water-8"))


def test_a_broken_page_stops_the_start_and_says_where(tree: Path) -> None:
    page, _ = recipe(tree, "water-7")
    page.write_text(EXAMPLE.replace("openmains/signal", "openmains/signals"), "utf-8")
    with pytest.raises(DriverPageError, match=r"acme/water-7\.toml:\d+: there is no group 'openmains/signals'"):
        loaded(tree)
