# SPDX-License-Identifier: Apache-2.0
"""Programs that we did not write, started, fed and read; and our client on a real socket."""

import socket
import subprocess
import threading
import time
from types import TracebackType
from typing import Any, Self

from openmains.wire.dtls.client import Client
from tests.support.dtls import SERVER
from tests.support.patience import PATIENCE_S


class Program:
    """A child process whose output is collected; ended when the block ends."""

    def __init__(self, *words: str) -> None:
        self._words = words
        self._output = ""
        self._changed = threading.Condition()
        self._ended = False

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self._reader.join(5)
        self.process.stdin.close()
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        while chunk := self.process.stdout.read(4096):
            with self._changed:
                self._output += chunk.decode("utf-8", "replace")
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def output(self) -> str:
        """What it has written so far, both streams."""
        with self._changed:
            return self._output

    def type(self, text: str) -> None:
        """Text into its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def end_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def await_output(self, text: str) -> str:
        """All output, once ``text`` is in it."""
        with self._changed:
            self._changed.wait_for(lambda: text in self._output or self._ended, PATIENCE_S)
            assert text in self._output, self._output
            return self._output

    def await_end(self) -> int:
        """Its exit code."""
        return self.process.wait(PATIENCE_S)


class SocketClient:
    """Our client against a real server."""

    def __init__(self, client: Client, port: int) -> None:
        self.client = client
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._socket.settimeout(0.05)

    def __enter__(self) -> "SocketClient":
        self.client.start(time.monotonic())
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._socket.close()

    def _flush(self) -> None:
        for _, raw in self.client.datagrams():
            self._socket.send(raw)

    def await_event(self, kind: type) -> Any:
        """The next event, which must be of this kind."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self._flush()
            try:
                datagram = self._socket.recv(4096)
            except (TimeoutError, ConnectionRefusedError):
                events = self.client.handle_timer(time.monotonic())
            else:
                events = self.client.receive(datagram, SERVER, time.monotonic())
            self._flush()
            if events:
                assert isinstance(events[0], kind), events
                return events[0]
        raise AssertionError("nothing came")
