# SPDX-License-Identifier: Apache-2.0
"""One run of a foreign program: what it says, and when."""

import re
import time
from collections.abc import Callable

from tests.peers.place import LIMIT_S, Failed
from tests.support.dtls_peers import Program


class Run(Program):
    """``Program`` whose waiting ends with ``Failed``, after seconds that a client would itself wait."""

    def await_text(self, text: str, *, times: int = 1, limit_s: float = LIMIT_S) -> str:
        """All output, once ``text`` is in it so often."""
        self.await_true(lambda output: output.count(text) >= times, f"the client says {text!r}", limit_s)
        return self.output

    def await_true(self, true: Callable[[str], bool], what: str, limit_s: float = LIMIT_S) -> None:
        """Until its output is so."""
        deadline = time.monotonic() + limit_s
        while not true(self.output):
            ended = self.process.poll()
            if ended is not None and not true(self.output):
                raise Failed(f"the client ended ({ended}) before: {what}; {last_line(self.output)}")
            if time.monotonic() > deadline:
                raise Failed(f"not within {limit_s:g} s: {what}; {last_line(self.output)}")
            time.sleep(0.05)

    def count(self, text: str) -> int:
        """How often it has said this."""
        return self.output.count(text)

    def say(self, line: str) -> None:
        """A command to its standard input."""
        try:
            self.type(line + "\n")
        except OSError as error:
            raise Failed(f"the client has ended; {last_line(self.output)}") from error

    def send(self, data: bytes) -> None:
        """Bytes to its standard input."""
        stdin = self.process.stdin
        assert stdin is not None
        try:
            stdin.write(data)
            stdin.flush()
        except OSError as error:
            raise Failed(f"the client has ended; {last_line(self.output)}") from error


def last_line(output: str) -> str:
    """Its last words, for whoever reads the table."""
    lines = [
        re.sub(r"/\S*/", "…/", line).strip() for line in output.splitlines() if line.strip()
    ]  # no place of a machine
    return f"its last words: {lines[-1][:160]}" if lines else "it said nothing"
