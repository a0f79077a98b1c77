# SPDX-License-Identifier: Apache-2.0
"""A process of its own reads an uploaded file: both cores work, and a file made to do harm ends nobody but its reader.

``python -m <module>``: the orders come as one JSON object on standard input, chunks go out as frames (4 bytes length, little endian;
msgpack). The parent ends the process by closing its end.
"""

import asyncio
import os
import resource
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

import msgspec

from openmains.domain.fleet.cells import HeaderError

MOST_MEMORY = 4 << 30  # bytes of address space: a million rows of a workbook take half
MOST_CPU_S = 1800


class FileChunk(Protocol):
    """A part of a file. ``failure``: the file can not be read further."""

    failure: str


C = TypeVar("C", bound=FileChunk)
O = TypeVar("O", bound=msgspec.Struct)  # noqa: E741


@asynccontextmanager
async def child_reading(module: str, orders: msgspec.Struct, chunk_type: type[C]) -> AsyncIterator[AsyncIterator[C]]:
    """The chunks of a file, read by a child process that is gone at the end. Raises ``HeaderError``."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment, limit=1 << 22,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None  # noqa: S101 - PIPE above; for the type checker
    output = child.stdout

    async def frames() -> AsyncIterator[C]:
        while True:
            try:
                size = int.from_bytes(await output.readexactly(4), "little")
                if size == 0:
                    return
                chunk = msgspec.msgpack.decode(await output.readexactly(size), type=chunk_type)
            except asyncio.IncompleteReadError as error:
                raise HeaderError(
                    "读取该文件所需的内存或时间超过限制；请分成几个文件，或另存为“CSV UTF-8” / "
                    "reading this file takes more memory or time than an import may: divide it, or save it as 'CSV UTF-8'"
                ) from error
            if chunk.failure:
                raise HeaderError(chunk.failure)
            yield chunk

    try:
        child.stdin.write(msgspec.json.encode(orders))
        child.stdin.write_eof()
        yield frames()
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


def serve(chunks: Callable[[O], Iterator[object]], orders_type: type[O]) -> None:
    """The child: orders in, frames out; an empty frame is the end. Its limits end it, and nobody else, by a file made to do harm."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = sys.stdout.buffer
    try:
        for chunk in chunks(msgspec.json.decode(sys.stdin.buffer.read(), type=orders_type)):
            data = msgspec.msgpack.encode(chunk)
            out.write(len(data).to_bytes(4, "little"))
            out.write(data)
            out.flush()
        out.write(bytes(4))
        out.flush()
    except BrokenPipeError:
        os._exit(1)  # the parent has left; nothing to say to anybody
