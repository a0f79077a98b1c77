# SPDX-License-Identifier: Apache-2.0
"""The import rules hold, and each of them bites: a violation put into a copy of the tree is reported."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _lint(root: Path) -> subprocess.CompletedProcess[str]:
    command = [
        str(Path(sys.executable).parent / "lint-imports"),
        "--no-cache",
        "--config",
        str(root / "pyproject.toml"),
    ]
    env = {"PYTHONPATH": str(root / "src"), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src" / "openmains", tmp_path / "src" / "openmains",
                    ignore=shutil.ignore_patterns("__pycache__", "console_dist"))  # fmt: skip
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_tree_obeys() -> None:
    done = _lint(ROOT)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("domain/readings/bad.py", "import openmains.edges", "Layers"),
        ("utils/__init__.py", "", "Layers"),
        ("run/bad.py", "import openmains.bench", "Layers"),
        ("wire/utilities.py", "", "Wire"),
        ("wire/coap/bad.py", "import openmains.wire.cjt188", "Wire"),
        ("domain/readings/bad.py", "import openmains.domain.fleet", "Domain"),
        ("domain/utilities.py", "", "Domain"),
        ("edges/udp/bad.py", "import openmains.edges.postgres", "Edges"),
        ("emulator/bad.py", "import openmains.app", "Emulator"),
        ("wire/coap/bad.py", "import socket", "no I/O"),
        ("wire/coap/bad.py", "from time import time", "no I/O"),
        ("domain/readings/bad.py", "import asyncio.events", "no I/O"),
        ("domain/readings/bad.py", "import numpy", "standard library"),
        ("wire/coap/bad.py", "import cryptography", "standard library"),
        ("wire/dtls/bad.py", "import numpy", "standard library"),
        ("drivers/bad.py", "import random", "no I/O"),
    ],
)
def test_a_violation_is_caught(copy: Path, file: str, line: str, contract: str) -> None:
    path = copy / "src" / "openmains" / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"# SPDX-License-Identifier: Apache-2.0\n{line}\n")
    done = _lint(copy)
    broken = [text for text in done.stdout.splitlines() if " BROKEN" in text]
    assert done.returncode == 1, done.stdout[-2000:]
    assert any(contract in text for text in broken), broken
