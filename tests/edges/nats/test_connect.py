# SPDX-License-Identifier: Apache-2.0
"""The connection to the stream's server, where the other side is ill."""

import asyncio

from openmains.edges.nats.stream import connect

INFO = b'INFO {"server_id":"x","version":"2.11.0","max_payload":1000000,"headers":true}\r\n'


class IllServer:
    """Answers the first caller like a server and then hangs up; the next one hears nonsense and is never hung up on."""

    def __init__(self) -> None:
        self.calls = 0
        self.left = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        if self.calls == 1:
            writer.write(INFO)
            while not (await reader.readline()).startswith(b"PING"):
                pass
            writer.write(b"PONG\r\n")
            await writer.drain()
        else:
            writer.write(b"nonsense\r\n")
            await reader.read()  # until the caller hangs up
            self.left.set()
        writer.close()


async def test_a_failed_try_to_reconnect_leaves_no_connection_open() -> None:
    ill = IllServer()
    server = await asyncio.start_server(ill.answer, "127.0.0.1", 0)
    client = await connect(f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        await asyncio.wait_for(ill.left.wait(), 10)
    finally:
        await client.close()
        server.close()
        await server.wait_closed()
