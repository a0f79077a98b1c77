# SPDX-License-Identifier: Apache-2.0
"""From 'these meters have just spoken' to frames on their way down.

    who waits   one indexed query over the batch's meters; nearly always nobody
    choose      domain.command.order: at most one frame a meter
    flow        domain.command.flow: within the cell's load; the rest is asked again a moment later, in the same window
    frame       made once and kept; valve and top-up frames come from the signer
    commit      'sent' is on disk before a byte leaves: after a crash a frame may go out twice, which the meter's serial
                makes harmless, but none can be sent and forgotten
    publish     to the edge

The stop switch is asked first and again just before publishing.
"""

import heapq
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from openmains.app.command.downlink import NO_MODULE, DownFrame
from openmains.app.command.driver import CommandDriver, CommandDrivers
from openmains.app.command.ports import (
    Change,
    Dispatching,
    Downlink,
    OpenCommand,
    StopSwitch,
)
from openmains.app.command.signing_ports import (
    SignedFrame,
    Signer,
    SignerAwayError,
    SignRequest,
    ToSign,
    Verdict,
)
from openmains.domain.command.flow import CellFlow
from openmains.domain.command.kinds import RULES, Kind, KindRule, Lane, Times, rule_for
from openmains.domain.command.life import Event
from openmains.domain.command.named_meter import METER_NUMBER
from openmains.domain.command.order import after_send, next_of
from openmains.domain.command.safety import MOVES, Refusal
from openmains.domain.ids import CommandId, MeterId, ProductId, TenantId

log = logging.getLogger("openmains.command")
WINDOW_MS = 110_000  # a meter listens about two minutes after its report (R1.9); later it is asleep
HELD_MOST = 200_000


@dataclass(slots=True)
class DispatchCounters:
    """What was done since start."""

    wake_ups: int = 0
    sent: int = 0
    deferred: int = 0
    stopped: int = 0
    refused: int = 0
    signer_away: int = 0
    misfits: int = 0  # not sent: the meter's frames carry another meter's number


@dataclass(order=True, slots=True)
class _Held:
    at_ms: int
    meter_id: MeterId = field(compare=False)
    tenant_id: TenantId = field(compare=False)
    cell: int = field(compare=False)
    until_ms: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class WakeUp:
    """A meter that was heard just now; ``cell`` 0: not known."""

    meter_id: MeterId
    tenant_id: TenantId
    cell: int = 0


