# SPDX-License-Identifier: Apache-2.0
"""Which meters of a utility come through its MQTT broker, and how they are called there, in memory."""

from collections.abc import Iterable
from typing import NamedTuple

from openmains.app.fleet.identities import Identity
from openmains.domain.ids import MeterId


class MqttDevice(NamedTuple):
    """A meter as the registry has it now. ``dev_eui``: "" without one; ``number``: "" where its product does not speak by number."""

    identity: Identity
    dev_eui: str
    number: str


class MqttDirectory:
    """Whoever is in neither table is unknown."""

    def __init__(self) -> None:
        self._by_eui: dict[str, Identity] = {}
        self._by_number: dict[str, Identity] = {}
        self._known: dict[MeterId, MqttDevice] = {}

    def __len__(self) -> int:
        return len(self._known)

    def device(self, dev_eui: str) -> Identity | None:
        """The meter with this DevEUI, 16 small hexadecimal digits."""
        return self._by_eui.get(dev_eui)

    def numbered(self, number: str) -> Identity | None:
        """The meter with this number, of a product that speaks by it."""
        return self._by_number.get(number)

    def dev_eui_of(self, meter_id: MeterId) -> str:
        """ "" where it has none."""
        known = self._known.get(meter_id)
        return "" if known is None else known.dev_eui

    def replace(self, called: Iterable[MqttDevice]) -> None:
        """These are all there are."""
        self._by_eui, self._by_number, self._known = {}, {}, {}
        for each in called:
            self._add(each)

    def change(self, called: Iterable[MqttDevice], gone: Iterable[MeterId]) -> None:
        """These are other than they were, and ``gone`` ones are no more."""
        changed = list(called)
        for meter_id in {*gone, *(each.identity.meter_id for each in changed)}:
            self._forget(meter_id)
        for each in changed:
            self._add(each)

    def _forget(self, meter_id: MeterId) -> None:
        before = self._known.pop(meter_id, None)
        if before is None:
            return
        for table, name in ((self._by_eui, before.dev_eui), (self._by_number, before.number)):
            found = table.get(name)
            if found is not None and found.meter_id == meter_id:
                del table[name]

    def _add(self, called: MqttDevice) -> None:
        self._known[called.identity.meter_id] = called
        if called.dev_eui:
            self._by_eui[called.dev_eui] = called.identity
        if called.number:
            self._by_number[called.number] = called.identity
