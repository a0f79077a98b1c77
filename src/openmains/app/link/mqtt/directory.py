# SPDX-License-Identifier: Apache-2.0
"""Which meters of a utility come through its MQTT broker, and how they are called there, in memory."""

from collections.abc import Iterable
from typing import NamedTuple

from openmains.app.fleet.identities import Identity
from openmains.domain.ids import MeterId


class MqttDevice(NamedTuple):
    """A meter as the registry has it now; ``dev_eui``: 16 small hexadecimal digits; ``imei``: of a module that it has too."""

    identity: Identity
    dev_eui: str
    imei: int | None = None


class MqttDirectory:
    """Whoever is not in it is unknown."""

    def __init__(self) -> None:
        self._by_eui: dict[str, Identity] = {}
        self._known: dict[MeterId, str] = {}
        self._imeis: dict[MeterId, int] = {}

    def __len__(self) -> int:
        return len(self._known)

    def device(self, dev_eui: str) -> Identity | None:
        """The meter with this DevEUI."""
        return self._by_eui.get(dev_eui)

    def dev_eui_of(self, meter_id: MeterId) -> str:
        """Empty where it has none."""
        return self._known.get(meter_id, "")

    def imei_of(self, meter_id: MeterId) -> int | None:
        """Of its module, where it has one."""
        return self._imeis.get(meter_id)

    def replace(self, devices: Iterable[MqttDevice]) -> None:
        """These are all there are."""
        self._by_eui, self._known, self._imeis = {}, {}, {}
        for each in devices:
            self._add(each)

    def change(self, devices: Iterable[MqttDevice], gone: Iterable[MeterId]) -> None:
        """These are other than they were, and ``gone`` ones are no more."""
        changed = list(devices)
        for meter_id in {*gone, *(each.identity.meter_id for each in changed)}:
            dev_eui = self._known.pop(meter_id, "")
            self._imeis.pop(meter_id, None)
            found = self._by_eui.get(dev_eui)
            if found is not None and found.meter_id == meter_id:
                del self._by_eui[dev_eui]
        for each in changed:
            self._add(each)

    def _add(self, device: MqttDevice) -> None:
        self._known[device.identity.meter_id] = device.dev_eui
        self._by_eui[device.dev_eui] = device.identity
        if device.imei is not None:
            self._imeis[device.identity.meter_id] = device.imei
