# SPDX-License-Identifier: Apache-2.0
"""Follows, for an edge, which meters of a utility come through its MQTT broker."""

from collections.abc import Sequence

from openmains.app.fleet.identities import Identity
from openmains.app.link.mqtt.directory import MqttDevice, MqttDirectory
from openmains.domain.ids import ProductId, TenantId
from openmains.edges.postgres.db import Pool, Row
from openmains.edges.postgres.queries import load

_IDENTITIES = load(__package__)
_QUERIES = load(__package__, "mqtt_devices.sql")


class MqttDeviceFollower:
    """Keeps an ``MqttDirectory`` true. Role openmains_pipeline."""

    def __init__(self, pool: Pool, tenant_id: TenantId, directory: MqttDirectory) -> None:
        self._pool, self._tenant_id, self._directory = pool, tenant_id, directory
        self._seen = ""
        self._products: tuple[ProductId, ...] = ()

    async def follow_on(self) -> None:
        """As ``follow``, with the products of before."""
        await self.follow(self._products)

    async def follow(self, products: Sequence[ProductId]) -> None:
        """What changed since the last call; all of it the first time, and when meters of other ``products`` speak by number."""
        wanted = tuple(sorted(products))
        is_whole = not self._seen or wanted != self._products
        asked = {"tenant_id": self._tenant_id, "products": list(wanted)}
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            horizon = await _IDENTITIES["snapshot_horizon"].fetchval(connection)
            if is_whole:
                rows = await _QUERIES["mqtt_devices"].fetch(connection, **asked)
            else:
                between = {"since": self._seen, "before": horizon}
                rows = await _QUERIES["mqtt_devices_changed"].fetch(connection, **asked, **between)
        called = [_called(row) for row in rows]
        if is_whole:
            self._directory.replace(called)
        elif called:
            here = [each for each in called if each.dev_eui or each.number]
            self._directory.change(here, [each.identity.meter_id for each in called])
        self._seen, self._products = horizon, wanted


def _called(row: Row) -> MqttDevice:
    identity = Identity(row["meter_id"], row["tenant_id"], row["product_id"])
    return MqttDevice(identity, row["dev_eui"] or "", row["number"] or "")
