# SPDX-License-Identifier: Apache-2.0
"""Which tests `make check`, `make test` and `make test-slow` run: told by the fixtures a test uses, never by hand.

``engines``  real engines or a whole system: not in `make check`
``tools``    programs that only `make test` installs, builds or runs for seconds: not in `make check`
``slow``     minutes for what a smaller test of `make test` shows as well: in `make test-slow` alone

A test without the first mark that starts an engine all the same fails (``Watch``): so no mark can be forgotten.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import PurePath

MARK_OF_FIXTURE = {
    "engines": "engines",
    "own_engines": "engines",
    "systems": "engines",
    "starts_engines": "engines",
    "foreign_programs": "tools",
    "fuzzer": "tools",
    "all_seeds": "tools",
    "takes_seconds": "tools",
    "wheel": "tools",
    "takes_minutes": "slow",
}
CHECK = "not engines and not tools and not slow"
TEST = "not slow"
SLOW = "slow"
PROGRAMS = {"postgres", "initdb", "nats-server"}
COMMANDS = {"serve", "demo"}  # of openmains.run.cli: they start the programs


def marks_of(fixtures: Iterable[str]) -> set[str]:
    """The marks of a test that uses these fixtures, directly or through others."""
    return {MARK_OF_FIXTURE[name] for name in fixtures if name in MARK_OF_FIXTURE}


def turn_of(fixtures: set[str]) -> int:
    """When a file's tests are given to a worker: whole systems first, then those on the common engines, then the rest."""
    return 0 if fixtures & {"systems", "starts_engines"} else 1 if "engines" in fixtures else 2


def starts_an_engine(words: Sequence[str]) -> bool:
    """Whether a command line starts PostgreSQL, JetStream, or a system that starts them."""
    names = {PurePath(word).name for word in words}
    return bool(PROGRAMS & names) or ("openmains.run.cli" in names and bool(COMMANDS & names))


class Watch:
    """Looks at every child process this process starts. ``test``: the running one that may start no engine, or nothing."""

    def __init__(self) -> None:
        self.test = ""
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "subprocess.Popen" and self.test:
            words = arguments[1]
            if isinstance(words, str) or not isinstance(words, Iterable):
                return
            said = [str(word) for word in words]
            if starts_an_engine(said):
                raise AssertionError(f"{self.test} starts an engine: use a fixture of tests/conftest.py ({said[0]} …)")
