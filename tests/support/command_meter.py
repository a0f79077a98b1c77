# SPDX-License-Identifier: Apache-2.0
"""A driver with commands and a meter that obeys them, for tests of everything between: the rules of R1.10, R1.11, R13.4.

The meter keeps what a real one keeps over a reset: the serials it has applied with their results, the newest counter, its
valve, its balance. It stores before it acts. What it does is written into ``applied`` so that a test can see each effect.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import msgspec

from openmains.app.command.driver import Mac
from openmains.app.command.signer.keys import MAC_BYTES
from openmains.domain.command.kinds import RULES, Kind
from openmains.domain.network.spreading import Scheme, Spreading
from openmains.drivers.model import Effect, Setting, Title

MOST = 2_000_000_000  # as four bytes hold it: what is too much is the signer's to say
AMOUNT = (
    SimpleNamespace(
        name="amount", form="int", unit="fen", low=1, high=MOST, title=Title("金额", "Amount"), default=None, most=1
    ),
)


SETTINGS = {
    name: Setting(number, name, "fen", -(10**9), 10**9, default, Title(name, name), effect, closes_below=closes_below)
    for number, name, default, effect, closes_below in (
        (20, "balance_warning", 1000, Effect.VALVE, False), (21, "balance_arrears", 0, Effect.VALVE, True),
        (22, "emergency_credit", 0, Effect.MONEY, False),
    )
}  # fmt: skip


class PlainCommands:
    """Frames as msgpack; the MAC, if any, at the end."""

    settings: Mapping[str, Any] = SETTINGS
    is_asked = False

    command_kinds: Mapping[str, Any] = {
        kind.value: SimpleNamespace(title=Title("命令", kind.value), params=AMOUNT if kind is Kind.TOP_UP else ())
        for kind in Kind
    }

    spreading = Spreading(Scheme.MOD200, 120, "report_time", "spread_start", "spread_interval")

    def command_body(self, kind: str, params: Mapping[str, Any], *, serial: int, counter: int, not_after: int) -> bytes:
        if kind == Kind.TOP_UP and not 1 <= params.get("amount", 0) <= MOST:
            raise ValueError("amount is out of range")
        return msgspec.msgpack.encode([kind, dict(params), serial, counter, not_after])

    def command(
        self, kind: str, params: Mapping[str, Any], *, serial: int, counter: int, not_after: int, mac: Mac | None
    ) -> bytes:
        body = self.command_body(kind, params, serial=serial, counter=counter, not_after=not_after)
        return body + (mac(body) if mac else bytes(MAC_BYTES))


class PlainDrivers:
    """Every driver has these commands. ``is_asked``: a meter says nothing unasked."""

    def __init__(self, *, is_asked: bool = False) -> None:
        self._found = PlainCommands()
        self._found.is_asked = is_asked

    def command_driver(self, name: str) -> PlainCommands:
        del name
        return self._found


@dataclass
class ModelMeter:
    """``receive`` gives (serial, result code) or None for what is no frame."""

    mac: Mac | None = None
    counters: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})  # signed, other
    open: bool = True
    balance: int = 0
    results: dict[int, int] = field(default_factory=dict)
    applied: list[tuple[int, str, int]] = field(default_factory=list)  # (serial, kind, instant)

    def receive(self, frame: bytes, now: int) -> tuple[int, int] | None:
        body, mac = frame[:-MAC_BYTES], frame[-MAC_BYTES:]
        try:
            kind, params, serial, counter, not_after = msgspec.msgpack.decode(body)
        except (msgspec.DecodeError, ValueError):
            return None
        signed = RULES[Kind(kind)].signed
        if signed and (self.mac is None or self.mac(body) != mac):
            return serial, 4
        if serial in self.results:
            before = self.results[serial]
            return serial, 2 if before == 0 else before
        if now > not_after:
            return serial, 3
        if signed or RULES[Kind(kind)].effect:
            if counter <= self.counters[signed]:
                return serial, 7
            self.counters[signed] = counter
        self.results[serial] = 0
        self.applied.append((serial, kind, now))
        if kind in (Kind.VALVE_CLOSE, Kind.SAFETY_CLOSE):
            self.open = False
        elif kind == Kind.VALVE_OPEN:
            self.open = True
        elif kind == Kind.TOP_UP:
            self.balance += params["amount"]
        return serial, 0
