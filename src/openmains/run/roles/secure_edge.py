# SPDX-License-Identifier: Apache-2.0
"""Composition of the edge's DTLS side: socket, session file, LwM2M, and who does what with what meters say."""

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from openmains.app.link.answers import BUSY_S
from openmains.app.link.downlinks import Downlinks
from openmains.app.link.lwm2m.bootstrapping import Bootstrapping
from openmains.app.link.lwm2m.clock_setting import ClockSetting
from openmains.app.link.lwm2m.operations import Operations
from openmains.app.link.lwm2m.pipe import FramePipe
from openmains.app.link.lwm2m.reporting import Reporting
from openmains.app.link.lwm2m.traffic import Parts, Traffic
from openmains.app.link.ports import Link
from openmains.app.link.proofs import Proofs
from openmains.app.link.reports import Reports
from openmains.app.security.key_lookup import KeyLookup
from openmains.app.security.refusals import RefusalStage
from openmains.app.security.registrar import Cells, Registrar
from openmains.app.security.watch import AccessWatch
from openmains.domain.security.findings import State
from openmains.edges.nats.nodes import NodeLink
from openmains.edges.signer.switch import CachedStopSwitch, FileSwitch
from openmains.edges.sqlite.sessions import SessionFile, SessionFileError
from openmains.edges.sqlite.writer import SessionWriter
from openmains.edges.udp.secure_edge import SecureEdge
from openmains.edges.udp.shell import open_socket
from openmains.run.care.faults import FaultFolder
from openmains.run.care.sessions import open_sessions
from openmains.run.engines.child import StartError
from openmains.run.roles.access import EdgeAccess
from openmains.run.roles.edge_context import EdgeContext
from openmains.run.roles.process import now_us
from openmains.run.secret_files import secret, usable
from openmains.run.settings import Settings
from openmains.wire.coap.exchange import Limits
from openmains.wire.lwm2m.server import Server as LwM2mServer


@dataclass(slots=True)
class Secure:
    """The DTLS side, put together."""

    edge: SecureEdge
    traffic: Traffic
    parts: Parts
    link: NodeLink
    watch: AccessWatch
    writer: SessionWriter
    file: SessionFile

    @property
    def counters(self) -> dict[str, int]:
        """Of all parts."""
        return (
            self.edge.counters
            | self.traffic.counters
            | self.watch.counters
            | {f"node.{name}": value for name, value in self.link.counters.items()}
            | {"sessions.waiting": self.writer.waiting, "sessions.failed": self.writer.failed}
        )


def secure_side(context: EdgeContext) -> Secure:
    """Bound and opened; nothing is read before ``edge.start``. Raises StartError for a session file that does not fit, ``OSError``
    for a port that is taken."""
    settings, access, loop = context.settings, context.access, asyncio.get_running_loop()
    watch = AccessWatch(
        access.guard, access.cache, access.keys, context.identities, access.unknown, access.refusals,
        lambda uplink: context.batcher.add(uplink, lambda confirmed: None), now_us,
    )  # fmt: skip
    file = _session_file(settings)
    writer = SessionWriter(file)
    cells = Cells(access.keys.keys, access.follower.cells)
    sock = open_socket(settings.coap_host, settings.dtls_port, settings.edge_receive_buffer_kb << 10)
    edge = SecureEdge(
        sock,
        node=settings.node,
        secret=secret(settings.var_path, "dtls").encode(),
        random=os.urandom,
        store=writer,
        desk=KeyLookup(cells),
        limiter=context.limiter,
        shedding=context.shedding,
        watch=watch,
        cache=settings.session_cache,
        now_us=now_us,
    )
    server = LwM2mServer(
        coap_limits=Limits(busy_max_age_s=BUSY_S),
        seed=secrets.randbits(62),
        unix_s=time.time() - loop.time(),
        crowd=context.shedding,
    )
    parts = _parts(context, edge, server, watch)
    traffic = Traffic(
        server,
        parts,
        link=edge,
        store=writer,
        registrar=Registrar(access.gate, watch, cells, context.limiter.is_trusted),
        driver_of=context.admission.driver_of,
    )
    link = NodeLink(context.client, settings.node, edge.take_forwarded, edge.send_forwarded)

    def on_change(changed: list[tuple[int, State]]) -> None:
        for imei, state in changed:
            if state is State.BLOCKED:
                edge.close_session(imei)

    access.on_change = on_change
    return Secure(edge, traffic, parts, link, watch, writer, file)


def _parts(context: EdgeContext, link: Link, server: LwM2mServer, watch: AccessWatch) -> Parts:
    """Who does what with what meters say, all over one link and one LwM2M server."""
    settings, access, clock, node = context.settings, context.access, context.clock, context.settings.node
    may_command = access.cache.may_command
    reports = Reports(
        node=node,
        admission=context.admission,
        batcher=context.batcher,
        shedding=context.shedding,
        unknown=lambda imei, host: watch.unknown(imei, host, proven=True),
        clock=clock,
    )
    proofs = Proofs(link, clock, server.ping)
    downlinks = Downlinks(
        node=node,
        link=link,
        clock=clock,
        proofs=proofs,
        sender=FramePipe(server),
        may_command=may_command,
        stopped=CachedStopSwitch(FileSwitch(settings.stop_folder), clock.time).stopped,
        publish=context.batcher.add,
    )
    clocks = ClockSetting(
        server=server, link=link, clock=clock, proofs=proofs, may_command=may_command,
        driver_of=context.admission.driver_for,
    )  # fmt: skip
    return Parts(
        Reporting(server=server, link=link, clock=clock, reports=reports, down_log=context.down_log, clocks=clocks),
        proofs,
        downlinks,
        Operations(
            node=node, server=server, link=link, clock=clock, proofs=proofs, may_command=may_command, down_log=context.down_log
        ),
        Bootstrapping(
            uri=settings.bootstrap_uri, server=server, link=link, clock=clock, keys=access.keys, proofs=proofs,
            may_command=may_command,
            refused=lambda terminal, reason, detail: watch.refused(
                terminal.text, terminal.imei, RefusalStage.BOOTSTRAP, reason, detail, terminal.host
            ),
        ),
        context.down_log,
        clocks,
    )  # fmt: skip


def session_path(settings: Settings) -> Path:
    """This node's session file."""
    return settings.var_path / "edge" / f"node-{settings.node}.sqlite"


def _session_file(settings: Settings) -> SessionFile:
    path = session_path(settings)
    had_key = bool(usable(settings.var_path / "secrets" / "edge-sessions"))
    key = secret(settings.var_path, "edge-sessions").encode()
    try:
        return open_sessions(
            path, settings.node, _key_of(key), secrets.token_bytes, FaultFolder(settings.var_path),
            known=had_key and settings.node == 1,
        )  # fmt: skip
    except SessionFileError as error:
        raise StartError(
            f"会话文件不适用于本节点或本版本:{error}。请核对 node 设置,或移走该文件(表具将重新握手)。",
            f"the session file does not fit this node or version: {error}. Check the setting node, or move the file away (meters will"
            " handshake again).",
        ) from error


def _key_of(text: bytes) -> bytes:
    """32 bytes for the session file from the installation's secret."""
    return HKDF(SHA256(), 32, None, b"openmains edge sessions").derive(text)


def new_keys(watch: AccessWatch, access: EdgeAccess) -> Callable[[], Coroutine[Any, Any, None]]:
    """The first use of a new key ends the one before it."""

    async def note() -> None:
        if used := watch.take_used():
            try:
                await access.keys.used(used)
            except BaseException:
                for key in used:
                    watch.used(key)  # for the next time
                raise

    return note
