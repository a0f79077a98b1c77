# SPDX-License-Identifier: Apache-2.0
"""Logs: each process writes one JSON object a line to its output; the supervisor files and shortens them.

``{"t": "…Z", "level": "info", "name": "openmains.edges.udp", "event": "…", …}``; values given as
``extra={"fields": {…}}`` stand beside them. Passwords in URLs and the secrets of this installation are blotted out
before a line leaves the process.
"""

import contextlib
import json
import logging
import logging.handlers
import re
import sys
from pathlib import Path
from typing import Any

from openmains.domain.period import utc
from openmains.run.settings import masked

SHORTEST = 20  # letters of a secret
_SHORT = {"warning": "WARN", "error": "ERROR", "critical": "ERROR"}


class JsonFormatter(logging.Formatter):
    """One record, one line of JSON."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__()
        self._secrets = re.compile("|".join(map(re.escape, secrets))) if secrets else None

    def format(self, record: logging.LogRecord) -> str:
        """Line without its end."""
        line: dict[str, Any] = {
            "t": utc(record.created).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "level": record.levelname.lower(),
            "name": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        text = masked(json.dumps(line, ensure_ascii=False, default=str))
        return self._secrets.sub("***", text) if self._secrets else text


def known_secrets(var: Path) -> list[str]:
    """Every secret kept for this installation."""
    folder = var / "secrets"
    files = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    texts = [path.read_bytes().decode("ascii", "replace").strip() for path in files]
    # What is short is no secret but a damaged file: blotting it out would eat every line. The signer's own are in a folder of its own.
    return [text for text in texts if len(text) >= SHORTEST]


def set_up(var: Path, level: str) -> None:
    """Send this process's log to its output as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(known_secrets(var)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("nats", "asyncio", "urllib3", "clickhouse_connect"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def say(text: str) -> None:
    """A line for the person at the terminal that no log file keeps (a first password, for one)."""
    print(json.dumps({"say": text}, ensure_ascii=False), flush=True)


class LogFiles:
    """``var/log/<name>.log``, turned over by size; and the short form of what a person should see."""

    def __init__(self, var: Path, megabytes: int, keep: int) -> None:
        self._folder = var / "log"
        self._folder.mkdir(mode=0o750, exist_ok=True)
        self._bytes = megabytes << 20
        self._keep = keep
        self._handlers: dict[str, logging.handlers.RotatingFileHandler] = {}

    def take(self, name: str, line: str) -> None:
        """File a line of that process and show it if it matters; a full disk loses lines, not the program."""
        shown, kept = _shorten(name, line)
        with contextlib.suppress(OSError):
            if kept:
                self._file(name).emit(logging.makeLogRecord({"msg": masked(line)}))
        with contextlib.suppress(OSError):  # the terminal may be a file on the full disk, or gone
            if shown:
                print(shown, flush=True)

    def close(self) -> None:
        """Close all files."""
        for handler in self._handlers.values():
            handler.close()
        self._handlers.clear()

    def _file(self, name: str) -> logging.handlers.RotatingFileHandler:
        handler = self._handlers.get(name)
        if handler is None:
            handler = logging.handlers.RotatingFileHandler(
                self._folder / f"{name}.log", maxBytes=self._bytes, backupCount=self._keep, encoding="utf-8"
            )
            handler.setFormatter(logging.Formatter("%(msg)s"))
            handler.handleError = _ignore  # type: ignore[method-assign]
            self._handlers[name] = handler
        return handler


def _ignore(record: logging.LogRecord) -> None:
    del record


def _shorten(name: str, line: str) -> tuple[str, bool]:
    """Text for the terminal (empty: none) and whether the line goes to the file."""
    if line.startswith("{"):
        try:
            entry = json.loads(line)
        except ValueError:
            return "", True
        if "say" in entry:
            return str(entry["say"]), False
        word = _SHORT.get(str(entry.get("level")))
        if word is None:
            return "", True
        why = str(entry.get("trace", "")).strip().rpartition("\n")[2]
        return f"{str(entry.get('t', ''))[11:19]} {name:<8} {word} {entry.get('event', '')} {why}".rstrip(), True
    if re.search(r"\b(FATAL|PANIC)\b|\[FTL\]", line) and "the database system is" not in line:
        return f"{name:<17} ERROR {masked(line)}", True
    return "", True
