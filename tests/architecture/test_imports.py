# SPDX-License-Identifier: Apache-2.0
"""The import rules hold, and each of them bites: of all violations put into one copy of the tree each is reported by its rule."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.support.tree_copy import ROOT, copy_source, lint_imports

VIOLATIONS = [  # file, where "bad" becomes a name of its own; a line of it; a word of the rule that forbids it
    ("domain/readings/bad.py", "import openmains.edges", "Layers"),
    ("utils/__init__.py", "", "Layers"),
    ("run/bad.py", "import openmains.bench", "Layers"),
    ("wire/utilities.py", "", "Wire"),
    ("wire/coap/bad.py", "import openmains.wire.cjt188", "Wire"),
    ("domain/readings/bad.py", "import openmains.domain.fleet", "Domain"),
    ("domain/utilities.py", "", "Domain"),
    ("edges/udp/bad.py", "import openmains.edges.postgres", "Edges"),
    ("app/link/downlinks.py", "import openmains.wire.lwm2m", "What every channel shares"),
    ("emulator/bad.py", "import openmains.app", "Emulator"),
    ("wire/coap/bad.py", "import socket", "no I/O"),
    ("wire/coap/bad.py", "from time import time", "no I/O"),
    ("domain/readings/bad.py", "import asyncio.events", "no I/O"),
    ("domain/readings/bad.py", "import numpy", "standard library"),
    ("wire/coap/bad.py", "import cryptography", "standard library"),
    ("wire/dtls/bad.py", "import numpy", "standard library"),
    ("drivers/bad.py", "import random", "no I/O"),
    ("app/identity/bad.py", "import openmains.app.fleet.model", "Contexts of app"),
    ("app/fleet/bad.py", "import openmains.app.readings.model", "Contexts of app"),
    ("app/security/bad.py", "import openmains.app.alarm.model", "Contexts of app"),
    ("app/job/bad.py", "import openmains.app.fleet.imports.jobs", "Contexts of app"),
    ("app/command/bad.py", "import openmains.app.ingest.pipeline.ports", "Contexts of app"),
    ("app/unit_of_work.py", "import openmains.app.identity.ports", "Contexts of app"),
    ("app/party/__init__.py", "import openmains.app.readings.model", "Contexts of app"),
    ("edges/postgres/fleet/bad.py", "import openmains.edges.postgres.command.tables", "Contexts of edges.postgres"),
    ("edges/postgres/db.py", "import openmains.edges.postgres.identity.tables", "Contexts of edges.postgres"),
    ("edges/postgres/utilities.py", "", "Contexts of edges.postgres"),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What one run says of all of them."""
    root = tmp_path_factory.mktemp("tree")
    tree = copy_source(root)
    for place, (file, line, _) in enumerate(VIOLATIONS):
        path = tree / _named(file, place)
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as text:
            text.write(f"# SPDX-License-Identifier: Apache-2.0\n{line}\n")
    done = lint_imports(root)
    assert done.returncode == 1, done.stdout[-2000:]
    return done.stdout.partition("\nBroken contracts\n")[2]


def _named(file: str, place: int) -> str:
    """Each bad module has a name by which it is found in the report."""
    return file.replace("bad.py", f"bad{place}.py")


def test_the_tree_obeys() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize(("place", "file", "line", "contract"), [(k, *each) for k, each in enumerate(VIOLATIONS)])
def test_a_violation_is_caught(report: str, place: int, file: str, line: str, contract: str) -> None:
    path = f"openmains/{_named(file, place)}".removesuffix("/__init__.py").removesuffix(".py")
    module = path.replace("/", ".")
    told = [
        heading
        for heading, body in re.findall(r"^(\S[^\n]*)\n-{10,}\n(.*?)(?=^\S[^\n]*\n-{10,}\n|\Z)", report, re.M | re.S)
        if re.search(rf"-\s+{re.escape(module)}( ->|$)", body, re.M)
    ]
    assert any(contract in heading for heading in told), (module, line, told)


def _named_in_app() -> set[str]:
    """What the contract of tiers names below app: ``fleet``, ``ingest.edge``, …"""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one.get("containers") == ["openmains.app"])
    return {name.strip(" ()") for layer in layers for name in layer.split("|")}


def _directly_in(folder: Path) -> set[str]:
    there = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    return there - {"__init__"}


def without_tier(app: Path) -> set[str]:
    """The linter cannot tell: a contract that names parts of ingest cannot be exhaustive."""
    there = (_directly_in(app) - {"ingest"}) | {f"ingest.{name}" for name in _directly_in(app / "ingest")}
    return there - _named_in_app()


def test_everything_in_app_has_its_tier(tmp_path: Path) -> None:
    app = copy_source(tmp_path) / "app"
    assert without_tier(app) == set()
    for package in ("utils", "ingest/more"):
        (app / package).mkdir()
        (app / package / "__init__.py").touch()
    (app / "helpers.py").touch()
    assert without_tier(app) == {"utils", "helpers", "ingest.more"}
