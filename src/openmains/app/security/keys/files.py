# SPDX-License-Identifier: Apache-2.0
"""Files that hold keys on their way between a person and the worker: sealed by the master key, read once, gone after a day.

API and worker share the folder. A file opens only under the name it was made for, so that one job's file cannot be
taken for another's.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from openmains.app.sealing.envelope import NONCE_BYTES, KeyUnreadableError, Masters
from openmains.app.sealing.vault import Random
from openmains.domain.period import DAY_S

KEPT_S = DAY_S


class SealedFiles:
    """``folder`` is made 0700, each file 0600."""

    def __init__(self, folder: Path, masters: Callable[[], Masters], random: Random) -> None:
        self._folder = folder
        self._masters = masters
        self._random = random

    def name(self) -> str:
        """A name nobody can guess."""
        return self._random(16).hex()

    def put(self, name: str, data: bytes) -> Path:
        """Seal and keep, whole or not at all."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(name)
        sealed = self._masters().current.seal_file(name, data, self._random(NONCE_BYTES))
        part = path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        return path

    def read(self, name: str) -> bytes | None:
        """None: it is not there (any more). Raises ``KeyUnreadableError``."""
        return self._open(name, self._path(name))

    def fetch(self, name: str) -> bytes | None:
        """Read once: of two who ask at the same time one gets it."""
        mine = self._folder / f"{name}.{self._random(8).hex()}"
        try:
            self._path(name).rename(mine)
        except FileNotFoundError:
            return None
        try:
            return self._open(name, mine)
        finally:
            mine.unlink(missing_ok=True)

    def _open(self, name: str, path: Path) -> bytes | None:
        try:
            sealed = path.read_bytes()
        except FileNotFoundError:
            return None
        masters = self._masters()
        for master in (masters.current, *masters.others.values()):
            with contextlib.suppress(KeyUnreadableError):
                return master.open_file(name, sealed)
        raise KeyUnreadableError(f"the sealed file {name} does not open: was the master key changed since?")

    def remove(self, name: str) -> None:
        """Nothing happens where it is gone."""
        self._path(name).unlink(missing_ok=True)

    def purge(self, now: float) -> int:
        """Remove what is older than KEPT_S (s since 1970); how many."""
        if not self._folder.is_dir():
            return 0
        gone = 0
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if now - path.stat().st_mtime > KEPT_S:
                    path.unlink()
                    gone += 1
        return gone

    def _path(self, name: str) -> Path:
        if not name or not all(sign.isascii() and (sign.isalnum() or sign == "-") for sign in name):
            raise ValueError("not the name of a sealed file")
        return self._folder / f"{name}.sealed"
