# SPDX-License-Identifier: Apache-2.0
"""Radio ports: frames come over a serial line and over TCP, with noise between them, and over lines that end and come again."""

import asyncio
import os
from contextlib import suppress

from openmains.run.gateway.file import South
from openmains.run.gateway.south import EmulatedPort, SerialPort, TcpPort, port_of
from openmains.wire.gbt36330.air import AirFrame, AirKind, encode_air
from tests.support.radio_module import soon

UP, DOWN = AirFrame(7, 1, AirKind.DATA, False, 3, body=b"up"), AirFrame(7, 1, AirKind.WAKE, True, 3)


async def test_a_serial_line() -> None:
    module, line = os.openpty()
    heard: list[AirFrame] = []
    port = port_of(South("serial", path=os.ttyname(line), speed=9_600), 7, bytes(16), heard.append)
    assert isinstance(port, SerialPort)
    port.send(DOWN)
    assert port.counters == {"dropped": 1}  # not open yet
    running = asyncio.create_task(port.run())
    await soon(lambda: port._file is not None)
    os.write(module, b"\xa6noise" + encode_air(UP)[:5])
    os.write(module, encode_air(UP)[5:] + encode_air(UP))
    await soon(lambda: len(heard) == 2)
    port.send(DOWN)
    assert (heard, os.read(module, 100)) == ([UP, UP], encode_air(DOWN))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    for file in (module, line):
        os.close(file)


async def test_a_tcp_line_that_ends_and_comes_again() -> None:
    heard: list[AirFrame] = []
    writers: list[asyncio.StreamWriter] = []
    got: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(b"noise" + encode_air(UP))
        with suppress(ConnectionError):
            got.append(await reader.read(100))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = port_of(South("tcp", host="127.0.0.1", port=server.sockets[0].getsockname()[1]), 7, bytes(16), heard.append)
    assert isinstance(port, TcpPort)
    running = asyncio.create_task(port.run())
    await soon(lambda: heard == [UP])
    writers[0].close()
    await soon(lambda: heard == [UP, UP])
    port.send(DOWN)
    await soon(lambda: encode_air(DOWN) in got)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    server.close()
    for writer in writers:
        writer.close()


async def test_an_emulated_air_has_meters_that_want_to_join() -> None:
    heard: list[AirFrame] = []
    port = port_of(South("emulated", meters=2), 7, bytes(16), heard.append)
    assert isinstance(port, EmulatedPort)
    port._place.begin(0)
    port._place.run(20_000)
    assert {frame.kind for frame in heard} == {AirKind.JOIN} and len(heard) >= 4
    assert port.counters["received"] == len(heard)
