# SPDX-License-Identifier: Apache-2.0
"""The server needs no maker of test data: litestar names one, and nothing of ours asks for invented examples."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MAKERS = ("polyfactory", "faker")
WITHOUT = f"""
import sys
sys.modules.update(dict.fromkeys({MAKERS!r}))  # whoever imports one fails
from openmains.edges.http.openapi import document
print(len(document()))
"""


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_no_lock_names_them(lock: str) -> None:
    packages = set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / lock).read_text("utf-8"), re.M))
    assert packages & {*MAKERS, "hypothesis"} - ({"hypothesis"} if "dev" in lock else set()) == set()


@pytest.mark.usefixtures("takes_seconds")  # a process that imports the whole API
def test_the_api_describes_itself_without_them() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10_000
