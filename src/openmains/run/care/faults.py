# SPDX-License-Identifier: Apache-2.0
"""What is wrong with files of this installation, kept in ``var/run/faults``: one small file for each place.

Any process tells and clears its own; the API shows them all and is not ready while one that blocks stands. They are files
because the engines may be what is broken, and because a process that has given up can tell nobody any more. What a fault says
and asks for is in ``texts.py``.
"""

import contextlib
import logging
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from openmains.app.system.model import StoreFault
from openmains.domain.period import utc
from openmains.run.secret_files import write_private

log = logging.getLogger("openmains.files")
KEPT_S = 30 * 86_400  # what is over can be looked at for so long
State = Literal["stands", "mending", "mended", "lost"]
_decoder = msgspec.json.Decoder(StoreFault)


@dataclass(frozen=True, slots=True)
class Words:
    """What a fault says, in both languages: what is wrong, what that means, what to do."""

    zh: str
    en: str


class FaultFolder:
    """Of one ``var``. Nothing here raises: telling of a fault must not become the next one."""

    def __init__(self, var: Path) -> None:
        self._folder = var / "run" / "faults"

    def tell(self, name: str, file: str, words: Words, *, state: State = "stands", blocks: bool = False) -> None:
        """Write it down and log it, unless it is written already."""
        known = self._read(self._path(name))
        if known is not None and (known.state, known.zh, known.en, known.blocks) == (
            state, words.zh, words.en, blocks,
        ):  # fmt: skip
            return
        level = logging.ERROR if state in ("stands", "lost") else logging.WARNING
        log.log(level, "%s: %s / %s", file, words.zh, words.en)
        fault = StoreFault(name, file, utc(int(time.time())), state, words.zh, words.en, blocks)
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(self._path(name), msgspec.json.encode(fault).decode())

    def clear(self, name: str) -> None:
        """It does not stand any more. What is over stays for people to see."""
        path = self._path(name)
        known = self._read(path)
        if known is not None and known.state in ("stands", "mending"):
            log.warning("%s: is in order again / 已恢复正常", known.file)
            with contextlib.suppress(OSError):
                path.unlink()

    def begin(self) -> None:
        """At a start: what stood is looked at anew by its owners, what is long over is forgotten."""
        before = utc(int(time.time()) - KEPT_S)
        for path in self._paths():
            fault = self._read(path)
            if fault is None or fault.state in ("stands", "mending") or fault.at < before:
                with contextlib.suppress(OSError):
                    path.unlink()

    def all(self) -> list[StoreFault]:
        """Those that stand first, then the newest first."""
        found = [fault for path in self._paths() if (fault := self._read(path)) is not None]
        return sorted(found, key=lambda fault: (fault.state not in ("stands", "mending"), -fault.at.timestamp()))

    def blocking(self) -> list[str]:
        """Names of those that keep the system from its work."""
        return [fault.name for fault in self.all() if fault.blocks and fault.state in ("stands", "mending")]

    def _paths(self) -> list[Path]:
        with contextlib.suppress(OSError):
            return sorted(path for path in self._folder.iterdir() if path.suffix == ".json")
        return []

    def _path(self, name: str) -> Path:
        return self._folder / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}.json"

    @staticmethod
    def _read(path: Path) -> StoreFault | None:
        """None where there is none, or where what is there was not written by us."""
        try:
            return _decoder.decode(path.read_bytes())
        except (OSError, msgspec.MsgspecError):
            return None
