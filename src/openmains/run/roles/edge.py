# SPDX-License-Identifier: Apache-2.0
"""Composition of the edge: sockets in, stream out, commands down. Goes on answering from memory while PostgreSQL is away."""

import asyncio
import logging
import os
import secrets
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from nats.aio.client import Client

from openmains.app.fleet.identities import Identities
from openmains.app.ingest.edge.admission import Admission
from openmains.app.ingest.edge.batcher import Batcher
from openmains.app.ingest.edge.limiter import AddressLimiter
from openmains.app.ingest.edge.pace import Pace
from openmains.app.ingest.edge.shedding import Shedding
from openmains.app.ingest.uplink import Uplink
from openmains.app.link.down_log import DownLog
from openmains.domain.period import zone
from openmains.drivers import catalog as driver_catalog
from openmains.edges.nats.commands import WakeUpPublisher, listen_downlinks
from openmains.edges.nats.operate import listen_operate
from openmains.edges.nats.pace import listen_pace
from openmains.edges.nats.stream import Bus, UplinkStream, connect
from openmains.edges.nats.urgent import UrgentPublisher
from openmains.edges.postgres.command.gateways import GatewayCommandWork
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.fleet.concentrator_standing import ConcentratorStanding
from openmains.edges.postgres.fleet.concentrators import ConcentratorFollower
from openmains.edges.postgres.fleet.driver_pages import DriverPageFollower
from openmains.edges.postgres.fleet.identities import IdentityFollower
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from openmains.edges.postgres.network.writer import NetworkWriter
from openmains.edges.postgres.security.keys import PostgresKeys
from openmains.edges.udp.coap_edge import CoapEdge
from openmains.edges.udp.shell import open_socket
from openmains.run.care.faults import FaultFolder
from openmains.run.care.sessions import SessionsLostError, close_sessions, watch_sessions, write_out
from openmains.run.master_key import ready_master_key
from openmains.run.roles.access import edge_access
from openmains.run.roles.counters import publish_counters
from openmains.run.roles.edge_context import EdgeContext, LoopClock
from openmains.run.roles.mqtt_edge import GatewaySide, MqttSide, mqtt_side
from openmains.run.roles.operators_edge import OperatorSide, operator_side
from openmains.run.roles.process import calm_collector, check_shards, every, now_us, retry, while_connected
from openmains.run.roles.secure_edge import Secure, new_keys, secure_side, session_path
from openmains.run.roles.tcp_edge import ConcentratorTable, tcp_side
from openmains.run.settings import Settings

log = logging.getLogger("openmains.run")
YOUNG_OF_MESSAGES = 4_000  # looked at in one go: meters wait meanwhile


