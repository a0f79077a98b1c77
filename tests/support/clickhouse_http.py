# SPDX-License-Identifier: Apache-2.0
"""ClickHouse's HTTP interface over the embedded engine, so that several processes share one: what a server is to the pipelines.

    python -m tests.support.clickhouse_http FOLDER PORT

The engine is the real one; the door is this file: ping, queries with bound parameters and settings, inserts in the native format, errors
with their code. One query at a time, no users, no compression of answers. A server's release is to be had from none of the registries
that the project installs from (ADR 0048), so that the doors of a real one are what a deployment tries for itself.
"""

import contextlib
import gzip
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import lz4.frame
from backports import zstd
from chdb.session import Session

from tests.support.patience import PATIENCE_S

OWN = {
    "query",
    "database",
    "default_format",
    "session_id",
    "session_timeout",
    "query_id",
    "client_protocol_version",
    "compress",
    "decompress",
}
_OPENERS = {"lz4": lz4.frame.decompress, "zstd": zstd.decompress, "gzip": gzip.decompress}
# Then the rows, of which none is blank space: ten rows of thirteen columns begin with b"\r\n".
_INSERT = re.compile(rb"\s*(INSERT INTO [^\n]*?)\s+FORMAT (\w+) *\n", re.I)
_CODE = re.compile(r"Code: (\d+)")


class Engine:
    """The one engine; whoever asks waits for whoever asked before."""

    def __init__(self, folder: Path) -> None:
        self._session = Session(str(folder))
        self._turn = threading.Lock()
        self._folder = folder.parent
        self._session.query("CREATE DATABASE IF NOT EXISTS openmains")

    def answer(self, asked: dict[str, str], body: bytes) -> bytes:
        """Raises RuntimeError in the engine's words."""
        said = b"\n".join(part for part in (asked.get("query", "").encode(), body) if part)
        insert = _INSERT.match(said)
        with self._turn, contextlib.ExitStack() as stack:
            self._session.query(f"USE {asked.get('database', 'openmains')}")
            for name, value in asked.items():
                if name not in OWN:
                    with (
                        contextlib.suppress(RuntimeError) if not name.startswith("param_") else contextlib.nullcontext()
                    ):
                        self._session.query(f"SET {name} = {_literal(value)}")
            if insert is None:
                sql = said.decode()
            else:
                file = stack.enter_context(tempfile.NamedTemporaryFile(dir=self._folder))
                file.write(said[insert.end() :])
                file.flush()
                rows = f"file({_literal(file.name)}, {insert[2].decode()})"
                sql = f"{insert[1].decode()} SELECT * FROM {rows}"  # noqa: S608 - our own statements
            return bytes(self._session.query(sql, asked.get("default_format", "TabSeparated")).bytes())


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Door(BaseHTTPRequestHandler):
    """One request."""

    engine: Engine
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/ping":
            self._say(200, b"Ok.\n")
        else:
            self._asked(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b"".join(self._chunks())
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        opener = _OPENERS.get(self.headers.get("Content-Encoding", ""))
        self._asked(opener(body) if opener else body)

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _asked(self, body: bytes) -> None:
        try:
            said = self.engine.answer(dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True)), body)
        except RuntimeError as error:
            found = _CODE.search(str(error))
            self._say(500, str(error).encode(), {"X-ClickHouse-Exception-Code": found[1] if found else "1000"})
        else:
            self._say(200, said, {"X-ClickHouse-Timezone": "UTC"})

    def _say(self, status: int, body: bytes, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def clickhouse_server(folder: Path) -> Iterator[str]:
    """Its URL as ``clickhouse_url``; a process of its own, for an engine belongs to one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "tests.support.clickhouse_http", str(folder), str(port)])
    try:
        until = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
                break
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the engine behind HTTP did not start")
            time.sleep(0.05)
        yield f"clickhouse://default@127.0.0.1:{port}/openmains"
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def main() -> None:
    """Until it is ended."""
    folder, port = sys.argv[1:]
    Door.engine = Engine(Path(folder))
    ThreadingHTTPServer(("127.0.0.1", int(port)), Door).serve_forever()


if __name__ == "__main__":
    main()
