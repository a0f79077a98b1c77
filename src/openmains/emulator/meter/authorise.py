# SPDX-License-Identifier: Apache-2.0
"""May this command act? The order of checks is the protocol's (``docs/protocols/openmains-commands.md``).

Pure: the store is read, never written here. The MAC comes first of all that the key protects; a repeat
is told from a new command before counter and validity are looked at, because a repeat has no effect anyway.
"""

import hashlib
from dataclasses import dataclass, replace
from enum import IntEnum
from hmac import compare_digest

from cryptography.hazmat.primitives import hashes, hmac

from openmains.domain.command.kinds import RULES, Lane
from openmains.drivers.commands import MAC_SIZE
from openmains.drivers.model import Command, CommandError, Driver
from openmains.emulator.meter.store import Held


class Result(IntEnum):
    """Point ``command_result``."""

    DONE = 0
    REFUSED = 1
    ALREADY_DONE = 2
    EXPIRED = 3
    BAD_MAC = 4
    UNKNOWN_KIND = 5
    OUT_OF_RANGE = 6
    COUNTER_TOO_LOW = 7


READS = frozenset(kind.value for kind, rule in RULES.items() if not rule.effect)
_SAFETY = frozenset(kind.value for kind, rule in RULES.items() if rule.lane is Lane.SAFETY)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``result`` None: act. ``command`` None: it could not be read; ``silent``: nothing is answered."""

    command: Command | None = None
    result: Result | None = None
    serial: int = 0
    code: int = 0
    digest: bytes = b""
    signed: bool = False
    silent: bool = False

    @property
    def counts(self) -> bool:
        """Has an effect: counter and serial number are stored."""
        return self.command is not None and self.command.kind not in READS


def command_mac(key: bytes, body: bytes) -> bytes:
    """HMAC-SHA256, first half: what signer and meter agree on."""
    made = hmac.HMAC(key, hashes.SHA256())
    made.update(body)
    return made.finalize()[:MAC_SIZE]


def counter_of(held: Held, kind: str, signed: bool) -> int:
    """The stored counter that a command of this kind must exceed."""
    if kind in _SAFETY:
        return held.safety_counter
    return held.signed_counter if signed else held.plain_counter


def counted(held: Held, kind: str, signed: bool, counter: int) -> Held:
    """The record with this counter seen."""
    if kind in READS:
        return held
    newest = max(counter_of(held, kind, signed), counter)
    if kind in _SAFETY:
        return replace(held, safety_counter=newest)
    return replace(held, signed_counter=newest) if signed else replace(held, plain_counter=newest)


def judge(driver: Driver, key: bytes, held: Held, frame: bytes, device_at: int, clock_known: bool) -> Verdict:
    """The first check that fails, or leave to act."""
    try:
        command = driver.read_command(frame)
    except CommandError as bad:
        if bad.reason == "unknown_kind":
            return Verdict(result=Result.UNKNOWN_KIND, serial=bad.serial, code=bad.code)
        if bad.reason == "unsigned":
            return Verdict(result=Result.BAD_MAC, serial=bad.serial, code=bad.code)
        if bad.reason == "range":
            return Verdict(result=Result.OUT_OF_RANGE, serial=bad.serial, code=bad.code)
        return Verdict(silent=True)
    kind = driver.command_kinds[command.kind]
    digest = hashlib.sha256(repr((command.kind, command.params)).encode()).digest()[:8]

    def verdict(result: Result | None) -> Verdict:
        return Verdict(command, result, command.serial, kind.code, digest, kind.signed)

    if kind.signed and (command.mac is None or not compare_digest(command_mac(key, command.body), command.mac)):
        return verdict(Result.BAD_MAC)
    if command.kind in READS:
        return verdict(None)
    known = held.done.get(command.serial)
    if known is not None:
        return verdict(Result.ALREADY_DONE if known == digest else Result.REFUSED)
    if held.pending is not None and held.pending.serial == command.serial:
        return Verdict(silent=True)  # the motor runs; the answer comes when it has arrived
    if command.counter <= counter_of(held, command.kind, kind.signed):
        return verdict(Result.COUNTER_TOO_LOW)
    if kind.signed and not clock_known:
        return verdict(Result.REFUSED)
    if device_at > command.not_after:
        return verdict(Result.EXPIRED)
    return verdict(None)
