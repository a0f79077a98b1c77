# SPDX-License-Identifier: Apache-2.0
"""Follows, for an edge, which meters of a utility come through its MQTT broker."""

from openmains.app.fleet.identities import Identity
from openmains.app.link.mqtt.directory import MqttDevice, MqttDirectory
from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.queries import load

_IDENTITIES = load(__package__)
_QUERIES = load(__package__, "mqtt_devices.sql")


class MqttDeviceFollower:
    """Keeps an ``MqttDirectory`` true. Role openmains_pipeline."""

    def __init__(self, pool: Pool, tenant_id: TenantId, directory: MqttDirectory) -> None:
        self._pool, self._tenant_id, self._directory = pool, tenant_id, directory
        self._seen = ""

    async def follow(self) -> None:
        """What changed since the last call; the first time all there are."""
        asked = {"tenant_id": self._tenant_id}
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            horizon = await _IDENTITIES["snapshot_horizon"].fetchval(connection)
            if not self._seen:
                rows = await _QUERIES["mqtt_devices"].fetch(connection, **asked)
            else:
                between = {"since": self._seen, "before": horizon}
                rows = await _QUERIES["mqtt_devices_changed"].fetch(connection, **asked, **between)
        devices = [
            MqttDevice(Identity(row["meter_id"], row["tenant_id"], row["product_id"]), row["dev_eui"], row["imei"])
            for row in rows
            if row["dev_eui"] is not None
        ]
        if not self._seen:
            self._directory.replace(devices)
        elif rows:
            self._directory.change(devices, [row["meter_id"] for row in rows])
        self._seen = horizon
