# SPDX-License-Identifier: Apache-2.0
"""Decides about LwM2M registrations: spread in time where many come at once, the SIM they name told upward (R13.3, R3.6)."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence

from openmains.app.security.keys.ports import TerminalKeys
from openmains.app.security.refusals import RefusalStage
from openmains.app.security.registration import RegistrationGate
from openmains.app.security.watch import AccessWatch
from openmains.domain.fleet.endpoint_name import EndpointName
from openmains.domain.fleet.identifiers import imei_text

CELLS = 200_000  # meters whose cell is remembered between handshake and registration


class Cells:
    """The last known cell of meters that make a handshake: read with their key, for a moment later they register."""

    def __init__(
        self,
        keys: Callable[[Sequence[int]], Awaitable[Mapping[int, TerminalKeys]]],
        cells: Callable[[Sequence[int]], Awaitable[Mapping[int, int]]],
    ) -> None:
        self._keys = keys
        self._read = cells
        self._cells: OrderedDict[int, int] = OrderedDict()

    async def keys(self, imeis: Sequence[int]) -> Mapping[int, TerminalKeys]:
        """As a ``KeySource``."""
        found = await self._keys(imeis)
        for imei, cell in (await self._read(list(found))).items():
            self._cells[imei] = cell
            self._cells.move_to_end(imei)
        while len(self._cells) > CELLS:
            self._cells.popitem(last=False)
        return found

    def of(self, imei: int) -> int | None:
        """The cell, None where it is not known."""
        return self._cells.get(imei)


class Registrar:
    """One for each edge. ``is_trusted``: addresses that many meters share (a carrier's NAT, a load balancer)."""

    def __init__(
        self, gate: RegistrationGate, watch: AccessWatch, cells: Cells, is_trusted: Callable[[str], bool]
    ) -> None:
        self._gate = gate
        self._watch = watch
        self._cells = cells
        self._is_trusted = is_trusted

    def register(self, imei: int, host: str, name: EndpointName, now: float) -> int:
        """0: it may register. Else the seconds after which it may ask again: each its own, so that they come spread."""
        wait_s = self._gate.ask(
            now, address=None if self._is_trusted(host) else host, cell=self._cells.of(imei)
        )  # fmt: skip
        if not wait_s and name.imsi:
            self._watch.named_sim(imei, name.imsi, "", host)
        return wait_s

    def refused(self, imei: int, host: str, stage: RefusalStage, reason: str, detail: str) -> None:
        """As ``app.link.ports.Registrar``."""
        self._watch.refused(imei_text(imei), imei, stage, reason, detail, host)