class Dispatcher:
    """One for a process. ``clock_us``: wall clock, µs."""

    def __init__(
        self,
        flow: Dispatching,
        drivers: CommandDrivers,
        signer: Signer | None,
        downlink: Downlink,
        switch: StopSwitch,
        cells: CellFlow,
        *,
        clock_us: Callable[[], int],
    ) -> None:
        self._flow = flow
        self._drivers = drivers
        self._signer = signer
        self._downlink = downlink
        self._switch = switch
        self._cells = cells
        self._clock_us = clock_us
        self._held: list[_Held] = []
        self._times: Mapping[tuple[int, int, str], Times] = {}
        self.counters = DispatchCounters()

    def learn(self, times: Mapping[tuple[int, int, str], Times]) -> None:
        """Times that tenants and products set."""
        self._times = times

    async def wake_up(self, meters: Sequence[WakeUp]) -> int:
        """Send what waits for these meters; returns how many frames went out."""
        now_ms = self._clock_us() // 1000
        self.counters.wake_ups += len(meters)
        return await self._send(meters, now_ms + WINDOW_MS)

    def learn_load(self, uplinks_by_cell: Mapping[int, int]) -> None:
        """Uplinks that came from each cell: the measured load, from which its flow downwards follows (R2.3)."""
        now_ms = self._clock_us() // 1000
        for cell, count in uplinks_by_cell.items():
            self._cells.learn(cell, count, now_ms)

    async def turn(self, limit: int = 2000) -> int:
        """Send what was deferred and is still in its window, and what is due for always reachable meters, and to be closed for
        safety at meters that were heard a moment ago."""
        now_us = self._clock_us()
        now_ms = now_us // 1000
        again: list[WakeUp] = []
        until_ms = now_ms + WINDOW_MS
        while self._held and self._held[0].at_ms <= now_ms and len(again) < limit:
            held = heapq.heappop(self._held)
            if held.until_ms > now_ms:
                again.append(WakeUp(held.meter_id, held.tenant_id, held.cell))
                until_ms = min(until_ms, held.until_ms)
        sent = await self._send(again, until_ms) if again else 0
        reachable = await self._flow.due(now_us // 1_000_000, limit)
        if reachable:
            sent += await self._send([WakeUp(meter_id, TenantId(0)) for meter_id in reachable], now_ms)
        return sent

    async def _send(self, meters: Sequence[WakeUp], until_ms: int) -> int:
        waiting = await self._flow.waiting([meter.meter_id for meter in meters])
        if not waiting:
            return 0
        now_us = self._clock_us()
        now, now_ms = now_us // 1_000_000, now_us // 1000
        chosen: list[CommandId] = []
        for meter in {meter.meter_id: meter for meter in meters}.values():
            found = next_of(waiting.get(meter.meter_id, ()), now)
            if found is None:
                continue
            cell = meter.cell or found.cell
            free = not cell or found.lane is Lane.SAFETY  # a full cell holds up no leak
            wait_ms = 0 if free else self._cells.reserve(cell, found.priority, now_ms, found.capacity_per_min)
            if wait_ms == 0:
                chosen.append(found.command_id)
            else:
                self.counters.deferred += 1
                if now_ms + wait_ms < until_ms and len(self._held) < HELD_MOST:
                    again = _Held(now_ms + wait_ms, meter.meter_id, meter.tenant_id, cell, until_ms)
                    heapq.heappush(self._held, again)
        if not chosen:
            return 0
        return await self._frame_and_publish(await self._flow.open(chosen), now, now_us)

    async def _frame_and_publish(self, commands: Sequence[OpenCommand], now: int, now_us: int) -> int:
        changes: list[Change] = []
        outgoing: dict[int, DownFrame] = {}
        stopped = self._stopped(commands)
        going = [command for command in commands if command.tenant_id not in stopped]
        self.counters.stopped += len(commands) - len(going)
        signed = await self._signed(
            [
                c
                for c in going
                if c.frame is None
                and self._needs_key(c)
                and not (_may_be_anothers(c) or self._has_no_way(c) or self._names_nobody(c))
            ]
        )
        for command in going:
            made = self._frame(command, signed, now_us)
            if isinstance(made, Change):
                changes.append(made)  # refused for good
                continue
            if made is None:
                continue
            frame, counter = made
            rule = self.rule(command)
            due_at = after_send(rule, command.channel, command.attempts + 1, now)
            changes.append(
                Change(
                    command.command_id, Event.SEND, now_us, "link", due_at=due_at, frame=frame, counter=counter or None
                )
            )
            outgoing[command.command_id] = DownFrame(
                command.command_id, TenantId(command.tenant_id), MeterId(command.meter_id), ProductId(command.product_id),
                NO_MODULE if command.imei is None else command.imei, command.kind, frame, command.not_after,
                self._line_of(command),
            )  # fmt: skip
        taken = await self._flow.apply(changes)
        leaving = [outgoing[key] for key in taken if key in outgoing]
        stopped = self._stopped(leaving)  # asked again: the signer and the commit took their time
        leaving = [frame for frame in leaving if frame.tenant_id not in stopped]
        if leaving:
            await self._downlink.publish(leaving)
        self.counters.sent += len(leaving)
        return len(leaving)

    def _stopped(self, items: Sequence[OpenCommand | DownFrame]) -> set[int]:
        """Tenants among these whose commands are stopped; a look at the switch for each tenant, not for each command."""
        return {tenant_id for tenant_id in {item.tenant_id for item in items} if self._switch.stopped(tenant_id)}

    def _needs_key(self, command: OpenCommand) -> bool:
        return RULES[command.kind].signed and self._known(command) is not None

    def _line_of(self, command: OpenCommand) -> str:
        """The concentrator on whose line the meter is asked, or the gateway that carries its frames; "" for a meter with another way."""
        if command.is_carried and command.imei is None:
            return command.concentrator
        driver = self._drivers.command_driver(command.driver)
        return command.concentrator if driver is not None and driver.is_asked else ""

    def _has_no_way(self, command: OpenCommand) -> bool:
        """It has no module, and the concentrator is no gateway and only hands on what it says unasked; or it is asked on a line, by a
        frame that leaves it to its edge who is meant, and it is on no line (any more)."""
        if command.concentrator:
            return command.imei is None and not self._line_of(command)
        driver = self._known(command)
        return driver is not None and driver.is_asked and not self._named(driver, command)

    def _names_nobody(self, command: OpenCommand) -> bool:
        """Its frame leaves the address to the edge, and no edge knows one: the meter is behind no concentrator (any more)."""
        driver = self._known(command)
        if driver is None or not driver.is_asked or command.concentrator:
            return False
        return self._named(driver, command) and not command.params.get(METER_NUMBER)

    @staticmethod
    def _named(driver: CommandDriver, command: OpenCommand) -> bool:
        """Whether its frame can say whom it is for."""
        return METER_NUMBER in {param.name for param in driver.command_kinds[command.kind].params}

    def _known(self, command: OpenCommand) -> CommandDriver | None:
        driver = self._drivers.command_driver(command.driver)
        return driver if driver is not None and command.kind in driver.command_kinds else None

    async def _signed(self, commands: Sequence[OpenCommand]) -> Mapping[int, SignedFrame | Verdict]:
        """The signer's answers by command, one question for all; empty while it is away."""
        if not commands:
            return {}
        wanted = [
            ToSign(c.tenant_id, SignRequest(c.unique_key, c.meter_id, c.kind, c.params, c.not_after), c.serial)
            for c in commands
        ]
        try:
            if self._signer is None:
                raise SignerAwayError
            answers = await self._signer.sign(wanted)
        except SignerAwayError:
            self.counters.signer_away += len(commands)
            return {}
        return {command.command_id: answer for command, answer in zip(commands, answers, strict=True)}

    def _frame(
        self, command: OpenCommand, signed: Mapping[int, SignedFrame | Verdict], now_us: int
    ) -> tuple[bytes, int] | Change | None:
        """The frame with the signer's counter (0: none); a refusal; None: not now."""
        if _may_be_anothers(command):
            self.counters.misfits += 1
            # One that is on its way already is not called back by a refusal; it is not sent again, and ends by its time.
            return self._refused(command, now_us, Refusal.MODULE_MISMATCH) if command.frame is None else None
        if command.frame is not None:
            return command.frame, 0
        driver = self._known(command)
        if driver is None:
            return self._refused(command, now_us, "not_by_this_driver")
        if self._has_no_way(command):
            return self._refused(command, now_us, "not_reachable")
        if self._names_nobody(command):
            return self._refused(command, now_us, "needs_meter_number")
        if RULES[command.kind].signed:
            answer = signed.get(command.command_id)
            if isinstance(answer, SignedFrame):
                return answer.frame, answer.counter
            return None if answer is None else self._not_signed(command, now_us, answer)
        params = command.params
        if (
            command.kind is Kind.SET_CLOCK
        ):  # no other time than this is told: a clock decides which price holds, and how long a frame
            params = {**params, **{name: now_us // 1_000_000 for name in params if name == "platform_at"}}
        try:
            return driver.command(
                command.kind,
                params,
                serial=command.serial,
                counter=command.serial,
                not_after=command.not_after,
                mac=None,
            ), 0
        except ValueError as error:
            return self._refused(command, now_us, "wrong_parameters", str(error))

    def _not_signed(self, command: OpenCommand, now_us: int, verdict: Verdict) -> Change | None:
        if verdict.state == "refused":
            return self._refused(command, now_us, verdict.reason)
        self.counters.stopped += verdict.state == "stopped"
        return None  # waits: stopped for now, or not yet allowed

    def _refused(self, command: OpenCommand, now_us: int, reason: str, detail: str = "") -> Change:
        self.counters.refused += 1
        return Change(command.command_id, Event.REFUSE, now_us, "platform", detail=detail or reason)

    def rule(self, command: OpenCommand) -> KindRule:
        """The kind's rule with what tenant and product set."""
        return rule_for(self._times, command.kind, command.tenant_id, command.product_id)


def _may_be_anothers(command: OpenCommand) -> bool:
    """A valve or credit that may be another customer's: the module does not fit the meter."""
    return command.misfits and command.kind in MOVES
