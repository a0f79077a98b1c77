# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from openmains.bench.machine import may_profile


def test_profiles_without_the_profiler_are_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert may_profile(None)
    assert not may_profile(Path("profiles"))
    assert capsys.readouterr().err.count("pip install py-spy") == 2  # in both languages
