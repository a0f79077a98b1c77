# SPDX-License-Identifier: Apache-2.0
"""Copies of what the engines know their tables and streams by, kept beside them in ``var/definitions``.

These are small files without which the engine starts as if what they speak of had never been: a table without its definition is
empty after the next start, a stream without its own is made anew, while all their rows and messages still lie on the disk. They change
only when we change them, so a copy is compared at each start and put back where it differs. While we change them a mark stands
(``changing``): after a start that was cut short in between nothing is compared. A copy counts only while it is what was copied, by its
hash in ``sums``: a damaged copy must not take the place of a sound file.
"""

import hashlib
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger("openmains.files")
CHANGING = "changing"
SUMS = "sums"  # a line for each copy: SHA-256, name


class Definitions:
    """Of one engine. ``files``: finds those that are there now; ``root``: they lie below it."""

    def __init__(self, copies: Path, root: Path, files: Callable[[Path], list[Path]]) -> None:
        self._copies = copies
        self._root = root
        self._files = files

    def put_back(self) -> list[str]:
        """Before the engine starts: replace what is missing or differs by its copy; their names below ``root``."""
        mended: list[str] = []
        if not self._copies.is_dir() or (self._copies / CHANGING).exists():
            return mended
        for name, digest in sorted(self._sums().items()):
            copy, here = self._copies / name, self._root / name
            if _hash(copy) != digest:
                log.warning("the copy %s is not what was copied and is taken anew", copy)
                continue
            if here.is_file() and here.read_bytes() == copy.read_bytes():
                continue
            here.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(copy, here)
            mended.append(name)
        return mended

    @contextmanager
    def changing(self) -> Iterator[None]:
        """While the definitions may change; afterwards the copies are taken anew."""
        self._copies.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark = self._copies / CHANGING
        mark.touch(mode=0o600)
        yield
        self.take()
        mark.unlink()

    def take(self) -> None:
        """Copy what is there now, and forget what is there no more."""
        kept: dict[str, str] = {}
        for path in self._files(self._root):
            name = path.relative_to(self._root)
            copy = self._copies / name
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = copy.with_name(f".{copy.name}")
            shutil.copyfile(path, draft)
            draft.replace(copy)
            kept[name.as_posix()] = _hash(copy)
        (self._copies / SUMS).write_text("".join(f"{digest} {name}\n" for name, digest in kept.items()), "utf-8")
        for copy in [path for path in self._copies.rglob("*") if path.is_file()]:
            if copy.relative_to(self._copies).as_posix() not in {*kept, CHANGING, SUMS}:
                copy.unlink()

    def _sums(self) -> dict[str, str]:
        """Name → hash; nothing where the list cannot be read: then nothing is compared."""
        try:
            lines = (self._copies / SUMS).read_bytes().decode("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return {}
        return {
            name: digest for digest, _, name in (line.partition(" ") for line in lines) if len(digest) == 64 and name
        }


def _hash(path: Path) -> str:
    """Empty: there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def of_readings(var: Path) -> Definitions:
    """Databases and tables of the embedded ClickHouse: ``metadata/*.sql`` and ``store/*/*/*.sql``, and which folder is whose."""

    def files(root: Path) -> list[Path]:
        return [*root.glob("metadata/*.sql"), *root.glob("store/*/*/*.sql"), *root.glob("store/*/*/format_version.txt")]

    return Definitions(var / "definitions" / "clickhouse", var / "clickhouse", files)


def of_stream(var: Path) -> Definitions:
    """The stream's ``meta.inf`` and ``meta.sum``; not those of readers, which come and go."""

    def files(root: Path) -> list[Path]:
        return [*root.glob("store/jetstream/*/streams/*/meta.*")]

    return Definitions(var / "definitions" / "nats", var / "nats", files)
