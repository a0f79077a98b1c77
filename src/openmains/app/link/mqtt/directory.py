# SPDX-License-Identifier: Apache-2.0
"""Which meters of a utility come through its MQTT broker, and how they are called there, in memory."""

from collections.abc import Iterable
from typing import NamedTuple

from openmains.app.fleet.identities import Identity
from openmains.domain.ids import MeterId


class MqttDevice(NamedTuple):
    """A meter as the registry has it now; ``dev_eui``: 16 small hexadecimal digits, "" where it has none; ``imei``: of a module that it has
    too; ``number``: of one that is called by its number, "" of any other."""

    identity: Identity
    dev_eui: str
    imei: int | None = None
    number: str = ""


class MqttDirectory:
    """Whoever is not in it is unknown."""

    def __init__(self) -> None:
        self._by_eui: dict[str, MqttDevice] = {}
        self._by_number: dict[str, MqttDevice] = {}
        self._by_meter: dict[MeterId, MqttDevice] = {}

    def __len__(self) -> int:
        return len(self._by_meter)

    def device(self, dev_eui: str) -> Identity | None:
        """The meter with this DevEUI."""
        found = self._by_eui.get(dev_eui)
        return None if found is None else found.identity

    def meter(self, number: str) -> Identity | None:
        """The meter with this number, where it is called by that."""
        found = self._by_number.get(number)
        return None if found is None else found.identity

    def dev_eui_of(self, meter_id: MeterId) -> str:
        """Empty where it has none."""
        found = self._by_meter.get(meter_id)
        return "" if found is None else found.dev_eui

    def imei_of(self, meter_id: MeterId) -> int | None:
        """Of its module, where it has one."""
        found = self._by_meter.get(meter_id)
        return None if found is None else found.imei

    def replace(self, devices: Iterable[MqttDevice]) -> None:
        """These are all there are."""
        self._by_eui, self._by_number, self._by_meter = {}, {}, {}
        self.change(devices, ())

    def change(self, devices: Iterable[MqttDevice], gone: Iterable[MeterId]) -> None:
        """These are other than they were, and ``gone`` ones are no more."""
        changed = list(devices)
        for meter_id in {*gone, *(each.identity.meter_id for each in changed)}:
            before = self._by_meter.pop(meter_id, None)
            if before is not None and self._by_eui.get(before.dev_eui) is before:
                del self._by_eui[before.dev_eui]
            if before is not None and self._by_number.get(before.number) is before:
                del self._by_number[before.number]
        for each in changed:
            self._by_meter[each.identity.meter_id] = each
            if each.dev_eui:
                self._by_eui[each.dev_eui] = each
            if each.number:
                self._by_number[each.number] = each
