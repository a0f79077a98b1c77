# SPDX-License-Identifier: Apache-2.0
"""Follows, for an edge, which meters of a utility come through its MQTT broker."""

from collections.abc import Callable, Collection

from openmains.app.fleet.identities import Identity
from openmains.app.link.mqtt.directory import MqttDevice, MqttDirectory
from openmains.domain.ids import ProductId, TenantId
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.queries import load

_IDENTITIES = load(__package__)
_QUERIES = load(__package__, "mqtt_devices.sql")


class MqttDeviceFollower:
    """Keeps an ``MqttDirectory`` true. Role openmains_pipeline. ``by_number``: the products whose meters are called by their number; when
    others are, all meters are asked for anew."""

    def __init__(
        self,
        pool: Pool,
        tenant_id: TenantId,
        directory: MqttDirectory,
        by_number: Callable[[], Collection[ProductId]] = tuple,
    ) -> None:
        self._pool, self._tenant_id, self._directory, self._by_number = pool, tenant_id, directory, by_number
        self._seen = ""
        self._products = frozenset[ProductId]()

    async def follow(self) -> None:
        """What changed since the last call; the first time all there are."""
        asked = {"tenant_id": self._tenant_id}
        products = frozenset(self._by_number())
        if products != self._products:
            self._seen = ""
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            horizon = await _IDENTITIES["snapshot_horizon"].fetchval(connection)
            if not self._seen:
                named = {"product_ids": sorted(products)}
                rows = await _QUERIES["mqtt_devices"].fetch(connection, **asked, **named)
            else:
                between = {"since": self._seen, "before": horizon}
                rows = await _QUERIES["mqtt_devices_changed"].fetch(connection, **asked, **between)
        devices = [
            MqttDevice(
                Identity(row["meter_id"], row["tenant_id"], row["product_id"]), row["dev_eui"] or "", row["imei"],
                row["number"] if row["product_id"] in products else "",
            )
            for row in rows
            if row["dev_eui"] is not None or row["product_id"] in products
        ]  # fmt: skip
        if not self._seen:
            self._directory.replace(devices)
        elif rows:
            self._directory.change(devices, [row["meter_id"] for row in rows])
        self._seen, self._products = horizon, products
