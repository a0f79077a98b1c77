# SPDX-License-Identifier: Apache-2.0
"""Composition of the edge: sockets in, stream out, commands down. Goes on answering from memory while PostgreSQL is away."""

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nats.aio.client import Client
from nats.aio.msg import Msg

from openmains.app.command.downlink import ANY_NODE, decode_frames
from openmains.app.fleet.identities import Identities
from openmains.app.ingest.edge.admission import Reception
from openmains.app.ingest.edge.batcher import Batcher
from openmains.app.ingest.edge.limiter import AddressLimiter
from openmains.app.link.downlinks import Downlinks
from openmains.app.link.lwm2m.bootstrapping import Bootstrapping
from openmains.app.link.lwm2m.operations import Operations
from openmains.app.link.lwm2m.pipe import FramePipe
from openmains.app.link.lwm2m.reporting import Reporting
from openmains.app.link.lwm2m.traffic import Parts, Traffic
from openmains.app.link.ports import Clock, Link
from openmains.app.link.proofs import Proofs
from openmains.app.link.reports import Reports
from openmains.app.security.key_lookup import KeyDesk
from openmains.app.security.registrar import Cells, Registrar
from openmains.app.security.watch import AccessWatch
from openmains.domain.period import zone
from openmains.domain.security.findings import State
from openmains.drivers import catalog as driver_catalog
from openmains.edges.nats.commands import HeardTeller
from openmains.edges.nats.nodes import NodeLink
from openmains.edges.nats.operate import listen_operate
from openmains.edges.nats.stream import Bus, UplinkStream, connect
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.fleet.identities import IdentityFollower
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from openmains.edges.signer.switch import FileSwitch, Glance
from openmains.edges.sqlite.sessions import SessionFile, SessionFileError
from openmains.edges.sqlite.writer import SessionWriter
from openmains.edges.udp.coap_edge import CoapEdge
from openmains.edges.udp.secure_edge import SecureEdge
from openmains.edges.udp.shell import open_socket
from openmains.run.engines.child import StartError
from openmains.run.roles.access import EdgeAccess, edge_access
from openmains.run.roles.clock import LoopClock
from openmains.run.roles.counters import tell_counters
from openmains.run.roles.process import calm_collector, check_shards, every, now_us, patiently, while_connected
from openmains.run.secret_files import secret
from openmains.run.settings import Settings
from openmains.wire.lwm2m.server import Server as LwM2mServer

log = logging.getLogger("openmains.run")
YOUNG_OF_MESSAGES = 4_000  # looked at in one go: meters wait meanwhile


@dataclass(slots=True)
class EdgeContext:
    """What all of an edge is put together from."""

    settings: Settings
    client: Client
    pool: asyncpg.Pool
    identities: Identities
    reception: Reception
    batcher: Batcher
    limiter: AddressLimiter
    access: EdgeAccess
    clock: Clock


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


async def run_edge(settings: Settings, stop: asyncio.Event) -> None:
    """One edge node until ``stop``."""
    async with AsyncExitStack() as stack:
        urls = settings.urls()
        client = await patiently("stream", lambda: connect(urls.nats_of("edge"), name=f"edge-{settings.node}"), stop)
        stack.push_async_callback(client.close)
        stream = UplinkStream(client, max_bytes=settings.stream_max_mb << 20)
        await patiently("stream", lambda: stream.ensure(update=False), stop)  # an edge may not change it
        pool = await patiently("PostgreSQL", lambda: create_pool(urls.postgres_pipeline, max_size=4), stop)
        stack.push_async_callback(pool.close)
        identities = Identities()
        follower = IdentityFollower(pool, identities)
        await patiently("registry", follower.load, stop)
        access = edge_access(settings, pool)
        await patiently("terminals", access.load, stop)
        reception = Reception(
            identities,
            driver_catalog.load(),
            meter_limit=settings.meter_rate_per_min,
            is_blocked=access.book.is_blocked,
        )
        store = PostgresPipelineStore(pool)
        await check_shards(store, settings)

        async def learn_products() -> None:
            products, zones = await store.products(), await store.zones()
            reception.set_products(
                {key: product.driver for key, product in products.items()},
                {key: zone(name) for key, name in zones.items()},
            )

        await learn_products()
        batcher = Batcher(
            stream,
            settings.shards,
            linger_s=settings.edge_batch_ms / 1000,
            batch=settings.edge_batch_messages,
            waiting=settings.edge_waiting_messages,
        )
        limiter = AddressLimiter(
            settings.address_rate_per_s,
            [text.strip() for text in settings.trusted_networks.split(",") if text.strip()],
            settings.trusted_rate_per_s,
        )
        context = EdgeContext(
            settings,
            client,
            pool,
            identities,
            reception,
            batcher,
            limiter,
            access,
            LoopClock(asyncio.get_running_loop()),
        )
        plain = _plain(context) if settings.coap_port else None
        secure = _secure(context) if settings.dtls_port else None
        calm_collector(YOUNG_OF_MESSAGES)
        if plain is not None:
            plain.start()
        if secure is not None:
            secure.edge.start(secure.traffic, secure.link)
            await secure.link.start()
            await _listen_down(client, settings.node, secure.parts.downlinks)
            await listen_operate(client, settings.node, secure.parts.operations.handle)
            batcher.on_stored = HeardTeller(client, settings.node).stored
        log.info(
            "edge ready: node %d, DTLS on %d, CoAP on %d (0: off), %d meters known",
            settings.node, settings.dtls_port, settings.coap_port, len(identities),
        )  # fmt: skip

        async def follow() -> None:
            if await follower.follow():
                await learn_products()

        def counters() -> dict[str, int]:
            counted = {"published": batcher.published, "unconfirmed": batcher.failed, "waiting": batcher.waiting}
            counted |= {} if plain is None else plain.counters
            counted |= {} if secure is None else secure.counters
            return counted | reception.counters | access.counters

        name = f"edge-{os.getpid()}"
        tasks = [
            asyncio.create_task(every(1.0, "registry changes", follow, stop)),
            asyncio.create_task(every(1.0, "terminals", access.follow, stop)),
            asyncio.create_task(every(5.0, "products", learn_products, stop)),
            asyncio.create_task(tell_counters(Bus(client), name, counters, stop)),
        ]
        if secure is not None:
            tasks.append(asyncio.create_task(every(1.0, "new keys", _new_keys(secure.watch, access), stop)))
        await while_connected(client, stop)
        for each in (plain, None if secure is None else secure.edge):
            if each is not None:
                each.stop_reading()
        await batcher.drain()
        await asyncio.sleep(0)  # the answers of the last batch go out
        if plain is not None:
            plain.close()
        if secure is not None:
            secure.edge.close()
            await secure.writer.drain()
            secure.file.close()
        await asyncio.gather(*tasks, return_exceptions=True)


