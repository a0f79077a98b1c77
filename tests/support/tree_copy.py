# SPDX-License-Identifier: Apache-2.0
"""A copy of the source tree to be changed by a test, and the import rules run over it."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
PYTHON = Path(sys.executable)


def copy_source(root: Path) -> Path:
    """``src/openmains`` and ``pyproject.toml`` below ``root``; the place of the package. Compiled files come along: they hold."""
    shutil.copytree(ROOT / "src" / "openmains", root / "src" / "openmains",
                    ignore=shutil.ignore_patterns("console_dist"))  # fmt: skip
    shutil.copy(ROOT / "pyproject.toml", root)
    return root / "src" / "openmains"


def run_in(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command of the environment (``python``, ``mypy`` …) with the copy's package instead of the installed one."""
    return subprocess.run(
        [str(PYTHON.parent / command[0]), *command[1:]], cwd=root, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        env={"PYTHONPATH": f"{root / 'src'}:{root}", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    return run_in(root, "lint-imports", "--no-cache", "--config", str(root / "pyproject.toml"))


def edit(path: Path, old: str, new: str) -> None:
    """Replace what stands in the file once."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, (path.name, old, text.count(old))
    path.write_text(text.replace(old, new), "utf-8")


def add(path: Path, text: str) -> None:
    """A new file, or lines at the end of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
