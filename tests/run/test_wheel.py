# SPDX-License-Identifier: Apache-2.0
"""The built wheel carries everything and runs without a checkout, from an empty folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (built,) = folder.glob("openmains-*.whl")
    return built


def test_it_holds_sql_driver_pages_and_console(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    sources = ROOT / "src"
    for pattern in ("**/*.sql", "**/*.toml"):
        for path in (sources / "openmains").glob(pattern):
            assert path.relative_to(sources).as_posix() in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    if (sources / "openmains" / "console_dist" / "index.html").exists():
        assert "openmains/console_dist/index.html" in names
    else:
        assert not (ROOT / "console" / "package.json").exists() or "CI" not in os.environ, "run: make console"


def test_it_runs_without_a_checkout(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(site),
        str(wheel),
    ]
    subprocess.run(pip, check=True, timeout=PATIENCE_S, capture_output=True)
    empty = tmp_path / "empty"
    empty.mkdir()
    env = {**os.environ, "PYTHONPATH": str(site), "LANG": "C.UTF-8"}

    def run(*words: str) -> str:
        command = [sys.executable, "-P", "-m", "openmains.run.cli", *words]
        done = subprocess.run(
            command, cwd=empty, env=env, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = subprocess.run(
        [sys.executable, "-P", "-c", "import openmains; print(openmains.__path__[0])"],
        cwd=empty, env=env, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert Path(where.strip()).is_relative_to(site)
    assert run("--version").startswith("openmains 0.")
    assert "dtls_port = 5684" in run("settings")
    assert list(empty.iterdir()) == []
