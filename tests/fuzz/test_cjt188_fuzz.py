# SPDX-License-Identifier: Apache-2.0
"""The CJ/T 188 and driver fuzz targets for a few seconds: they still run and find nothing."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("target", ["cjt188_fuzz.py", "drivers_fuzz.py"])
def test_a_few_seconds_without_a_finding(target: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(target)), "-max_total_time=4", "-seed=1"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    assert "Done" in run.stderr
