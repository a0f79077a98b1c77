# SPDX-License-Identifier: Apache-2.0
"""A supervised system of its own to measure: started in a folder, on free ports, ended in order."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

START_LIMIT_S = 120


@contextmanager
def temporary_var() -> Iterator[Path]:
    """A data directory that is gone afterwards; it is not there yet."""
    with tempfile.TemporaryDirectory(prefix="openmains-bench-") as folder:
        os.chmod(folder, 0o711)  # noqa: PTH101, S103 - the database's account must enter, and nothing runs yet
        yield Path(folder) / "var"


@contextmanager
def system(
    var: Path, *, dtls: int = 0, settings: Mapping[str, str] | None = None, command: str = "serve"
) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    """A supervised system in ``var``; yields (process, CoAP port, HTTP port); ended in order afterwards. ``dtls``: its
    port, 0: any. ``settings``: further ones by their names. ``command``: serve or demo."""
    coap, http = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
    environment = os.environ | {
        "OPENMAINS_VAR": str(var),
        "OPENMAINS_COAP_HOST": "127.0.0.1",
        "OPENMAINS_COAP_PORT": str(coap),
        "OPENMAINS_DTLS_PORT": str(dtls or free_port(socket.SOCK_DGRAM)),
        "OPENMAINS_HTTP_PORT": str(http),
        **({"OPENMAINS_TCP_PORT": str(free_port(socket.SOCK_STREAM))} if command == "demo" else {}),
        **{f"OPENMAINS_{name.upper()}": value for name, value in (settings or {}).items()},
    }
    var.mkdir(parents=True, exist_ok=True)
    with (var / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program and a word of the bench
            [sys.executable, "-m", "openmains.run.cli", command], env=environment, stdout=log, stderr=log
        )
    try:
        wait_ready(process, http, var)
        yield process, coap, http
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port(kind: int) -> int:
    """A port nobody uses now."""
    with closing(socket.socket(socket.AF_INET, kind)) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_ready(process: subprocess.Popen[bytes], http: int, var: Path) -> None:
    """Until the supervisor says that everything is up; raises ``RuntimeError`` with its last lines."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        said = (var / "supervisor.log").read_bytes()
        if f":{http}".encode() in said:
            return
        time.sleep(0.1)
    raise RuntimeError("the system did not start:\n" + (var / "supervisor.log").read_text("utf-8")[-2000:])


def engine_urls(var: Path) -> dict[str, str]:
    """What the supervisor wrote for its roles."""
    found: dict[str, str] = json.loads((var / "run" / "engines.json").read_text("utf-8"))
    return found
