# SPDX-License-Identifier: Apache-2.0
"""``openmains serve``: the engines and the roles as children of one supervisor.

Order up: engines, schema, signer, core, dispatch, edge. Order down: edge (nothing new comes in), dispatch, core (drains), engines. A child that
dies is started again, after 0.2 s at first and 5 s at most. One that ends with EXIT_REFUSED says that this would not help: at the
start everything ends with its words, later that role alone is given up, the others go on, and ``/ready`` and the system page say so
(``care/faults.py``). Whatever kills the supervisor, the children end too: see launch.py.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from openmains.run import messages, preflight
from openmains.run.admin.migrate import migrate_postgres
from openmains.run.care import definitions, own_secrets
from openmains.run.care.engine_files import engine_lines, watch_database
from openmains.run.care.faults import FaultFolder
from openmains.run.care.texts import postgres_version_mended, role_keeps_ending, stream_definition_restored
from openmains.run.demo.certificates import with_tcp
from openmains.run.demo.phone_host import with_phones
from openmains.run.engines.child import Child, StartError
from openmains.run.engines.engines import Engines
from openmains.run.logs import LogFiles
from openmains.run.roles.main import EXIT_REFUSED, ROLES, run
from openmains.run.roles.parts import check_alone
from openmains.run.settings import PREFIX, Loaded

READY_LIMIT_S = 90.0
RESTART_FIRST_S = 0.2
RESTART_LAST_S = 5.0
STEADY_S = 30.0
ENDS_TOLD = 3  # quick ends in a row after which a person is told


class Supervisor:
    """One run; ``run`` returns when everything has ended."""

    def __init__(self, loaded: Loaded, extra_roles: tuple[str, ...] = ()) -> None:
        self._loaded = loaded
        self._settings = loaded.settings
        # a signer with an account of its own is started by its own service, not by us
        own = () if self._settings.signer_socket else ("signer",)
        more = tuple(f"pipeline-{number}" for number in range(2, self._settings.pipelines + 1))
        self._roles = (*own, "core", *more, "dispatch", "edge", *extra_roles)
        self._stop = asyncio.Event()
        self._refused: StartError | None = None
        self._greeted = False
        self._book = FaultFolder(loaded.settings.var_path)
        self._children: dict[str, Child] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Start, stay, end; raises StartError when the start is refused."""
        settings = self._settings
        began = time.monotonic()
        lock = preflight.open_var(settings)
        files: LogFiles | None = None
        try:
            preflight.check_pipelines(settings)
            preflight.check_tools(settings)
            preflight.check_disk(settings)
            preflight.wait_for_leftovers(settings, self._roles)
            self._book.begin()
            self._renew_secrets()
            preflight.check_ports(settings)
            files = LogFiles(settings.var_path, settings.log_file_mb, settings.log_files)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.add_signal_handler(number, self._stop.set)
            await self._run_all(files, began)
        finally:
            if files is not None:
                files.close()
            os.close(lock)
        if self._refused is not None:
            raise self._refused

    async def _run_all(self, files: LogFiles, began: float) -> None:
        settings = self._settings
        engines = Engines(
            settings.var_path,
            settings.engine_options,
            on_line=engine_lines(files.take, self._book),
            on_event=lambda n, e: _note(files, n, e),
        )
        stream = definitions.of_stream(settings.var_path)
        if engines.nats is not None:
            for name in stream.put_back():
                words = stream_definition_restored(settings.var_path / "nats" / name)
                self._book.tell(f"stream.{name}", f"nats/{name}", words, state="mended")
        messages.show("正在启动引擎 …", "starting the engines …")
        try:
            if await self._unless_stopped(engines.start()):
                self._tell_mended(engines)
                urls = engines.urls
                await migrate_postgres(urls.postgres_owner)
                with stream.changing() if engines.nats is not None else contextlib.nullcontext():
                    await self._start_roles(files)
                if not self._stop.is_set():
                    self._greeted = True
                    self._greet(time.monotonic() - began)
                watching = asyncio.create_task(watch_database(engines.postgres, self._book))
                await self._stop.wait()
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
                messages.show("正在停止 …", "stopping …")
        finally:
            for role in reversed(self._roles):
                await self._end(role)
            await engines.stop()
        messages.show("已停止。", "stopped.")

    async def _start_roles(self, files: LogFiles) -> None:
        for role in self._roles:
            if self._stop.is_set():
                break
            messages.show(f"正在启动 {role} …", f"starting {role} …")
            self._keepers[role] = asyncio.create_task(self._keep(role, files), name=f"keep {role}")
            await self._unless_stopped(self._ready(role))

    async def _unless_stopped(self, work: Awaitable[object]) -> bool:
        """Do it, but leave it at a stop; whether it was done."""
        task = asyncio.ensure_future(work)
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if task.done():
            await task
            return True
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return False

    async def _keep(self, role: str, files: LogFiles) -> None:
        """Run a role, again and again until cancelled."""
        pause_s = RESTART_FIRST_S
        child = Child(
            role,
            [sys.executable, "-m", "openmains.run.roles.main", role],
            directory=Path.cwd(),
            on_line=lambda line: files.take(role, line),
            env=self._environment(role),
        )
        self._children[role] = child
        quick_ends = 0
        while True:
            started = time.monotonic()
            steady = asyncio.get_running_loop().call_later(STEADY_S, self._book.clear, f"role.{role}")
            try:
                await child.start()
                code = await child.wait()
            except OSError as error:  # no process to be had just now
                _note(files, role, f"did not start: {error.strerror}")
                code = -1
            finally:
                steady.cancel()
            if role == "demo" and code == 0:
                return
            if code == EXIT_REFUSED and self._greeted:
                _note(files, role, "given up: what it says cannot be mended by starting it again")
                return
            if code == EXIT_REFUSED:
                self._refused = self._refusal(role, child)
                self._stop.set()
                return
            quick_ends = 0 if time.monotonic() - started > STEADY_S else quick_ends + 1
            if not quick_ends:
                pause_s = RESTART_FIRST_S
            if quick_ends >= ENDS_TOLD:
                log_file = self._settings.var_path / "log" / f"{role}.log"
                self._book.tell(
                    f"role.{role}", f"log/{role}.log", role_keeps_ending(role, log_file), blocks=role != "demo"
                )
            _note(files, role, f"ended with {code}, starting again in {pause_s:g} s")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RESTART_LAST_S)

    def _refusal(self, role: str, child: Child) -> StartError:
        """In the words that the role left, in each language by itself; else its last line."""
        for fault in self._book.all():
            if fault.name == f"role.{role}" and fault.state == "stands":
                return StartError(fault.zh, fault.en)
        words = _last_event(child)
        return StartError(f"{role} 无法启动:{words}", f"{role} cannot start: {words}")

    async def _ready(self, role: str) -> None:
        """Wait until the role serves; raises StartError after READY_LIMIT_S."""
        check = {"core": self._http_answers, "edge": self._udp_bound, "signer": self._signer_answers}.get(role)
        if check is None:
            return
        until = time.monotonic() + READY_LIMIT_S
        while not await check():
            if time.monotonic() > until:
                words = _last_event(self._children[role])
                raise StartError(f"{role} 未能就绪:{words}", f"{role} did not get ready: {words}")
            await asyncio.sleep(0.05)

    async def _http_answers(self) -> bool:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._settings.http_host, self._settings.http_host)  # noqa: S104 - compared, not bound
        try:
            _, writer = await asyncio.open_connection(host, self._settings.http_port)
        except OSError:
            return False
        writer.close()
        return True

    async def _signer_answers(self) -> bool:
        try:
            _, writer = await asyncio.open_unix_connection(str(self._settings.signer_path))
        except OSError:
            return False
        writer.close()
        return True

    async def _udp_bound(self) -> bool:
        ports = (self._settings.dtls_port, self._settings.coap_port)
        return all(preflight.udp_bound(port) for port in ports if port)

    def _tell_mended(self, engines: Engines) -> None:
        if engines.postgres is not None:
            for name in engines.postgres.mended:
                words = postgres_version_mended(engines.postgres.place.data / name)
                self._book.tell(f"postgres.{name}", f"postgres/{name}", words, state="mended")

    def _renew_secrets(self) -> None:
        options = self._settings.engine_options
        wanted = own_secrets.names(database=not options.postgres_owner_url, stream=not options.nats_url)
        own_secrets.renew(self._settings.var_path, self._book, wanted)

    async def _end(self, role: str) -> None:
        keeper = self._keepers.pop(role, None)
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        child = self._children.get(role)
        if child is not None:
            await child.stop(28)

    def _environment(self, role: str) -> dict[str, str]:
        """A child's: ours, and what our command line said; the command key for the signer alone."""
        env = dict(os.environ)
        if role != "signer":
            env.pop(f"{PREFIX}COMMAND_KEY", None)
        env[f"{PREFIX}VAR"] = str(self._settings.var_path)
        if self._loaded.file is not None:
            env[f"{PREFIX}CONFIG"] = str(self._loaded.file.absolute())
        for name, origin in self._loaded.origin.items():
            if origin == "command line" and name != "var":
                value = getattr(self._settings, name)
                env[PREFIX + name.upper()] = str(value).lower() if isinstance(value, bool) else str(value)
        env.setdefault("PYTHONUNBUFFERED", "1")
        return env

    def _greet(self, seconds: float) -> None:
        s = self._settings
        host = "127.0.0.1" if s.http_host in ("0.0.0.0", "::") else s.http_host  # noqa: S104 - compared, not bound
        url = f"http://{host}:{s.http_port}"
        meters = [f"{name} udp/{port}" for name, port in (("DTLS", s.dtls_port), ("CoAP", s.coap_port)) if port]
        messages.show(
            f"就绪({seconds:.1f} 秒):网页与接口 {url} ,{'、'.join(meters)}。按 Ctrl-C 停止。",
            f"ready ({seconds:.1f} s): console and API {url} , {', '.join(meters)}. Ctrl-C stops.",
        )


