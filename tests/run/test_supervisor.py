# SPDX-License-Identifier: Apache-2.0
"""``openmains serve`` as a person runs it: one program, all its children, their end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.support.engines import new_var, remove_var
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port

pytestmark = pytest.mark.usefixtures("starts_engines")


class Serving:
    """A running ``openmains serve`` on a var of its own."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.http = free_port(socket.SOCK_STREAM)
        self.coap = free_port(socket.SOCK_DGRAM)
        self.output = var / "terminal"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start and wait until ready; seconds it took."""
        env = {**os.environ, "LANG": "C.UTF-8", "OPENMAINS_HTTP_PORT": str(self.http)}
        env |= {"OPENMAINS_COAP_PORT": str(self.coap), "OPENMAINS_COAP_HOST": "127.0.0.1"}
        env["OPENMAINS_DTLS_PORT"] = str(free_port(socket.SOCK_DGRAM))
        command = [sys.executable, "-m", "openmains.run.cli", "serve", "--var", str(self.var)]
        began = time.monotonic()
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                command, env=env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.until(lambda: "ready (" in self.text)
        return time.monotonic() - began

    @property
    def text(self) -> str:
        return self.output.read_text("utf-8")

    def until(self, true: object) -> float:
        """Wait until the function says so; seconds it took."""
        assert callable(true)
        assert self.process is not None
        began = time.monotonic()
        while not true():
            assert self.process.poll() is None, self.text
            assert time.monotonic() - began < PATIENCE_S, self.text
            time.sleep(0.05)
        return time.monotonic() - began

    def children(self) -> list[psutil.Process]:
        """Every process below the supervisor."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, mark: str) -> psutil.Process | None:
        """The child of the supervisor whose command line has that word."""
        assert self.process is not None
        for process in psutil.Process(self.process.pid).children():
            try:
                if mark in process.cmdline() or any(word.endswith("/" + mark) for word in process.cmdline()):
                    return process
            except psutil.NoSuchProcess:
                continue
        return None

    def answers(self) -> bool:
        """Whether the API's port takes connections."""
        try:
            socket.create_connection(("127.0.0.1", self.http), timeout=30).close()
        except OSError:
            return False
        return True


def _left(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that do not end."""
    return psutil.wait_procs(processes, timeout=PATIENCE_S)[1]


@contextmanager
def _serving() -> Iterator[Serving]:
    serving = Serving(new_var())
    try:
        yield serving
    finally:
        if serving.process is not None and serving.process.poll() is None:
            left = serving.children()
            serving.process.kill()
            serving.process.wait()
            for process in _left(left):
                process.kill()
        remove_var(serving.var)


def test_life(record_property: object) -> None:
    """Cold start, second instance, kill of each child, orderly end, warm start, and no secret in any log."""
    with _serving() as serving:
        cold_s = serving.start()
        assert serving.process is not None
        refused = subprocess.run(
            [sys.executable, "-m", "openmains.run.cli", "serve", "--var", str(serving.var)],
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert refused.returncode == 1
        assert "already runs" in refused.stderr

        for mark in ("edge", "core", "postgres", "nats-server"):
            before = serving.child(mark)
            assert before is not None, mark
            before.kill()
            serving.until(
                lambda mark=mark, pid=before.pid: (
                    (now := serving.child(mark)) is not None and now.pid != pid and serving.answers()
                )
            )
        serving.until(serving.answers)

        everything = serving.children()
        assert len(everything) > 4
        serving.process.send_signal(signal.SIGINT)
        assert serving.process.wait(PATIENCE_S) == 0, serving.text
        assert _left(everything) == []
        order = [serving.text.index(word) for word in ("stopping", "stopped")]
        assert order == sorted(order)

        warm_s = serving.start()
        print(f"cold start {cold_s:.1f} s, warm start {warm_s:.1f} s")
        serving.process.send_signal(signal.SIGTERM)
        assert serving.process.wait(PATIENCE_S) == 0

        files = [path for path in (serving.var / "secrets").rglob("*") if path.is_file() and ".sqlite" not in path.name]
        secrets = [path.read_text().strip() for path in files]
        assert len(secrets) >= 5
        logs = serving.text + "".join(path.read_text("utf-8") for path in (serving.var / "log").iterdir())
        assert [secret for secret in secrets if secret in logs] == []
        core = (serving.var / "log" / "core.log").read_text("utf-8").splitlines()
        assert core
        assert all({"t", "level", "name", "event"} <= json.loads(line).keys() for line in core if line.startswith("{"))
        assert re.search(r'"level": "info"', "\n".join(core))


def test_nothing_outlives_a_killed_supervisor() -> None:
    with _serving() as serving:
        serving.start()
        assert serving.process is not None
        everything = serving.children()
        serving.process.kill()
        serving.process.wait()
        assert _left(everything) == []
        serving.start()
        serving.process.send_signal(signal.SIGTERM)
        assert serving.process.wait(PATIENCE_S) == 0
