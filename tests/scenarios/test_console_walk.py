# SPDX-License-Identifier: Apache-2.0
"""The console in a real browser: ``console/e2e`` starts a demo with live meters and walks every main story.

Chromium is Debian's (``scripts/test-packages.sh`` installs it where it may); another one is named by ``CHROMIUM``.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
LIMIT_S = 1800  # ends what hangs
pytestmark = pytest.mark.usefixtures("starts_engines")


def test_stories_paths_and_budget(tmp_path: Path) -> None:
    """Each story in one language, in turn."""
    walk(tmp_path, "--once")


def test_stories_in_both_languages(tmp_path: Path, takes_minutes: None) -> None:
    walk(tmp_path)


def walk(tmp_path: Path, *options: str) -> None:
    if not CHROMIUM.is_file():
        pytest.skip(f"no Chromium at {CHROMIUM}: apt-get install chromium, or name one with CHROMIUM")
    node = shutil.which("node")
    assert node is not None, "Node.js is needed for the console"
    failures = tmp_path / "failures"
    failures.mkdir()
    command = [node, "e2e/run.mjs", *options]
    told = tmp_path / "told"
    with told.open("wb") as output:
        walked = subprocess.Popen(
            command,
            cwd=ROOT / "console",
            env={
                **os.environ,
                "OPENMAINS_PYTHON": sys.executable,
                "OPENMAINS_E2E_VAR": str(tmp_path / "var"),
                "OPENMAINS_E2E_FAILURES": f"{failures}/",
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            ended = walked.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(walked.pid, signal.SIGTERM)  # its demo and browser too
            ended = walked.wait()
    assert ended == 0, f"{told.read_text()}\nended with {ended}; pictures of what failed: {failures}"
