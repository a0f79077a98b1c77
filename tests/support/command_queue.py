# SPDX-License-Identifier: Apache-2.0
"""The queue of one meter as pure bookkeeping over ``domain.command``, and a radio that loses, repeats and delays.

What PostgreSQL does in the program is a list here; every decision is the domain's. Time is simulated.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openmains.domain.command.kinds import Channel, Kind, rule_of
from openmains.domain.command.life import ENDS, SENDABLE, Event, Outcome, State, advance, event_of_result
from openmains.domain.command.order import Waiting, after_send, next_of, timed_event
from tests.support.command_meter import ModelMeter, PlainCommands


@dataclass
class Held:
    """A command as the store keeps it."""

    waiting: Waiting
    params: Mapping[str, Any]
    frame: bytes | None = None
    history: list[tuple[int, Event, State]] = field(default_factory=list)


class Queue:
    """Commands of one meter."""

    def __init__(self, mac: Any = None) -> None:
        self.held: list[Held] = []
        self.contradictions = 0
        self._counter = 0
        self._mac = mac
        self._driver = PlainCommands()

    def add(self, kind: Kind, params: Mapping[str, Any], now: int, validity_s: int) -> Held:
        rule = rule_of(kind)
        serial = len(self.held) + 1
        held = Held(
            Waiting(serial, serial, kind, rule.lane, rule.priority, State.DRAFTED, now, now + validity_s), params
        )
        self.held.append(held)
        for event in (Event.APPROVE, Event.QUEUE):
            self.move(held, event, now)
        return held

    def move(self, held: Held, event: Event, now: int) -> bool:
        after, outcome = advance(held.waiting.state, event)
        self.contradictions += outcome is Outcome.CONTRADICTION
        if outcome is Outcome.MOVED:
            held.waiting.state = after
            held.history.append((now, event, after))
        return outcome is Outcome.MOVED

    def window(self, now: int) -> bytes | None:
        """The frame that goes out when the meter has spoken; 'sent' is stored before it leaves."""
        found = next_of([item.waiting for item in self.held if item.waiting.state in SENDABLE], now)
        if found is None:
            return None
        held = self.held[found.serial - 1]
        if held.frame is None:
            signed = rule_of(found.kind).signed
            self._counter += signed
            held.frame = self._driver.command(
                found.kind, held.params, serial=found.serial, counter=self._counter if signed else found.serial, not_after=found.not_after,
                mac=self._mac,
            )  # fmt: skip
        self.move(held, Event.SEND, now)
        found.attempts += 1
        found.due_at = after_send(rule_of(found.kind), Channel.DIRECT, found.attempts, now)
        return held.frame

    def hear(self, serial: int, code: int, now: int) -> None:
        if 0 < serial <= len(self.held):
            self.move(self.held[serial - 1], event_of_result(code)[0], now)

    def sweep(self, now: int) -> None:
        for held in self.held:
            item = held.waiting
            event = timed_event(item.state, rule_of(item.kind), item.attempts, item.due_at, item.not_after, now)
            if event is not None:
                self.move(held, event, now)
                item.due_at = now


@dataclass
class Radio:
    """Both directions: what is under way, with the instant it arrives. ``loss`` and ``repeat`` in percent."""

    chance: random.Random
    loss: int
    repeat: int
    longest_delay_s: int = 60
    down: list[tuple[int, bytes]] = field(default_factory=list)
    up: list[tuple[int, tuple[int, int]]] = field(default_factory=list)

    def send(self, way: list[Any], what: Any, now: int) -> None:
        copies = 1 + (self.chance.randrange(100) < self.repeat)
        for _ in range(copies):
            if self.chance.randrange(100) >= self.loss:
                way.append((now + self.chance.randint(0, self.longest_delay_s), what))

    def arrived(self, way: list[Any], now: int) -> list[Any]:
        ready = [what for at, what in way if at <= now]
        way[:] = [entry for entry in way if entry[0] > now]
        self.chance.shuffle(ready)
        return ready


def exchange(queue: Queue, meter: ModelMeter, radio: Radio, now: int, *, window: bool, reset: bool) -> None:
    """One moment: a window perhaps, then what arrives at the meter and at the platform. ``reset``: the meter's module
    forgets its answers (R1.11: not what it has done)."""
    if window:
        frame = queue.window(now)
        if frame is not None:
            radio.send(radio.down, frame, now)
    for frame in radio.arrived(radio.down, now):
        answer = meter.receive(frame, now)
        if answer is not None and not reset:
            radio.send(radio.up, answer, now)
    for serial, code in radio.arrived(radio.up, now):
        queue.hear(serial, code, now)


def ended(queue: Queue) -> bool:
    """Whether every command has its end."""
    return all(held.waiting.state in ENDS for held in queue.held)