def _plain(context: EdgeContext) -> CoapEdge:
    settings = context.settings
    sock = open_socket(settings.coap_host, settings.coap_port, settings.edge_receive_buffer_kb << 10)
    return CoapEdge(
        sock, context.reception, context.batcher, context.limiter, mid_seed=secrets.randbits(63), now_us=now_us
    )


def _secure(context: EdgeContext) -> Secure:
    settings, access, loop = context.settings, context.access, asyncio.get_running_loop()
    watch = AccessWatch(
        access.guard, access.book, access.keys, context.identities, access.unknown,
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
        desk=KeyDesk(cells),
        limiter=context.limiter,
        watch=watch,
        cache=settings.session_cache,
        now_us=now_us,
    )
    server = LwM2mServer(seed=secrets.randbits(62), unix_s=time.time() - loop.time())
    parts = _parts(context, edge, server, watch)
    traffic = Traffic(
        server,
        parts,
        link=edge,
        store=writer,
        registrar=Registrar(access.gate, watch, cells, context.limiter.is_trusted),
        driver_of=context.reception.driver_of,
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
    may_command = access.book.may_command
    reports = Reports(
        node=node,
        reception=context.reception,
        batcher=context.batcher,
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
        stopped=Glance(FileSwitch(settings.stop_folder), clock.time).stopped,
        publish=context.batcher.add,
    )
    return Parts(
        Reporting(server=server, link=link, clock=clock, reports=reports),
        proofs,
        downlinks,
        Operations(node=node, server=server, link=link, clock=clock, proofs=proofs, may_command=may_command),
        Bootstrapping(
            uri=settings.bootstrap_uri, server=server, link=link, clock=clock, keys=access.keys, proofs=proofs,
            may_command=may_command,
        ),
    )  # fmt: skip


def _session_file(settings: Settings) -> SessionFile:
    path = settings.var_path / "edge" / f"node-{settings.node}.sqlite"
    key = secret(settings.var_path, "edge-sessions").encode()
    try:
        return SessionFile(path, settings.node, _key_of(key), secrets.token_bytes)
    except SessionFileError as error:
        raise StartError(
            f"会话文件不适用于本节点或本版本:{error}。请核对 node 设置,或移走该文件(表具将重新握手)。",
            f"the session file does not fit this node or version: {error}. Check the setting node, or move the file away (meters will"
            " handshake again).",
        ) from error


def _key_of(text: bytes) -> bytes:
    """32 bytes for the session file from the installation's secret."""
    return HKDF(SHA256(), 32, None, b"openmains edge sessions").derive(text)


async def _listen_down(client: Client, node: int, downlinks: Downlinks) -> None:
    async def on_message(message: Msg) -> None:
        try:
            frames = decode_frames(message.data)
        except msgspec.MsgspecError as error:
            log.error("downlink message is not ours: %s", error)
            return
        downlinks.handle(frames)

    for subject in (node, ANY_NODE):
        await client.subscribe(f"downlink.{subject}", cb=on_message)


def _new_keys(watch: AccessWatch, access: EdgeAccess) -> Callable[[], Coroutine[Any, Any, None]]:
    """The first use of a new key ends the one before it."""

    async def note() -> None:
        if used := watch.take_used():
            await access.keys.used(used)

    return note
