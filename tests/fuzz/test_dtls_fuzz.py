# SPDX-License-Identifier: Apache-2.0
"""The DTLS fuzz target for a few seconds: it still runs and finds nothing. Long runs are started by hand."""

import subprocess
import sys
from pathlib import Path

TARGET = Path(__file__).with_name("dtls_fuzz.py")


def test_a_few_seconds_without_a_finding() -> None:
    run = subprocess.run(
        [sys.executable, str(TARGET), "-max_total_time=4", "-seed=1"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    assert "Done" in run.stderr
