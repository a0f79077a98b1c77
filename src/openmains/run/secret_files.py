# SPDX-License-Identifier: Apache-2.0
"""Secrets of one installation: made at the first start, kept in ``var/secrets`` (0700), one file each (0600)."""

import os
import secrets
from pathlib import Path


def secret(var: Path, name: str) -> str:
    """The secret of that name; made (256 bits, URL-safe) when there is none yet."""
    folder = var / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    if path.exists():
        return path.read_text("ascii").strip()
    value = secrets.token_urlsafe(32)
    write_private(path, value + "\n")
    return value


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads; whole or not at all, also over a loss of power."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
