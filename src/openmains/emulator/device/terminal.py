# SPDX-License-Identifier: Apache-2.0
"""A whole meter: radio life, valve, prepaid account, and the commands that reach them (R1.9–R1.14, R4).

Everything a command changes goes into one write of the ``Store`` together with its serial number and counter; the one
thing that can not, the motor, is stored as an intent first. So a command acts once, however often it is sent and
whenever the power fails, and what is lost is at most the answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from openmains.domain.period import DAY_S
from openmains.drivers.model import Command
from openmains.emulator.meter.authorise import Result, Verdict, counted, judge
from openmains.emulator.meter.body import Body
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.prepay import PrepayMeter
from openmains.emulator.meter.prices import NONE, PriceSet
from openmains.emulator.meter.profile import Action, Profile, Supply
from openmains.emulator.meter.store import Held, Pending, Store
from openmains.emulator.meter.valve import Position, Valve
from openmains.emulator.meter.valved_meter import PERMISSION_S

RESTART_S = 5
ENTRIES = 60  # of one register log
MAX_FREEZES = 24 * (ENTRIES - 1) + 1


class Terminal(PrepayMeter):
    """``PrepayMeter`` that obeys. ``key`` is its command key."""

    def __init__(
        self,
        number: int,
        profile: Profile,
        supply: Supply,
        frames: DriverFrames,
        *,
        key: bytes,
        store: Store | None = None,
        valve: Valve | None = None,
        drift_ppm: int = 0,
        body: Body | None = None,
    ) -> None:
        super().__init__(number, profile, supply, frames, store=store, valve=valve, drift_ppm=drift_ppm, body=body)
        self._key = key

    def on_command(self, frame: bytes, now: int) -> list[Action]:
        """A downlink frame arrived. The answer is among the actions, unless it comes when the valve has arrived."""
        actions = self._settle(now)
        self.meter.on_downlink(now)
        device_at = self.meter.device_at(now)
        verdict = judge(self._driver, self._key, self.store.held, frame, device_at, self.meter.clock_known)
        if verdict.silent:
            return actions
        command, held = verdict.command, self.store.held
        if command is None or verdict.result is not None:
            if verdict.result in (Result.EXPIRED, Result.REFUSED) and command is not None:
                self._write(self._counted(held, verdict, command))
            result = verdict.result if verdict.result is not None else Result.REFUSED
            self.meter.note(now, f"command {verdict.serial} {result.name.lower()}")
            return actions + self._answer(verdict, result, now)
        return actions + KINDS[command.kind](self, verdict, command, now)

    # -- reads -----------------------------------------------------------------------------------------------------

    def _do_read_now(self, verdict: Verdict, command: Command, now: int) -> list[Action]:
        snapshot = self.meter.snapshot(now)
        frame = self._frames.registers(snapshot, [(snapshot.device_at, snapshot.register)])
        return self.meter.say("command", frame) + self._answer(verdict, Result.DONE, now)

    def _do_read_intervals(self, verdict: Verdict, command: Command, now: int) -> list[Action]:
        since, until = cast("int", command.params["since"]), cast("int", command.params["until"])
        found = self.meter.freezes(since, until, now)
        if since > until or len(found) > MAX_FREEZES:
            return self._answer(verdict, Result.OUT_OF_RANGE, now)
        actions: list[Action] = []
        # each begins with the last register of the one before, so that no slot lies between two messages
        for start in range(0, max(1, len(found) - 1) if found else 0, ENTRIES - 1):
            frame = self._frames.registers(self.meter.snapshot(now), found[start : start + ENTRIES])
            actions += self.meter.say("command", frame)
        return actions + self._answer(verdict, Result.DONE, now)

    def _do_read_status(self, verdict: Verdict, command: Command, now: int) -> list[Action]:
        frame = self._frames.heartbeat(self.meter.snapshot(now))
        return self.meter.say("command", frame) + self._answer(verdict, Result.DONE, now)

    def _do_log_pull(self, verdict: Verdict, command: Command, now: int) -> list[Action]:
        since, until = cast("int", command.params["since"]), cast("int", command.params["until"])
        lines = [f"{at} {what}" for at, what in self.meter.pull_log(since) if at <= until]
        actions: list[Action] = []
        for frame in self._frames.log_parts(lambda: self.meter.snapshot(now), verdict.serial, lines):
            actions += self.meter.say("command", frame)
        return actions + self._answer(verdict, Result.DONE, now)

    def _do_read_parameters(self, verdict: Verdict, command: Command, now: int) -> list[Action]:
        names = cast("list[str]", command.params["names"]) or list(self._driver.settings)
        return self._read_back(verdict, names, now) + self._answer(verdict, Result.DONE, now)

    # -- what changes memory only: one write and it is done ----------------------------------------------------------

    def _do_top_up(self, verdict: Verdict, command: Command, now: int) -> list[Action]:
        held = self.store.held
        amount, kind = cast("int", command.params["amount"]), command.params["balance_kind"]
        if held.account.kind == NONE or kind != held.account.kind:
            return self._refuse(verdict, command, now)
        account = held.account.topped_up(amount)
        self._commit(replace(held, account=account), verdict, command, now)
        return self._set_events(now) + self._answer(verdict, Result.DONE, now)

    def _do_set_price(self, verdict: Verdict, command: Command, now: int) -> list[Action]:
        p, held = command.params, self.store.held
        price = PriceSet(
            cast("int", p["version"]), cast("int", p["effective_at"]), cast("int", p["period_start"]),
            cast("int", p["cycle_months"]), p["clear_total"] == 1,
            tuple(cast("list[int]", p["tier_from"])), tuple(cast("list[int]", p["prices"])),
        )  # fmt: skip
        account = held.account
        if not price.sound or price.version <= account.newest_version:
            return self._refuse(verdict, command, now)
        if price.effective_at <= self.meter.device_at(now):
            register = self.meter.register(now)
            account = account.charged(register).with_price(price, register)
            account = replace(account, at=self.meter.device_at(now))
        else:
            account = replace(account, deferred=price)
        self._commit(replace(held, account=account), verdict, command, now)
        self._plan_settling(now)
        return self._set_events(now) + self._answer(verdict, Result.DONE, now)

    def _do_set_parameters(self, verdict: Verdict, command: Command, now: int) -> list[Action]:
        given = cast("dict[str, int]", command.params["values"])
        held = self.store.held
        settings = {**held.settings, **given}
        if DAY_S % settings.get("freeze_period", self._delivered("freeze_period")):
            return self._refuse(verdict, command, now)  # freezes lie on the day's grid
        self._commit(replace(held, settings=settings), verdict, command, now)
        self._configure(now)
        return (
            self._set_events(now) + self._read_back(verdict, list(given), now) + self._answer(verdict, Result.DONE, now)
        )

    def _do_set_platform(self, verdict: Verdict, command: Command, now: int) -> list[Action]:
        host, port = cast("str", command.params["host"]), cast("int", command.params["port"])
        self._commit(replace(self.store.held, host=host, port=port), verdict, command, now)
        return self._read_back(verdict, [], now) + self._answer(verdict, Result.DONE, now)

    def _do_factory_reset(self, verdict: Verdict, command: Command, now: int) -> list[Action]:
        # settings only: counters, serial numbers, credit and prices are no settings
        self._commit(replace(self.store.held, settings={}, host="", port=0), verdict, command, now)
        self._configure(now)
        return self._read_back(verdict, [], now) + self._answer(verdict, Result.DONE, now)

    def _do_set_clock(self, verdict: Verdict, command: Command, now: int) -> list[Action]:
        offset = cast("int", command.params["utc_offset_min"]) * 60
        self._commit(self.store.held, verdict, command, now)
        self.meter.set_clock(cast("int", command.params["platform_at"]), now)
        self.meter.clock_known = True
        if offset != self.meter.profile.utc_offset_s:
            self._factory = replace(self._factory, utc_offset_s=offset)
            self.meter.configure(self._configured(), now)
        return self._answer(verdict, Result.DONE, now)

    def _do_restart(self, verdict: Verdict, command: Command, now: int) -> list[Action]:
        self._commit(self.store.held, verdict, command, now)
        self._restart_at = now + RESTART_S  # the answer is on its way by then
        return self._answer(verdict, Result.DONE, now)

    # -- the valve: stored before the motor starts -------------------------------------------------------------------

    def _do_valve_close(self, verdict: Verdict, command: Command, now: int) -> list[Action]:
        return self._drive(verdict, command, Position.CLOSED, now)

    def _do_safety_close(self, verdict: Verdict, command: Command, now: int) -> list[Action]:
        actions: list[Action] = []
        if (
            self.store.held.pending is not None
        ):  # another motion: it is told as refused, for it is not what stands in the end
            self.valve.cut_power()
            actions = self._end_pending(now)
        reason = cast("int", command.params["reason"])
        self.meter.note(now, f"closed for safety, reason {reason}")
        return actions + self._drive(verdict, command, Position.CLOSED, now, for_safety=reason)

    def _do_valve_open(self, verdict: Verdict, command: Command, now: int) -> list[Action]:
        held = self.store.held
        if held.closed_for_safety or held.closed_by_arrears or held.shut_by or self._in_arrears():
            return self._refuse(verdict, command, now)
        if not self._gas or self.valve.position == Position.OPEN:
            return self._drive(verdict, command, Position.OPEN, now)
        until = self.meter.device_at(now) + PERMISSION_S
        self._commit(replace(held, permitted_until=until), verdict, command, now)
        return self._answer(verdict, Result.DONE, now)

    def _drive(
        self, verdict: Verdict, command: Command, target: Position, now: int, *, for_safety: int = 0
    ) -> list[Action]:
        """``for_safety``: the reason of such a closing, 0: an ordinary motion."""
        held = self.store.held
        if held.pending is not None:
            return self._refuse(verdict, command, now)
        pending = Pending(verdict.serial, verdict.code, verdict.digest, target, command.counter)
        shut = target == Position.CLOSED
        counted = self._counted(held, verdict, command)
        permitted = 0 if shut else held.permitted_until
        self._write(
            replace(
                counted,
                pending=pending,
                closed_by_command=held.closed_by_command if for_safety else shut,
                closed_for_safety=for_safety or held.closed_for_safety,
                permitted_until=permitted,
            )
        )
        self._motor(target, now)
        return self._arrived(now) if self.valve.arrive(now) else []

    # -- writes and read-back ------------------------------------------------------------------------------------------------

    def _counted(self, held: Held, verdict: Verdict, command: Command) -> Held:
        return counted(held, command.kind, verdict.signed, command.counter)

    def _commit(self, held: Held, verdict: Verdict, command: Command, now: int) -> None:
        """The command's whole effect, its counter and its serial number, in one write."""
        counted = self._counted(held, verdict, command)
        self._write(replace(counted, done=counted.remembering(verdict.serial, verdict.digest)))
        self.meter.note(now, f"command {verdict.serial} {command.kind}")

    def _refuse(self, verdict: Verdict, command: Command, now: int) -> list[Action]:
        self._write(self._counted(self.store.held, verdict, command))
        self.meter.note(now, f"command {verdict.serial} refused")
        return self._answer(verdict, Result.REFUSED, now)

    def _read_back(self, verdict: Verdict, names: Sequence[str], now: int) -> list[Action]:
        numbers = {self._driver.settings[name].number: self.setting(name) for name in names}
        held = self.store.held
        frame = self._frames.parameters(
            self.meter.snapshot(now), verdict.serial, Result.DONE, numbers, held.host, held.port
        )
        return self.meter.say("command", frame)


KINDS: Mapping[str, Callable[[Terminal, Verdict, Command, int], list[Action]]] = {
    "read_now": Terminal._do_read_now,
    "read_intervals": Terminal._do_read_intervals,
    "read_status": Terminal._do_read_status,
    "log_pull": Terminal._do_log_pull,
    "read_parameters": Terminal._do_read_parameters,
    "top_up": Terminal._do_top_up,
    "set_price": Terminal._do_set_price,
    "set_parameters": Terminal._do_set_parameters,
    "set_signed_parameters": Terminal._do_set_parameters,
    "set_platform": Terminal._do_set_platform,
    "factory_reset": Terminal._do_factory_reset,
    "set_clock": Terminal._do_set_clock,
    "restart": Terminal._do_restart,
    "valve_close": Terminal._do_valve_close,
    "valve_open": Terminal._do_valve_open,
    "safety_close": Terminal._do_safety_close,
}
"""What each kind of command does."""
