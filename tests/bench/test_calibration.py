# SPDX-License-Identifier: Apache-2.0
"""What stands beside every figure of a bench."""

import json

import pytest

from openmains.bench import calibration
from openmains.run.cli import main


@pytest.mark.usefixtures("foreign_programs")
def test_a_machine_is_measured_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "machine", "--json"]) == 0
    line, last = capsys.readouterr().out.splitlines()
    figures = json.loads(last)
    assert all(figures[name] > 0 for name in ("cores", "aesccm_opens_per_s", "fdatasync_4k_p50_ms", "aiocoap_per_core"))
    assert line == calibration.Calibration(**figures).line()
    assert f"{figures['aiocoap_per_core']:,} requests" in line
