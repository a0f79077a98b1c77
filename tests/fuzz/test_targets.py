# SPDX-License-Identifier: Apache-2.0
"""Every fuzz target for a few seconds: it still runs and finds nothing. Long runs are started by hand (`make fuzz`)."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE_S

TARGETS = sorted(Path(__file__).parent.glob("*_fuzz.py"))


@pytest.mark.usefixtures("fuzzer")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.stem)
def test_a_few_seconds_without_a_finding(target: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, str(target), "-max_total_time=2", "-seed=1"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    assert "Done" in run.stderr
