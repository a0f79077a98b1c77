# SPDX-License-Identifier: Apache-2.0
"""Processor time and memory of a system's processes, read from /proc, and profiles of them."""

import os
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

from openmains.run import messages

TICKS = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> dict[int, str]:
    """Process ids below ``root`` (root included) with a name: role, postgres, nats-server."""
    parents: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text("utf-8")
            except OSError:
                continue
            parents[int(stat.rpartition(")")[2].split()[1])].append(int(entry.name))
    found: dict[int, str] = {}
    todo = [root]
    while todo:
        pid = todo.pop()
        found[pid] = _name(pid)
        todo += parents[pid]
    return found


def _name(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "gone"
    text = b" ".join(words).decode("utf-8", "replace")
    if "nats-server" in text:
        return "jetstream"
    if "postgres" in text:
        return "postgresql"
    if "run.roles" in text:
        return words[-2].decode() if len(words) > 1 else "role"
    return "supervisor"


def processor_seconds(root: int) -> dict[str, float]:
    """User and system time so far by name."""
    total: dict[str, float] = defaultdict(float)
    for pid, name in tree(root).items():
        total[name] += own_seconds(pid)
    return dict(total)


def own_seconds(pid: int) -> float:
    """User and system time of one process so far; 0 when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def threads(root: int) -> dict[str, int]:
    """Threads there are now, by name of the process."""
    total: dict[str, int] = defaultdict(int)
    for pid, name in tree(root).items():
        try:
            total[name] += sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
        except OSError:
            continue
    return dict(total)


def memory_mb(root: int) -> int:
    """Proportional set size of all processes: shared pages count once."""
    total = 0
    for pid in tree(root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return round(total / 1024)


def may_profile(folder: Path | None) -> bool:
    """Whether the bench can go on: no profiles are wanted, or py-spy is there; else it says what to do."""
    if folder is None or shutil.which("py-spy") is not None:
        return True
    messages.fail(
        "--profile 需要 py-spy,但未找到:请先执行 pip install py-spy,或去掉 --profile。",
        "--profile needs py-spy, which was not found: pip install py-spy, or leave --profile out.",
    )
    return False


def start_profilers(folder: Path | None, root: int, seconds: float) -> list[subprocess.Popen[bytes]]:
    """py-spy on edge, core and dispatcher for the time of the load, when a folder is given and py-spy is installed."""
    if folder is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    return [
        subprocess.Popen(  # noqa: S603 - a developer's tool, asked for by option
            [  # noqa: S607 - found on PATH like any developer's tool
                "py-spy",
                "record",
                "-p",
                str(pid),
                "-d",
                str(int(seconds)),
                "-r",
                "200",
                "-f",
                "raw",
                "-o",
                str(folder / f"{name}.txt"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for pid, name in tree(root).items()
        if name in ("edge", "core", "dispatch")
    ]
