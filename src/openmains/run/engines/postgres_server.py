# SPDX-License-Identifier: Apache-2.0
"""The embedded PostgreSQL: initialised once, configured at each start, spoken to over a private Unix socket only.

No TCP, SCRAM passwords from ``var/secrets``. Six roles: ``postgres`` (superuser; only this file uses it),
``openmains_owner`` (owns the schema and passes row-level security, because the sign-in functions of migration 0001 run
with its rights), ``openmains_api`` and ``openmains_pipeline`` (see migration 0001),
``openmains_signer`` (0006), and ``openmains_limited`` (0110), which nobody signs in as: ``openmains_api`` becomes it for a person whose
rights are limited.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import asyncpg

from openmains.run.care.texts import postgres_did_not_start, postgres_files, postgres_gone, refusal
from openmains.run.engines.child import Child, StartError
from openmains.run.engines.postgres_files import (
    LIST,
    changed_files,
    damaged_pages,
    forget_files,
    missing_files,
    note_files,
)
from openmains.run.engines.postgres_place import RESTORING, Place, find_place
from openmains.run.secret_files import secret, usable

DATABASE = "openmains"
ROLES = {
    "openmains_owner": "LOGIN BYPASSRLS",
    "openmains_api": "LOGIN",
    "openmains_pipeline": "LOGIN",
    "openmains_signer": "LOGIN",
    "openmains_limited": "NOLOGIN",
}
START_LIMIT_S = 120.0  # replaying the log after a crash under load can take a minute
SIZES = {
    "small": {"shared_buffers": "256MB", "effective_cache_size": "2GB", "work_mem": "16MB", "max_wal_size": "1GB"},
    "large": {"shared_buffers": "4GB", "effective_cache_size": "12GB", "work_mem": "64MB", "max_wal_size": "8GB"},
}


ACCESS = "# Written by openmains at each start: every role by its password, over the socket only.\nlocal all all scram-sha-256\n"


def configuration(size: str, place: Place, *, durable: bool) -> str:
    """Text of openmains.conf; ``size`` is a key of SIZES, ``durable`` is false only for tests that never lose power."""
    values = {
        "listen_addresses": "",
        "unix_socket_directories": str(place.socket),
        "hba_file": str(place.data / "openmains_hba.conf"),
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "max_connections": "100",
        "maintenance_work_mem": "256MB",
        "synchronous_commit": "on",
        "fsync": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
        "wal_compression": "on",
        "wal_buffers": "16MB",
        "min_wal_size": "256MB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "random_page_cost": "1.1",
        "jit": "off",  # our queries are short; compiling them costs more than it saves
        "autovacuum_vacuum_cost_limit": "1000",
        "log_line_prefix": "%m [%p] %q%u ",
        "log_checkpoints": "off",
        "log_min_duration_statement": "2s",
        "log_parameter_max_length": "0",  # parameters are customers' data and password hashes
        "log_parameter_max_length_on_error": "0",
        "timezone": "UTC",
        "log_timezone": "UTC",
        **SIZES[size],
    }
    lines = ["# Written by openmains at each start; put your own settings into user.conf beside it."]
    lines += [f"{key} = '{value}'" for key, value in values.items()]
    return "\n".join([*lines, "include_if_exists = 'user.conf'", ""])


class PostgresServer:
    """One cluster below ``var``; ``start`` leaves a reachable database, ``stop`` nothing running."""

    name = "postgres"

    def __init__(self, var: Path, on_line: Callable[[str], None], *, size: str = "small", durable: bool = True) -> None:
        self._var = var
        self._on_line = on_line
        self._size = size
        self._durable = durable
        self._place: Place | None = None
        self.child: Child | None = None
        self.mended: list[str] = []  # files below the data directory that the last start made anew

    @property
    def place(self) -> Place:
        """Places in use; decided at the first question."""
        if self._place is None:
            self._place = find_place(self._var)
        return self._place

    def url(self, role: str) -> str:
        """DSN of one of ROLES, password inside."""
        return self._url(role, DATABASE)

    def _url(self, role: str, database: str) -> str:
        password = quote(secret(self._var, f"postgres-{role}"), safe="")
        return f"postgresql://{role}:{password}@/{database}?host={quote(str(self.place.socket))}"

    async def start(self) -> None:
        """Start and wait until it answers; raises StartError with its last words when it does not."""
        place = self.place
        await self._end_orphan(place.data)
        await asyncio.to_thread(self._prepare, place)
        for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):  # ours alone; left by a killed postmaster
            (place.socket / name).unlink(missing_ok=True)
        self.child = Child(
            "postgres",
            [str(place.programs / "postgres"), "-D", str(place.data), "-c", f"config_file={place.data}/openmains.conf"],
            directory=place.data,
            on_line=self._on_line,
            account=place.account,
            stop_signal=signal.SIGINT,  # fast: ends sessions, writes a checkpoint
            death_signal=signal.SIGINT,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        )
        forget_files(place.data)  # from its first moment on they change: a kill must not make them look damaged
        await self.child.start()
        try:
            await self._first_words(self.child, place)
        except asyncpg.PostgresError as error:  # it runs and cannot open our database
            await self.child.stop(30)
            raise refusal(postgres_did_not_start(" ".join(str(error).split()))) from error
        if gone := await self.missing_files():
            await self.child.stop(30)
            raise refusal(postgres_files(place.data, gone))

    async def _first_words(self, child: Child, place: Place) -> None:
        try:
            await self._set_up_roles(child)
        except asyncpg.InvalidPasswordError:  # the superuser's password's file is another one now; the data is ours
            await child.stop(30)
            await asyncio.to_thread(self._set_superuser_password, place)
            await child.start()
            await self._set_up_roles(child)

    def _set_superuser_password(self, place: Place) -> None:
        """Without a server: as the account that owns the files (single-user mode). Raises StartError."""
        self._on_line("the superuser's password does not fit its file any more: setting it anew")
        words = f"ALTER ROLE postgres PASSWORD '{secret(self._var, 'postgres-postgres')}';\n"
        command = [str(place.programs / "postgres"), "--single", "-D", str(place.data)]
        command += ["-c", f"config_file={place.data}/openmains.conf", "-c", "log_statement=none", "postgres"]
        done = self._run(place, command, words)
        if done.returncode != 0 or re.search(r"ERROR|FATAL|PANIC", done.stderr):
            why = done.stderr.strip().splitlines()[-1:] or ["?"]
            raise refusal(postgres_did_not_start(why[0]))

    async def stop(self) -> None:
        """Fast shutdown; after 30 s immediate (it recovers at the next start)."""
        if self.child is None:
            return
        was_running = self.child.running
        await self.child.stop(30)
        if was_running and await self.child.wait() == 0:
            with contextlib.suppress(OSError):  # a full disk: the next start compares nothing
                await asyncio.to_thread(note_files, self.place.data)

    async def missing_files(self) -> list[str]:
        """Tables and indexes whose file is gone while it runs."""
        return await missing_files(self._url("postgres", DATABASE))

    async def check(self) -> str:
        """Version; raises when it does not answer within 5 s."""
        connection = await asyncpg.connect(self._url("openmains_owner", DATABASE), timeout=5)
        try:
            return str(await connection.fetchval("SHOW server_version"))
        finally:
            await connection.close()

    async def given_up(self) -> bool:
        """Never: PostgreSQL ends its process when it can not go on."""
        return False

    def _prepare(self, place: Place) -> None:
        running = self._var / "run" / "initdb-running"
        has_begun = (place.data / "openmains.conf").exists()  # written once initdb has ended
        if running.exists() and not has_begun:  # a first start was cut short: nothing of value is in there yet
            for entry in place.data.iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        if not any(place.data.iterdir()):
            is_new = running.exists() or (self._var / RESTORING).exists()
            if usable(self._var / "secrets" / "postgres-postgres") and not is_new:
                raise refusal(postgres_gone(place.data))  # it had a password, so it had a database
            running.touch()
            self._initdb(place)
        running.unlink(missing_ok=True)
        self._compare_files(place)
        self.mended = _mend_version(place)
        major = _version_in(place.data)
        ours = _program_major(place)
        if major != ours:
            raise StartError(
                f"数据库目录属于 PostgreSQL {major},程序为 {ours};请先按手册导出再导入。",
                f"the database directory is of PostgreSQL {major}, the program is {ours}: dump and restore first.",
            )
        for name, text in (
            ("openmains.conf", configuration(self._size, place, durable=self._durable)),
            ("openmains_hba.conf", ACCESS),
        ):
            path = place.data / name
            path.write_text(text, "utf-8")
            if place.account.uid >= 0:
                os.chown(path, place.account.uid, place.account.gid)

    def _compare_files(self, place: Place) -> None:
        """Against what an orderly end left; raises StartError."""
        if not (place.data / LIST).exists():
            return
        changed = changed_files(place.data) or damaged_pages(
            place.programs, place.data, lambda words: self._run(place, words)
        )
        if changed:
            raise refusal(postgres_files(place.data, changed))

    def _initdb(self, place: Place) -> None:
        password_file = place.socket / "first-password"
        password_file.touch(mode=0o600)
        password_file.write_text(secret(self._var, "postgres-postgres") + "\n", "ascii")
        if place.account.uid >= 0:
            os.chown(password_file, place.account.uid, place.account.gid)
        command = [
            str(place.programs / "initdb"),
            f"--pgdata={place.data}",
            "--username=postgres",
            "--auth=scram-sha-256",
            f"--pwfile={password_file}",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
            *([] if self._durable else ["--no-sync"]),
        ]
        try:
            done = self._run(place, command)
        finally:
            password_file.unlink()
        if done.returncode != 0:
            why = done.stderr.strip().splitlines()[-1:] or ["?"]
            raise StartError(f"初始化数据库失败:{why[0]}", f"initialising the database failed: {why[0]}")

    @staticmethod
    def _run(place: Place, command: list[str], words: str = "") -> subprocess.CompletedProcess[str]:
        """One of the programs, as the account that owns the data."""
        account = place.account
        ours = account.uid < 0
        return subprocess.run(  # noqa: S603 - fixed words and our own paths
            command,
            user=None if ours else account.uid,
            group=None if ours else account.gid,
            extra_groups=None if ours else [],
            input=words,
            capture_output=True,
            text=True,
            cwd=place.data,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            check=False,
        )

    async def _end_orphan(self, data: Path) -> None:
        """Wait for a postmaster that outlived its supervisor, and drop a pid file that speaks of nobody."""
        pid_file = data / "postmaster.pid"
        for number, patience_s in ((signal.SIGINT, 20.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0)):
            pid = _postmaster(data)
            if pid is None:
                pid_file.unlink(missing_ok=True)
                return
            self._on_line(f"ending a postmaster left over from an earlier run: {pid} {number.name}")
            os.kill(pid, number)
            until = time.monotonic() + patience_s
            while time.monotonic() < until and _postmaster(data) is not None:
                await asyncio.sleep(0.05)

    async def _set_up_roles(self, child: Child) -> None:
        connection = await _connect_patiently(self._url("postgres", "postgres"), child)
        try:
            known = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
            for role, rights in ROLES.items():
                password = secret(self._var, f"postgres-{role}")  # URL-safe letters only, so it may stand in quotes
                verb = "ALTER" if role in known else "CREATE"
                await connection.execute(f"{verb} ROLE {role} {rights} PASSWORD '{password}'")
            # the owner may act as either: migrations and tests check what they see
            await connection.execute(
                "GRANT openmains_api, openmains_pipeline, openmains_signer, openmains_limited TO openmains_owner WITH INHERIT FALSE"
            )
            await connection.execute("GRANT openmains_limited TO openmains_api WITH INHERIT FALSE")
            # the import checks references set-wise and skips the row-wise triggers (migration 0003)
            await connection.execute("GRANT SET ON PARAMETER session_replication_role TO openmains_owner")
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f"CREATE DATABASE {DATABASE} OWNER openmains_owner")
                await connection.execute(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")
            await connection.execute(
                f"GRANT CONNECT ON DATABASE {DATABASE} TO openmains_api, openmains_pipeline, openmains_signer"
            )
        finally:
            await connection.close()


async def _connect_patiently(url: str, child: Child) -> asyncpg.Connection:
    until = time.monotonic() + START_LIMIT_S
    while True:
        try:
            return await asyncpg.connect(url, timeout=5)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError, TimeoutError) as error:
            if not child.running:
                raise refusal(postgres_did_not_start(_last_words(child))) from error
            if time.monotonic() > until:
                await child.stop(5, stop_signal=signal.SIGQUIT)
                raise StartError("数据库启动超时。", "the database did not get ready in time.") from error
        await asyncio.sleep(0.03)


def _last_words(child: Child) -> str:
    """Why it ended: what it calls PANIC comes before what it told others because of it, that it is not up yet."""
    bad = [line for line in child.last_lines if re.search(r"FATAL|PANIC|ERROR", line)]
    said = [line for line in bad if "is starting up" not in line and "is shutting down" not in line]
    lines = [line for line in said if "PANIC" in line] or said or bad or list(child.last_lines) or ["?"]
    return re.sub(r"^.*?(?=PANIC:|FATAL:|ERROR:)", "", lines[0])


def _postmaster(data: Path) -> int | None:
    """Process id of the postmaster that serves ``data``; None when there is none (an id may have been given anew)."""
    try:
        pid = int((data / "postmaster.pid").read_text("ascii").split("\n", 1)[0])
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(str(data)) in arguments else None


def _version_in(data: Path) -> str:
    try:
        return (data / "PG_VERSION").read_bytes().decode("ascii", "replace").strip()
    except FileNotFoundError:
        return ""


def _mend_version(place: Place) -> list[str]:
    """``PG_VERSION`` says two digits that each database's folder says too: made anew from there when it is damaged; its name then."""
    said = {_version_in(folder) for folder in (place.data / "base").glob("*")}
    if _version_in(place.data) not in said and len(said) == 1:
        path = place.data / "PG_VERSION"
        path.write_text(said.pop() + "\n", "ascii")
        if place.account.uid >= 0:
            os.chown(path, place.account.uid, place.account.gid)
        return [path.name]
    return []


def _program_major(place: Place) -> str:
    folder = place.programs.parent.name.removeprefix("pginstall")
    return folder or "16"
