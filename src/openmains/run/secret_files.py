# SPDX-License-Identifier: Apache-2.0
"""Secrets of one installation: made at the first start, kept in ``var/secrets`` (0700), one file each (0600).

These are known to our own parts only, so one that was lost or damaged is made anew; ``care/own_secrets.py`` says so. What
others know too – the master key, the signer's – is elsewhere and is never made anew.
"""

import os
import re
import secrets
from pathlib import Path

_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits, as token_urlsafe writes them


def secret(var: Path, name: str) -> str:
    """The secret of that name; made (256 bits, URL-safe) when there is none that can be used."""
    folder = var / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    if value := usable(path):
        return value
    value = secrets.token_urlsafe(32)
    write_private(path, value + "\n")
    return value


def usable(path: Path) -> str:
    """The secret in a file; empty where there is none, or something else."""
    try:
        text = path.read_bytes().decode("ascii", "replace").strip()
    except FileNotFoundError:
        return ""
    return text if _VALUE.fullmatch(text) else ""


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads; whole or not at all, also over a loss of power."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