def _note(files: LogFiles, name: str, event: str) -> None:
    line = {"t": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "level": "warning", "name": name, "event": event}
    files.take(name, json.dumps(line))


def _last_event(child: Child) -> str:
    for line in reversed(child.last_lines):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            entry = json.loads(line)
            if entry["level"] == "error":
                cause = str(entry.get("trace", "")).strip().rpartition("\n")[2]
                return f"{entry['event']} {cause}".strip()
    return child.last_lines[-1] if child.last_lines else "?"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``openmains serve``."""
    roles = [role for role in ROLES if role != "demo"]
    parser.add_argument("--role", choices=roles, help=messages.text("只运行一个角色", "run one role only"))


def serve(args: argparse.Namespace, loaded: Loaded) -> int:
    """``openmains serve``."""
    if args.role:
        preflight.check_restored(loaded.settings)
        loaded.settings.urls()  # engines never started: one line and no log
        check_alone(args.role, loaded.settings)
        return run(args.role, loaded.settings)
    return supervise(lambda: Supervisor(loaded))


def supervise(make: Callable[[], Supervisor]) -> int:
    """Run a supervisor in a loop of its own."""

    async def main() -> None:
        await make().run()

    asyncio.run(main())
    return 0


def add_demo_arguments(parser: argparse.ArgumentParser) -> None:
    """``openmains demo`` has none yet."""
    del parser


def demo(args: argparse.Namespace, loaded: Loaded) -> int:
    """``openmains demo``: serve, and the demo utility beside it."""
    del args
    return supervise(lambda: Supervisor(with_phones(with_tcp(loaded)), ("demo",)))