async def run_edge(settings: Settings, stop: asyncio.Event) -> None:
    """One edge node until ``stop``."""
    async with AsyncExitStack() as stack:
        urls = settings.urls()
        client = await retry("stream", lambda: connect(urls.nats_of("edge"), name=f"edge-{settings.node}"), stop)
        stack.push_async_callback(client.close)
        stream = UplinkStream(client, max_bytes=settings.stream_max_mb << 20)
        await retry("stream", lambda: stream.ensure(update=False), stop)  # an edge may not change it
        pool = await retry("PostgreSQL", lambda: create_pool(urls.postgres_pipeline, max_size=4), stop)
        stack.push_async_callback(pool.close)
        identities = Identities()
        follower = IdentityFollower(pool, identities)
        await retry("registry", follower.load, stop)
        await retry("keys", lambda: ready_master_key(settings.var_path, PostgresKeys(pool)), stop)
        access = edge_access(settings, pool)
        await retry("terminals", access.load, stop)
        table = ConcentratorTable()
        concentrators = ConcentratorFollower(pool, table.take)
        standing = ConcentratorStanding(pool, settings.node)
        await retry("concentrators", concentrators.follow, stop)
        catalog = driver_catalog.load()
        pages = DriverPageFollower(pool, catalog)
        await retry("driver pages", pages.follow, stop)
        admission = Admission(
            identities,
            catalog,
            meter_limit=settings.meter_rate_per_min,
            is_blocked=access.cache.is_blocked,
        )
        store = PostgresPipelineStore(pool)
        await check_shards(store, settings)

        async def learn_products() -> None:
            products, zones = await store.products(), await store.zones()
            admission.set_products(
                {key: product.driver for key, product in products.items()},
                {key: zone(name) for key, name in zones.items()},
            )
            known = {key: product.driver for key, product in products.items() if product.driver in catalog}
            table.set_drivers({key: catalog.driver(name) for key, name in known.items()})

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
        clock = LoopClock(asyncio.get_running_loop())
        pace = Pace()
        await listen_pace(client, lambda positions: pace.heard(positions, clock.time()))
        shedding = Shedding(pace)
        down_log = DownLog(clock=clock, who=identities.find, publish=batcher.add)
        context = EdgeContext(
            settings,
            client,
            identities,
            admission,
            batcher,
            limiter,
            shedding,
            access,
            clock,
            down_log,
        )
        plain = _plain(context) if settings.coap_port else None
        secure = secure_side(context) if settings.dtls_port else None
        tcp = tcp_side(context, table) if settings.tcp_port else None
        calm_collector(YOUNG_OF_MESSAGES)
        if tcp is not None:
            await tcp.server.start()
        if plain is not None:
            plain.start()
        wake_up: Callable[[list[Uplink]], None] | None = None

        urgent = UrgentPublisher(client)

        def stored(uplinks: list[Uplink], shard: int, sequence: int) -> None:
            urgent.stored(uplinks, shard, sequence)
            pace.stored(shard, sequence, len(uplinks), clock.time())
            if wake_up is not None:
                wake_up(uplinks)

        batcher.on_stored = stored
        if secure is not None:
            secure.edge.start(secure.traffic, secure.link)
            await secure.link.start()
            await listen_downlinks(client, settings.node, secure.parts.downlinks.handle)
            await listen_operate(client, settings.node, secure.parts.operations.handle)
        if tcp is not None or settings.mqtt_gateways:
            await retry("concentrators", lambda: standing.begin(now_us()), stop)
        if tcp is not None:
            await listen_downlinks(client, settings.node, tcp.commands.handle)
        operators: OperatorSide | None = None
        if settings.operator_platforms:
            operators = operator_side(context, pool)
            stack.push_async_callback(operators.close)
            await listen_downlinks(client, settings.node, operators.commands.handle)
        if secure is not None or tcp is not None or settings.mqtt_broker or operators is not None:
            wake_up = WakeUpPublisher(client, settings.node).stored
        log.info(
            "edge ready: node %d, DTLS on %d, CoAP on %d, TCP on %d (0: off), MQTT %s, %d meters known",
            settings.node, settings.dtls_port, settings.coap_port, settings.tcp_port, "on" if settings.mqtt_broker else "off",
            len(identities),
        )  # fmt: skip

        mqtt: MqttSide | None = None

        async def follow() -> None:
            known = await pages.follow()
            if await follower.follow() or known:
                await learn_products()
            await concentrators.follow()
            if mqtt is not None:
                await mqtt.follower.follow()
            elif settings.mqtt_broker:
                await begin_mqtt()

        async def begin_mqtt() -> None:
            """Once there is a utility; before there is none, whose meters could speak?"""
            nonlocal mqtt
            if (side := await mqtt_side(context, pool, table)) is not None:
                await side.follower.follow()
                await listen_downlinks(client, settings.node, side.commands.handle)
                if side.gateways is not None:
                    await listen_downlinks(client, settings.node, side.gateways.commands.handle)
                    gateways, writer, commands = side.gateways, NetworkWriter(pool), GatewayCommandWork(pool)
                    writing = _writing(gateways, standing, clock)
                    tasks.append(asyncio.create_task(every(1.0, "gateways", writing, stop)))
                    tasks.append(
                        asyncio.create_task(every(1.0, "network", lambda: writer.write(gateways.book, now_us()), stop))
                    )
                    commanding = _commanding(commands, gateways)
                    tasks.append(asyncio.create_task(every(1.0, "commands to gateways", commanding, stop)))
                mqtt = side  # not before: what failed above is begun anew at the next turn
                tasks.append(asyncio.create_task(side.run(stop)))

        def counters() -> dict[str, int]:
            counted = {"published": batcher.published, "unconfirmed": batcher.failed, "waiting": batcher.waiting}
            counted |= {} if plain is None else plain.counters
            counted |= {} if secure is None else secure.counters
            counted |= {} if tcp is None else tcp.counters
            counted |= {} if mqtt is None else mqtt.counters
            counted |= {} if operators is None else operators.counters
            counted |= {"unapplied": pace.unapplied, **shedding.counters}
            return counted | admission.counters | access.counters | pages.counters

        name = f"edge-{os.getpid()}"
        tasks: list[asyncio.Task[None]] = []
        if settings.mqtt_broker:
            await begin_mqtt()  # what does not fit stops the start
        tasks += [
            asyncio.create_task(every(1.0, "registry changes", follow, stop)),
            asyncio.create_task(every(1.0, "terminals", access.follow, stop)),
            asyncio.create_task(every(5.0, "products", learn_products, stop)),
            asyncio.create_task(publish_counters(Bus(client), name, counters, stop)),
        ]
        if tcp is not None:
            book = tcp.main.standing
            tasks.append(
                asyncio.create_task(every(1.0, "concentrators", lambda: standing.write(book, clock.time()), stop))
            )
        if operators is not None:
            tasks.append(asyncio.create_task(operators.run(stop)))
        if secure is not None:
            tasks.append(asyncio.create_task(every(1.0, "new keys", new_keys(secure.watch, access), stop)))
        fault: SessionsLostError | None = None
        try:
            await _until_stopped(settings, client, secure, stop)
        except SessionsLostError as error:
            fault = error
        for each in (plain, None if secure is None else secure.edge, None if tcp is None else tcp.server):
            if each is not None:
                each.stop_reading()
        await batcher.drain()
        await asyncio.sleep(0)  # the answers of the last batch go out
        down_log.flush()
        await batcher.drain()
        if plain is not None:
            plain.close()
        if tcp is not None:
            tcp.server.close()
            await asyncio.sleep(0)  # its sockets are told
            await standing.write(tcp.main.standing, clock.time())
        if secure is not None:
            secure.edge.close()
            await secure.writer.drain()
            if fault is not None and fault.moved:
                write_out(session_path(settings), secure.file, FaultFolder(settings.var_path))
            else:
                close_sessions(session_path(settings), secure.file)
        stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        if fault is not None:
            raise fault


def _writing(
    side: GatewaySide, standing: ConcentratorStanding, clock: LoopClock
) -> Callable[[], Coroutine[Any, Any, None]]:
    return lambda: standing.write(side.standing, clock.time())


def _commanding(work: GatewayCommandWork, side: GatewaySide) -> Callable[[], Coroutine[Any, Any, None]]:
    return lambda: work.turn(side.parameters, now_us())


async def _until_stopped(settings: Settings, client: Client, secure: Secure | None, stop: asyncio.Event) -> None:
    """Work goes on; raises ``SessionsLostError`` when the session file must be begun anew."""
    works = [while_connected(client, stop)]
    if secure is not None:
        book = FaultFolder(settings.var_path)
        works.append(watch_sessions(session_path(settings), secure.writer, book, stop))
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _plain(context: EdgeContext) -> CoapEdge:
    settings = context.settings
    sock = open_socket(settings.coap_host, settings.coap_port, settings.edge_receive_buffer_kb << 10)
    return CoapEdge(
        sock,
        context.admission,
        context.batcher,
        context.limiter,
        context.shedding,
        context.down_log,
        mid_seed=secrets.randbits(63),
        now_us=now_us,
    )
