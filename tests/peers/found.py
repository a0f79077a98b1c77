# SPDX-License-Identifier: Apache-2.0

"""Which foreign clients there are, what they are called as programs, and how a person gets them.

Nothing is built here. A program is looked for in the folder that ``OPENMAINS_PEERS`` names, then on the PATH; what belongs to this
project's tests (PyPI) in the interpreter that runs this.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.peers.place import Meter, Place

Exercise = Callable[[Place, str], str | None]
"""(place, program) → a note, None: nothing to add. Raises Failed or CannotDo."""


@dataclass(frozen=True)
class Case:
    """One thing that is tried."""

    zh: str
    en: str
    run: Exercise


@dataclass(frozen=True)
class Client:
    """One foreign client. ``programs``: names it may have; ``package``: a PyPI distribution instead. ``version``: words that make
    it say its version, and where in them it stands."""

    name: str
    programs: tuple[str, ...]
    get: str
    cases: tuple[Case, ...]
    package: str = ""
    version_words: tuple[str, ...] = ()
    version_in: str = r"(\d+\.\d+(?:\.\d+)*)"

    def find(self) -> str | None:
        """The program, or what stands for it; None: not on this machine."""
        if self.package:
            try:
                version(self.package)
            except PackageNotFoundError:
                return None
            return sys.executable
        folder = os.environ.get("OPENMAINS_PEERS", "")
        for name in self.programs:
            found = (shutil.which(name, path=folder) if folder else None) or shutil.which(name)
            if found is not None:
                return str(Path(found).resolve())
        return None

    def version(self, program: str) -> str:
        """As it says itself; "?": it does not."""
        if self.package:
            return version(self.package)
        try:
            done = subprocess.run(
                [program, *self.version_words], capture_output=True, timeout=20, check=False, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired as error:
            said = (error.stdout or b"") + (error.stderr or b"")
        else:
            said = done.stdout + done.stderr
        found = re.search(self.version_in, said.decode("utf-8", "replace"))
        return found.group(1) if found else "?"


def psk_words(meter: Meter) -> Sequence[str]:
    """Identity and key as two texts, the key in hexadecimal."""
    return meter.name, meter.key.hex()
