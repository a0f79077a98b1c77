# SPDX-License-Identifier: Apache-2.0
"""``openmains gateway FILE``: radio, broker and file around the core, in one process and one thread."""

import argparse
import asyncio
import contextlib
import logging
import os
import secrets
import signal
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from openmains.edges.mqtt.client import MqttClient
from openmains.edges.sqlite.gateway_store import GatewayFileError, SqliteGatewayStore
from openmains.gateway.core import Gateway
from openmains.run import messages
from openmains.run.engines.child import StartError
from openmains.run.gateway.file import GatewayFile, Page, read
from openmains.run.gateway.page import MOST_HEADER, LocalPage, state_of
from openmains.run.gateway.south import port_of
from openmains.wire.errors import WireError
from openmains.wire.gateway.messages import decode_down_untrusted, encode_state, encode_up, topic
from openmains.wire.gbt36330.air import AirFrame
from openmains.wire.mqtt.subscriber import Message

log = logging.getLogger("openmains.gateway")
STORE: Final = "gateway.sqlite"
TURN_S: Final = 1.0  # so often the broker's state and the outbox are looked at, whatever happens
BOOT_FILE: Final = Path("/proc/sys/kernel/random/boot_id")
SUPPLIES: Final = Path("/sys/class/power_supply")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``FILE [--south …] [--north …] [--check]``."""
    text = messages.text
    parser.add_argument("file", type=Path, help=text("网关配置文件(TOML)", "configuration of the gateway (TOML)"))
    parser.add_argument("--south", default="", help="tcp://HOST:PORT | serial:///dev/… | emulated[:COUNT]")
    parser.add_argument("--north", default="", help="mqtts://HOST:PORT | mqtt://HOST:PORT")
    parser.add_argument("--check", action="store_true", help=text("仅检查配置", "only look whether the file will do"))


def main(args: argparse.Namespace) -> int:
    """Until it is told to end. Raises StartError."""
    file = read(args.file, args.south, args.north)
    if args.check:
        messages.show("配置可用。", "The configuration will do.")
        return 0
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(run(file))
    return 0


async def run(file: GatewayFile, stop: asyncio.Event | None = None) -> None:
    """The gateway until ``stop``, or until the process is told to end."""
    try:
        file.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        store = SqliteGatewayStore(file.folder / STORE, file.config.number)
    except (OSError, GatewayFileError) as error:
        raise StartError(f"无法使用 {file.folder}:{error}", f"{file.folder} will not do: {error}") from error
    ended = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(name, ended.set)
    box = _Box(file, store, loop)
    try:
        server = None if file.page is None else await _served(box, file.page)
    except OSError as error:
        store.close()
        raise StartError(f"本地页面无法启动:{error}", f"the local page cannot be served: {error}") from error
    tasks = [loop.create_task(box.radio.run()), loop.create_task(box.client.run(ended)), loop.create_task(box.turn())]
    log.info("gateway %s ready: %d meters, %d items kept", file.config.number, len(box.core.members), store.waiting())
    stopped = loop.create_task(ended.wait())
    try:
        await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done() and not task.cancelled():
                task.result()  # a fault of ours ends the program; who starts it starts it again
    finally:
        ended.set()
        if server is not None:
            server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, stopped, return_exceptions=True)
        store.commit()
        store.close()


async def _served(box: "_Box", page: Page) -> asyncio.Server:
    local = LocalPage(page.password, lambda: state_of(box.core, mono_ms(), is_connected=box.client.is_connected))
    return await asyncio.start_server(local.serve, page.host, page.port, limit=MOST_HEADER)


class _Box:
    """The core with what is around it."""

    def __init__(self, file: GatewayFile, store: SqliteGatewayStore, loop: asyncio.AbstractEventLoop) -> None:
        self._number, self._loop, self._config, self._store = file.config.number, loop, file.config, store
        self.core = self._new_core()
        self.client = MqttClient(file.broker, self._told)
        self.radio = port_of(file.south, file.config.network, file.config.key, self._heard)
        self._timer: asyncio.TimerHandle | None = None
        self._is_connected = False
        self._state_at = float("-inf")
        self._taken_over = 0

    def _new_core(self) -> Gateway:
        core = Gateway(
            self._config,
            self._store,
            secrets.token_bytes,
            mono_ms=mono_ms(),
            box_ms=time.time_ns() // 1_000_000,
            boot=_boot(),
            version=_version(),
        )
        logging.getLogger().setLevel(core.config.log_level.upper())
        return core

    async def turn(self) -> None:
        """What nobody tells us of: whether the broker is there, how we are powered, when it is time to say how we are."""
        while True:
            now_ms = mono_ms()
            if self.client.is_connected != self._is_connected:
                self._is_connected = self.client.is_connected
                (self.core.north_connected if self._is_connected else self.core.north_lost)()
                self._state_at = float("-inf")
            if self.client.counters["mqtt.taken_over"] > self._taken_over:
                self._taken_over = self.client.counters["mqtt.taken_over"]
                self.core.name_taken(now_ms)
            self.core.set_power(_power(), now_ms)
            if self._is_connected and self._loop.time() - self._state_at >= self.core.config.report_s:
                self._state_at = self._loop.time()
                self.client.publish(topic(self._number, "state"), encode_state(self.core.state(now_ms)), _unheeded)
            self._after()
            await asyncio.sleep(TURN_S)

    def _heard(self, frame: AirFrame) -> None:
        self.core.radio_received(frame, mono_ms())
        self._after()

    def _told(self, message: Message, done: Callable[[], None]) -> None:
        """Of the broker; it may forget the message once what came of it is on disk."""
        try:
            self.core.north_received(decode_down_untrusted(message.payload), mono_ms())
        except WireError as bad:
            self.core.counters["north_malformed"] += 1
            log.warning("a word of the platform was not understood: %s", bad.reason)
        self._after()
        done()

    def _due(self) -> None:
        self._timer = None
        self.core.timer(mono_ms())
        self._after()

    def _after(self) -> None:
        """Whatever happened: what is to be said is said, on disk before, and the next timer is set."""
        for frame in self.core.to_radio():
            self.radio.send(frame)
        while self._is_connected and (batch := self.core.to_north(mono_ms())) is not None:
            if not self.client.publish(topic(self._number, "up"), encode_up(batch), _unheeded):
                break  # it is said again in a minute
        if self.core.is_to_restart:
            log.warning("parameters were set from afar: the gateway begins anew with them")
            self.core = self._new_core()
            if self._is_connected:
                self.core.north_connected()
            self._state_at = float("-inf")
        due = self.core.next_timer()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if due is None else self._loop.call_later(max(0.0, (due - mono_ms()) / 1000), self._due)


def mono_ms() -> int:
    """A clock that goes on while the box sleeps, and over restarts of the program within one boot."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def _boot() -> str:
    try:
        return BOOT_FILE.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _power() -> str:
    """battery where the box says that no line feeds it; mains where it says nothing."""
    lines = []
    with contextlib.suppress(OSError):
        for supply in SUPPLIES.iterdir():
            with contextlib.suppress(OSError):
                if (supply / "type").read_text().strip() in ("Mains", "USB"):
                    lines.append((supply / "online").read_text().strip())
    return "battery" if lines and "1" not in lines else "mains"


def _version() -> str:
    try:
        return version("openmains")
    except PackageNotFoundError:
        return os.environ.get("OPENMAINS_VERSION", "?")


def _unheeded(taken: bool) -> None:
    """What the platform has it says itself."""
