# SPDX-License-Identifier: Apache-2.0
"""Which meter hangs at which account, from when until when (R8.2, ADR 0025). Pure: what is known comes as an argument, what is to be
written comes out; the tables' exclusion constraints refuse it once more where two acts were decided at the same time.

Rules. A meter hangs at one place at a time. An account has one *main* meter at an instant (household or master); a further meter of the
same household (``additional``) counts beside it, and a check meter hangs beside it without counting. What hangs is of the account's
medium. Acts come in the order in which they took effect: nothing is slipped in before what is known to have happened later.
A register is a count of the meter's own unit, and never compared with another meter's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from openmains.domain.fleet.meter_life import HANGING, Life, LifeAct, following


class MeterRole(StrEnum):
    """What a meter is to its account."""

    HOUSEHOLD = "household"
    MASTER = "master"
    ADDITIONAL = "additional"
    CHECK = "check"


MAIN: Final = frozenset({MeterRole.HOUSEHOLD, MeterRole.MASTER})
COUNTED: Final = frozenset({MeterRole.HOUSEHOLD, MeterRole.MASTER, MeterRole.ADDITIONAL})
"""Whose volume is the account's."""


class RegisterSource(StrEnum):
    """How the register at an end of an installation was got."""

    READ = "read"  # by a person at the meter
    PHOTOGRAPHED = "photographed"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"  # nobody did: what hung before the registry kept installations


@dataclass(frozen=True, slots=True)
class EndRegister:
    """A register at an end of an installation; ``count`` in the meter's unit, None where ``source`` is unknown; ``digit``: unit of the last
    digit that was read."""

    count: int | None
    source: RegisterSource
    digit: int = 1


