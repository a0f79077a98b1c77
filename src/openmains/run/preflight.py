# SPDX-License-Identifier: Apache-2.0
"""What must hold before a start. Each fault is one StartError with one clear line."""

import fcntl
import os
import shutil
import socket
from pathlib import Path
from typing import NamedTuple

from openmains.run.engines import nats_server
from openmains.run.engines.child import StartError
from openmains.run.engines.postgres_place import RESTORING
from openmains.run.roles.main import role_lock
from openmains.run.settings import Settings


def open_var(settings: Settings) -> int:
    """Make ``var`` if needed and lock it for this supervisor; the descriptor holds the lock while it is open."""
    var = settings.var_path
    check_restored(settings)
    try:
        if not var.exists():
            var.mkdir(parents=True)
            var.chmod(0o711)  # the database's account passes through; what is private below is 0700 by itself
        (var / "run").mkdir(mode=0o711, exist_ok=True)
        descriptor = os.open(var / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartError(
            f"数据目录 {var} 不可写:{error.strerror}。", f"the data directory {var} is not writable: {error.strerror}."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "?"
        os.close(descriptor)
        raise StartError(
            f"{var} 已有一个实例在运行(进程 {holder})。", f"an instance already runs on {var} (process {holder})."
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def check_restored(settings: Settings) -> None:
    """Raise StartError on half a restore."""
    var = settings.var_path
    if (var / RESTORING).exists():
        raise StartError(
            f"{var} 的恢复没有完成:请清空该目录,再执行 openmains restore。",
            f"a restore of {var} was cut short: empty the folder and run openmains restore again.",
        )


def check_disk(settings: Settings) -> None:
    """Enough room below ``var``, and below where it points to."""
    places = {settings.var_path, (settings.var_path / "postgres").resolve()}
    for place in places:
        if not place.exists():
            continue
        free_mb = shutil.disk_usage(place).free >> 20
        if free_mb < settings.min_free_mb:
            raise StartError(
                f"磁盘空间不足:{place} 剩余 {free_mb} MB,至少需要 {settings.min_free_mb} MB(min_free_mb)。",
                f"disk full: {place} has {free_mb} MB left, {settings.min_free_mb} MB needed (min_free_mb).",
            )


def check_pipelines(settings: Settings) -> None:
    """Raises StartError for more pipeline processes than can share the work."""
    if settings.pipelines > 1 and not settings.clickhouse_url:
        raise StartError(
            f"pipelines = {settings.pipelines} 须同时设置 clickhouse_url:内置 ClickHouse 只能属于一个进程。",
            f"pipelines = {settings.pipelines} needs clickhouse_url: the embedded ClickHouse belongs to one process.",
        )
    if settings.pipelines > settings.shards:
        raise StartError(
            f"pipelines = {settings.pipelines} 超过分片数 {settings.shards}:多出的进程无事可做。请减少。",
            f"pipelines = {settings.pipelines}, but there are {settings.shards} shards: the others would have nothing to do. Set fewer.",
        )


def check_tools(settings: Settings) -> None:
    """Programs of the embedded engines."""
    if not settings.nats_url:
        nats_server.program()


def wait_for_leftovers(settings: Settings, roles: tuple[str, ...]) -> None:
    """Role processes of a killed supervisor end by themselves; wait until they have."""
    for role in roles:
        with role_lock(settings.var_path, role):
            pass


class OpenPort(NamedTuple):
    """A port that we open. ``setting``: where it is set."""

    kind: socket.SocketKind
    host: str
    port: int
    setting: str

    @property
    def name(self) -> str:
        """For people."""
        return "TCP" if self.kind == socket.SOCK_STREAM else "UDP"


def open_ports(settings: Settings) -> list[OpenPort]:
    """All that these settings ask for."""
    asked = (
        OpenPort(socket.SOCK_STREAM, settings.http_host, settings.http_port, "http_port"),
        OpenPort(socket.SOCK_DGRAM, settings.coap_host, settings.dtls_port, "dtls_port"),
        OpenPort(socket.SOCK_DGRAM, settings.coap_host, settings.coap_port, "coap_port"),
        OpenPort(socket.SOCK_STREAM, settings.coap_host, settings.tcp_port, "tcp_port"),
    )
    return [one for one in asked if one.port]


def check_ports(settings: Settings) -> None:
    """Raises StartError for the first port that cannot be bound now."""
    for one in open_ports(settings):
        try_bind(one)


def try_bind(wanted: OpenPort) -> None:
    """Raises StartError when that port cannot be bound now."""
    kind, host, port, setting = wanted
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StartError(
                f"{wanted.name} 端口 {host}:{port}({setting})不可用:{error.strerror}。"
                f"请结束占用它的程序,或改用 OPENMAINS_{setting.upper()}=其他端口。",
                f"{wanted.name} port {host}:{port} ({setting}) cannot be used: {error.strerror}."
                f" End what has it, or choose another: OPENMAINS_{setting.upper()}=port.",
            ) from error


def udp_bound(port: int) -> bool:
    """Whether some process of this machine has that UDP port."""
    wanted = f":{port:04X}"
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        path = Path(table)
        if path.exists():
            for line in path.read_text("ascii").splitlines()[1:]:
                if line.split()[1].endswith(wanted):
                    return True
    return False
