# SPDX-License-Identifier: Apache-2.0
"""Message brokers that others wrote, on ports of their own: Debian's mosquitto (``scripts/test-packages.sh``) and the wheel's nats-server,
each with one account, ``events``, whose password is ``S3CRET``; and a receiver of MQTT, ``mosquitto_sub``.
"""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from openmains.run.engines.nats_server import program
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port

PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
ACCOUNT = ("events", "S3CRET")


def foreign(name: str) -> str:
    """A program of Debian's; without it the test is left out and says so."""
    found = shutil.which(name, path=PATH)
    if found is None:
        pytest.skip(f"{name} is not installed: scripts/test-packages.sh")
    return found


@asynccontextmanager
async def mosquitto(
    folder: Path, *, tls: tuple[Path, Path] | None = None, rights: str = "", again: int = 0
) -> AsyncIterator[int]:
    """Its port. ``again``: that of one that was here before; ``tls``: certificate and key; ``rights``: lines of its access file, '': everything
    is allowed."""
    passwords, settings = folder / "passwords", folder / "mosquitto.conf"
    process = await asyncio.create_subprocess_exec(foreign("mosquitto_passwd"), "-c", "-b", str(passwords), *ACCOUNT)
    assert await process.wait() == 0
    passwords.chmod(0o600)
    port = again or free_port(socket.SOCK_STREAM)
    lines = [f"listener {port} 127.0.0.1", f"password_file {passwords}", "allow_anonymous false", "user root"]
    if tls is not None:
        lines += [f"certfile {tls[0]}", f"keyfile {tls[1]}"]
    if rights:
        (folder / "rights").write_text(rights)
        (folder / "rights").chmod(0o600)
        lines.append(f"acl_file {folder / 'rights'}")
    settings.write_text("\n".join(lines) + "\n")
    async with _running(folder / "mosquitto.log", port, foreign("mosquitto"), "-v", "-c", str(settings)):
        yield port


@asynccontextmanager
async def nats_server(folder: Path, *, tls: tuple[Path, Path] | None = None, only: str = "") -> AsyncIterator[int]:
    """Its port, JetStream on. ``only``: the subject that may be published to."""
    port = free_port(socket.SOCK_STREAM)
    rights = f', permissions: {{publish: ["{only}", "$JS.API.>"]}}' if only else ""
    user, password = ACCOUNT
    lines = [f"host: 127.0.0.1\nport: {port}\njetstream {{store_dir: '{folder}/store'}}"]
    lines.append(f"authorization {{users: [{{user: {user}, password: {password}{rights}}}]}}")
    if tls is not None:
        lines.append(f"tls {{cert_file: '{tls[0]}', key_file: '{tls[1]}'}}")
    settings = folder / "nats.conf"
    settings.write_text("\n".join(lines) + "\n")
    async with _running(folder / "nats.log", port, str(program()), "-c", str(settings)):
        yield port


@asynccontextmanager
async def session(
    folder: Path, port: int, topic: str, name: str, count: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A receiver with a session that the broker keeps: its output is ``content type|user property|topic|payload``, a message a line,
    and it ends after ``count``."""
    user, password = ACCOUNT
    words = [
        "-V",
        "5",
        "-p",
        str(port),
        "-u",
        user,
        "-P",
        password,
        "-i",
        name,
        "-c",
        "-x",
        "3600",
        "-q",
        "1",
        "-t",
        topic,
    ]
    process = await asyncio.create_subprocess_exec(
        foreign("mosquitto_sub"), *words, "-C", str(count), "-F", "%C|%P|%t|%p", stdout=asyncio.subprocess.PIPE
    )
    try:
        await until_said(folder / "mosquitto.log", f"Sending SUBACK to {name}", 1)
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def lines_of(process: asyncio.subprocess.Process) -> list[str]:
    """What a receiver got, at its end."""
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    return out.decode().splitlines()


@asynccontextmanager
async def _running(log: Path, port: int, *words: str) -> AsyncIterator[None]:
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(*words, stdout=said, stderr=said)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    assert process.returncode is None, _said(log)
                    await asyncio.sleep(0.02)
        yield
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def until_said(log: Path, words: str, times: int) -> None:
    """Until a program's log has these words so often."""
    async with asyncio.timeout(PATIENCE_S):
        while _said(log).count(words) < times:
            await asyncio.sleep(0.02)


def _said(log: Path) -> str:
    return log.read_text("utf-8", "replace")