UNREAD: Final = EndRegister(None, RegisterSource.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Hanging:
    """A meter at an account during [``from_s``, ``to_s``) (s UTC); ``to_s`` None: it goes on."""

    installation_id: int
    meter_id: int
    account_id: int
    role: MeterRole
    from_s: int
    to_s: int | None
    opening: EndRegister
    closing: EndRegister | None

    def holds(self, at_s: int) -> bool:
        """Whether a reading of this instant is the account's."""
        return self.from_s <= at_s and (self.to_s is None or at_s < self.to_s)


@dataclass(frozen=True, slots=True)
class MeterInLife:
    """What is known of a meter. ``life_s``: when its last act took effect; ``last``: its newest sound register with its instant, None
    where it never said one; ``dial`` 0: not known; ``qmax`` in units an hour. ``spans``: all its installations."""

    meter_id: int
    number: str
    medium: str
    life: Life
    life_s: int
    role: MeterRole
    spans: Sequence[Hanging] = ()
    last: tuple[int, int] | None = None  # (register, s UTC)
    dial: int = 0
    qmax: int = 0

    @property
    def hangs(self) -> Hanging | None:
        """Its installation that goes on."""
        return next((span for span in self.spans if span.to_s is None), None)


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What is known of an account. ``spans``: installations at it; ``numbers``: of their meters."""

    account_id: int
    number: str
    medium: str
    opened_s: int
    closed_s: int | None
    spans: Sequence[Hanging] = ()


class Refusal(StrEnum):
    """Why an act is refused."""

    WRONG_ORDER = "wrong-order"
    ACT_AHEAD = "act-ahead"
    ACT_BEFORE_LAST = "act-before-last"
    OTHER_MEDIUM_ACCOUNT = "other-medium-account"
    ACCOUNT_NOT_OPEN = "account-not-open"
    ACCOUNT_HAS_METER = "account-has-meter"
    NOT_HANGING = "not-hanging"
    SAME_METER = "same-meter"
    METER_THERE_ALREADY = "meter-there-already"
    OWN_INSTALLATION = "own-installation"
    REGISTER_NEEDED = "register-needed"
    REGISTER_BEYOND_DIAL = "register-beyond-dial"
    REGISTER_IMPOSSIBLE = "register-impossible"


class LifeActRefusedError(Exception):
    """``values`` fill the text for people."""

    def __init__(self, refusal: Refusal, **values: object) -> None:
        super().__init__(refusal)
        self.refusal = refusal
        self.values = values


@dataclass(frozen=True, slots=True)
class Change:
    """What an act does to one meter: its life after it, the installation that ends and the one that begins."""

    meter_id: int
    before: Life
    life: Life
    ends: tuple[Hanging, EndRegister] | None = None
    begins: tuple[int, MeterRole, EndRegister] | None = None  # account, role, opening


def step(meter: MeterInLife, act: LifeAct, at_s: int, now_s: int) -> Life:
    """The state after an act at ``at_s``. Raises ``LifeActRefusedError``: ``wrong-order``, ``act-ahead``, ``act-before-last``."""
    after = following(meter.life, act)
    if after is None:
        raise LifeActRefusedError(Refusal.WRONG_ORDER, number=meter.number, life=meter.life, act=act)
    if at_s > now_s:
        raise LifeActRefusedError(Refusal.ACT_AHEAD, number=meter.number)
    if at_s < meter.life_s:
        raise LifeActRefusedError(Refusal.ACT_BEFORE_LAST, number=meter.number, life=meter.life)
    return after


def install(
    meter: MeterInLife,
    account: AccountFacts,
    at_s: int,
    now_s: int,
    opening: EndRegister,
    role: MeterRole | None = None,
) -> Change:
    """Hang a meter at an account. Raises as ``step``, ``settled`` and ``fits_account``."""
    life = step(meter, LifeAct.INSTALL, at_s, now_s)
    role = role or meter.role
    opening = settled(meter, opening, at_s, is_closing=False)
    fits_account(meter, account, at_s, role)
    return Change(meter.meter_id, meter.life, life, begins=(account.account_id, role, opening))


def remove(meter: MeterInLife, at_s: int, now_s: int, closing: EndRegister) -> Change:
    """Take a meter off. Raises as ``step``, ``settled``, and ``not-hanging``."""
    life = step(meter, LifeAct.REMOVE, at_s, now_s)
    return Change(meter.meter_id, meter.life, life, ends=_ending(meter, at_s, closing))


def exchange(
    old: MeterInLife,
    new: MeterInLife,
    account: AccountFacts,
    at_s: int,
    now_s: int,
    closing: EndRegister,
    opening: EndRegister,
) -> tuple[Change, Change]:
    """One meter for another at one instant; the new one takes the old one's role. Raises as ``remove`` and ``install``, and
    ``same-meter``."""
    if old.meter_id == new.meter_id:
        raise LifeActRefusedError(Refusal.SAME_METER, number=old.number)
    off = remove(old, at_s, now_s, closing)
    assert off.ends is not None  # noqa: S101 a removal ends one
    span = off.ends[0]
    others = [each for each in account.spans if each.installation_id != span.installation_id]
    free = AccountFacts(account.account_id, account.number, account.medium, account.opened_s, account.closed_s, others)
    return off, install(new, free, at_s, now_s, opening, span.role)


def move(meter: MeterInLife, account: AccountFacts, at_s: int, now_s: int, register: EndRegister) -> Change:
    """Hang a meter that stays where it is at another account (split, merge): one register ends the one and opens the other."""
    life = step(meter, LifeAct.MOVE, at_s, now_s)
    span, register = _ending(meter, at_s, register)
    if span.account_id == account.account_id:
        raise LifeActRefusedError(Refusal.METER_THERE_ALREADY, number=meter.number, account=account.number)
    fits_account(meter, account, at_s, span.role)
    return Change(meter.meter_id, meter.life, life, (span, register), (account.account_id, span.role, register))


def accept(meter: MeterInLife, at_s: int, now_s: int, installer: int | None, person: int) -> Change:
    """Put in use what another person installed. Raises as ``step``, and ``own-installation``."""
    life = step(meter, LifeAct.ACCEPT, at_s, now_s)
    if installer == person:
        raise LifeActRefusedError(Refusal.OWN_INSTALLATION, number=meter.number)
    return Change(meter.meter_id, meter.life, life)


def fits_account(meter: MeterInLife, account: AccountFacts, at_s: int, role: MeterRole) -> None:
    """Whether it may hang there from ``at_s`` on."""
    if account.medium != meter.medium:
        raise LifeActRefusedError(Refusal.OTHER_MEDIUM_ACCOUNT, number=meter.number, account=account.number)
    if at_s < account.opened_s or account.closed_s is not None:
        raise LifeActRefusedError(Refusal.ACCOUNT_NOT_OPEN, account=account.number)
    if role in MAIN and any(span.role in MAIN and _reaches(span, at_s) for span in account.spans):
        raise LifeActRefusedError(Refusal.ACCOUNT_HAS_METER, account=account.number, number=meter.number)


def _ending(meter: MeterInLife, at_s: int, register: EndRegister) -> tuple[Hanging, EndRegister]:
    span = meter.hangs
    if span is None:
        raise LifeActRefusedError(Refusal.NOT_HANGING, number=meter.number)
    if at_s <= span.from_s:
        raise LifeActRefusedError(Refusal.ACT_BEFORE_LAST, number=meter.number, life=meter.life)
    return span, settled(meter, register, at_s, is_closing=True)


def _reaches(span: Hanging, at_s: int) -> bool:
    return span.to_s is None or span.to_s > at_s


def settled(meter: MeterInLife, register: EndRegister, at_s: int, *, is_closing: bool) -> EndRegister:
    """The register as it is kept, after what the meter's own registers and its dial allow. Raises ``register-needed``,
    ``register-beyond-dial``, and ``register-impossible`` with the register it is held against.

    A register runs on from the newest one that the meter said, at most at Qmax, and past the end of the dial where that is known – by at
    most half of it where Qmax is not known; at an instant before that one it may not lie above it. A person who reads whole cubic metres
    reads the register that the meter says itself, to fewer digits: then the meter's own is kept. What a meter said before its last act is
    not held against an opening: a workshop may have set it back.
    """
    count = register.count
    if (count is None) != (register.source is RegisterSource.UNKNOWN) or (count is None and is_closing):
        raise LifeActRefusedError(Refusal.REGISTER_NEEDED, number=meter.number)
    if count is None:
        return register
    if count < 0 or (meter.dial and count >= meter.dial):
        raise LifeActRefusedError(Refusal.REGISTER_BEYOND_DIAL, number=meter.number)
    if meter.last is None or (not is_closing and meter.last[1] < meter.life_s):
        return register
    known, known_s = meter.last
    if at_s >= known_s and 0 < known - count < register.digit:
        return replace(register, count=known)
    passed = known - count if at_s < known_s else count - known
    most = meter.qmax * abs(at_s - known_s) // 3600 + register.digit if meter.qmax else None
    if passed < 0 and meter.dial:
        passed += meter.dial
        most = meter.dial // 2 if most is None else most  # as ``account_days.passed`` takes it
    if passed < 0 or (most is not None and passed > most):
        raise LifeActRefusedError(Refusal.REGISTER_IMPOSSIBLE, number=meter.number, known=known, given=count)
    return register


def owner_at(spans: Iterable[Hanging], meter_id: int, at_s: int) -> int | None:
    """The account whose installation holds an instant of a meter; None: it hung nowhere."""
    return next((span.account_id for span in spans if span.meter_id == meter_id and span.holds(at_s)), None)


def hangs_rightly(life: Life, spans: Iterable[Hanging]) -> bool:
    """A meter hangs exactly when its life says so: what must hold after every act."""
    return sum(span.to_s is None for span in spans) == (life in HANGING)
