# SPDX-License-Identifier: Apache-2.0
"""The MQTT side of an edge put together: a utility's broker and the meters that come through it (ADR 0058)."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from openmains.app.link.link_reports import LinkReports
from openmains.app.link.mqtt.commands import QueueCommands
from openmains.app.link.mqtt.directory import MqttDirectory
from openmains.app.link.mqtt.gateway_commands import GatewayCommands
from openmains.app.link.mqtt.gateway_parameters import GatewayParameterLink
from openmains.app.link.mqtt.gateways import GatewayReceiver
from openmains.app.link.mqtt.receiver import MqttReceiver
from openmains.app.link.station.directory import Directory
from openmains.app.link.station.standing import StandingCache
from openmains.app.network.cache import NetworkCache
from openmains.app.security.refusals import RefusalStage
from openmains.domain.ids import TenantId
from openmains.edges.mqtt.client import Broker, MqttClient
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.fleet.mqtt_devices import MqttDeviceFollower
from openmains.edges.postgres.identity.machine import Tenants
from openmains.edges.signer.switch import CachedStopSwitch, FileSwitch
from openmains.run.engines.child import StartError
from openmains.run.roles.edge_context import EdgeContext
from openmains.run.roles.process import now_us
from openmains.run.settings import Settings
from openmains.wire.gateway.messages import topic
from openmains.wire.mqtt.subscriber import filter_fault

GATEWAY_TOPICS = [topic("+", part) for part in ("up", "state")]
PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(slots=True)
class MqttSide:
    """The MQTT side of an edge."""

    client: MqttClient
    receiver: MqttReceiver
    commands: QueueCommands
    directory: MqttDirectory
    follower: MqttDeviceFollower
    gateways: "GatewaySide | None" = None

    @property
    def counters(self) -> dict[str, int]:
        """By name. ``mqtt.connected`` is 1 while the broker lets us in."""
        standing = {"mqtt.connected": int(self.client.is_connected), "mqtt.devices": len(self.directory)}
        gateways = {} if self.gateways is None else self.gateways.counters
        return {**self.client.counters, **self.receiver.counters, **self.commands.counters, **gateways, **standing}

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        await self.client.run(stop)


@dataclass(slots=True)
class GatewaySide:
    """Gateways of ours at that broker."""

    receiver: GatewayReceiver
    commands: GatewayCommands
    parameters: GatewayParameterLink
    standing: StandingCache
    book: NetworkCache

    @property
    def counters(self) -> dict[str, int]:
        """By name."""
        return {
            **(self.receiver.counters + self.commands.counters + self.parameters.counters),
            "gateway.events_refused": self.book.refused,
        }


async def mqtt_side(context: EdgeContext, pool: Pool, table: Directory) -> MqttSide | None:
    """Not connected yet; None where there is no utility yet whose broker it could be. Raises StartError for settings that do not fit."""
    settings, access, clock = context.settings, context.access, context.clock
    broker = _broker(settings)
    tenant_id = await _tenant(settings, pool)
    if tenant_id is None:
        return None
    directory = MqttDirectory()

    client = MqttClient(broker, lambda message, done: receiver.receive(message.topic, message.payload, done))
    commands = QueueCommands(
        directory=directory,
        clock=clock,
        words=LinkReports(settings.node, clock, context.batcher.add),
        stopped=CachedStopSwitch(FileSwitch(settings.stop_folder), clock.time).stopped,
        publish=client.publish,
        driver_of=context.admission.driver_for,
        f_port=settings.mqtt_command_port,
    )

    def note(name: str, reason: str, detail: str) -> None:
        access.refusals.note(
            name, None, RefusalStage.REGISTRATION, reason, f"MQTT {detail}", broker.host, now_us(), tenant_id
        )

    receiver = MqttReceiver(
        node=settings.node,
        tenant_id=tenant_id,
        directory=directory,
        admission=context.admission,
        batcher=context.batcher,
        shedding=context.shedding,
        clock=clock,
        queue=commands,
        note=note,
        is_blocked=access.cache.is_blocked,
        topics=context.admission.topics,
        driver_of=context.admission.driver_for,
    )
    follower = MqttDeviceFollower(pool, tenant_id, directory, context.admission.topics)
    side = MqttSide(client, receiver, commands, directory, follower)
    if settings.mqtt_gateways:
        side.gateways = _gateways(context, table, side, broker.host, tenant_id, note)
        receiver.gateways = side.gateways.receiver
    return side


def _gateways(
    context: EdgeContext,
    table: Directory,
    side: MqttSide,
    host: str,
    tenant_id: TenantId,
    note: Callable[[str, str, str], None],
) -> GatewaySide:
    settings, clock, standing, book = context.settings, context.clock, StandingCache(now_us), NetworkCache()
    words = LinkReports(settings.node, clock, context.batcher.add)
    stopped = CachedStopSwitch(FileSwitch(settings.stop_folder), clock.time).stopped
    parameters = GatewayParameterLink(side.client.publish, lambda: receiver.connected(), stopped)
    receiver = GatewayReceiver(
        tenant_id=tenant_id,
        host=host,
        directory=table,
        intake=side.receiver,
        standing=standing,
        book=book,
        words=words,
        answer=parameters.answer,
        clock=clock,
        publish=side.client.publish,
        offset_min=context.admission.offset_min,
        note=note,
    )
    commands = GatewayCommands(
        directory=table,
        clock=clock,
        words=words,
        stopped=stopped,
        publish=side.client.publish,
        is_connected=receiver.is_connected,
        driver_of=context.admission.driver_for,
    )
    return GatewaySide(receiver, commands, parameters, standing, book)


async def _tenant(settings: Settings, pool: Pool) -> TenantId | None:
    tenants = await Tenants(pool).all()
    code = settings.mqtt_tenant
    found = [each for each in tenants if each.code == code] if code else tenants
    if len(found) == 1:
        return found[0].tenant_id
    if not tenants:
        return None
    if code:
        raise StartError(f"mqtt_tenant:没有租户 {code}。", f"mqtt_tenant: there is no tenant {code}.")
    raise StartError(
        "设置了 mqtt_broker,而租户不止一个:请用 mqtt_tenant 指明该 MQTT 服务器属于哪个租户。",
        "mqtt_broker is set, and there is more than one tenant: say in mqtt_tenant whose MQTT broker it is.",
    )


def _broker(settings: Settings) -> Broker:
    try:
        parts = urlsplit(settings.mqtt_broker)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    fits = parts.scheme in PORTS and parts.hostname and parts.username is None and port != 0
    if not fits or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise StartError(
            "mqtt_broker 应形如 mqtts://主机:8883 或 mqtt://主机:1883,不带用户名和路径。",
            "mqtt_broker is mqtts://host:8883 or mqtt://host:1883, without user and path.",
        )
    topics = [name for name in (settings.mqtt_lorawan_topic, settings.mqtt_json_topic) if name]
    topics += GATEWAY_TOPICS if settings.mqtt_gateways else []
    if not topics:
        raise StartError(
            "设置了 mqtt_broker,但 mqtt_lorawan_topic 与 mqtt_json_topic 均为空,mqtt_gateways 也未开启。",
            "mqtt_broker is set, mqtt_lorawan_topic and mqtt_json_topic are empty, and mqtt_gateways is off.",
        )
    for name in topics:
        if why := filter_fault(name):
            raise StartError(f"MQTT 主题 {name} 不可用:{why}", f"the MQTT topic {name} will not do: {why}")
    return Broker(
        parts.hostname or "", port or PORTS[parts.scheme], settings.mqtt_user, settings.mqtt_password,
        f"openmains-edge-{settings.node}", topics, _tls(settings) if parts.scheme == "mqtts" else None,
    )  # fmt: skip


def _tls(settings: Settings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.mqtt_ca or None)
    except (OSError, ssl.SSLError) as error:
        raise StartError(f"mqtt_ca 不可用:{error}", f"mqtt_ca will not do: {error}") from error
