# SPDX-License-Identifier: Apache-2.0
"""The kinds of commands as a table (R4.1): all that a kind is. A product or a tenant may set its own times.

What the rest of the program and the docs know of a kind is made from this table or compared with it by a test (CONTRIBUTING,
"A kind of command").

``lane``: commands of one lane of a meter are applied in the order they were given and one at a time; lanes do not wait
for each other, so that a slow log pull never holds up a valve. All signed kinds share a lane because they share the meter's
strictly increasing counter, but for the safety closing: it has a lane and a counter of its own, because gas that leaks cannot
wait for a top-up that nobody answers. The unsigned ones with an effect share another, whose counter is the serial number.

Retries: a sleeping meter is tried once a window after an uplink; ``pauses_s`` is the least time between two attempts on
a channel. Only a command without effect is given up after ``attempts``; one with an effect is tried until its validity
ends, because 'no answer' does not mean 'not done' (R4.4, R4.5).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Any

from openmains.domain.command.quota import SAFETY_QUOTAS, SETTING_QUOTAS, TOP_UP_QUOTAS, VALVE_QUOTAS, Quota
from openmains.domain.period import DAY_S, HOUR_S


class Kind(StrEnum):
    """What a meter can be told."""

    READ_NOW = "read_now"
    READ_INTERVALS = "read_intervals"
    READ_STATUS = "read_status"
    LOG_PULL = "log_pull"
    VALVE_CLOSE = "valve_close"
    VALVE_OPEN = "valve_open"  # gas: only permits; a person opens at the meter
    SAFETY_CLOSE = "safety_close"  # a danger: for every customer, and opened again only at the meter (R4.8)
    SET_PARAMETERS = "set_parameters"
    SET_SIGNED_PARAMETERS = "set_signed_parameters"  # those that by their effect move a valve or money
    READ_PARAMETERS = "read_parameters"
    SET_PRICE = "set_price"
    TOP_UP = "top_up"
    SET_CLOCK = "set_clock"
    SET_PLATFORM = "set_platform"
    RESTART = "restart"
    FACTORY_RESET = "factory_reset"


class Lane(IntEnum):
    """What keeps its order within one meter."""

    SIGNED = 1
    SETTING = 2
    READING = 3
    SAFETY = 4


class Priority(IntEnum):
    """Who goes first where a cell or a window has room for few."""

    URGENT = 1
    NORMAL = 2
    BULK = 3


class Channel(StrEnum):
    """How a command reaches its meter."""

    DIRECT = "direct"  # the meter's own radio, asleep between its reports
    GATEWAY = "gateway"  # over a gateway or concentrator, which stores and forwards
    OPERATOR = "operator"  # over an operator's platform, which has a queue of its own


class FourEyes(StrEnum):
    """When a second person must agree (R13.4)."""

    NEVER = "never"
    MANY = "many"  # for many meters, at once or one by one within a day
    STRICT = "strict"  # also for a critical customer, and out of office hours
    ALWAYS = "always"  # one meter or many, whenever; but for the immediate case (safety_closing)


@dataclass(frozen=True, slots=True)
class KindRule:
    """One kind. ``signed``: carries counter and MAC made by the signer. ``replaces``: a newer one takes the place of an
    older one that was never sent. ``effect``: changes something at the meter. ``configures``: counts in the share of a utility's meters
    that batches may configure in a day (R4.3). ``in_batches``: may be given to many by a batch. ``for_administrators``: an operator
    may not give it. ``longest_s``: the signer refuses a longer validity. ``quotas``: how many the signer authorises. ``grace_s``: how
    long after its validity an unanswered command is asked about."""

    kind: Kind
    zh: str
    en: str
    lane: Lane
    priority: Priority
    validity_s: int
    attempts: int  # 0: until the validity ends
    pauses_s: Mapping[Channel, int]
    replaces: bool = False
    configures: bool = False
    in_batches: bool = True
    for_administrators: bool = False
    four_eyes: FourEyes = FourEyes.NEVER
    longest_s: int | None = None
    quotas: tuple[Quota, ...] = ()
    grace_s: int = 30 * DAY_S

    @property
    def signed(self) -> bool:
        """By its lane: no unsigned kind is in one of these."""
        return self.lane in (Lane.SIGNED, Lane.SAFETY)

    @property
    def effect(self) -> bool:
        """Readings have none, and a lane of their own."""
        return self.lane is not Lane.READING


# direct: a window of two minutes has room for five attempts, which 99.9 % on the first night needs at 5 % loss (R4.3)
_PAUSES = {Channel.DIRECT: 20, Channel.GATEWAY: 300, Channel.OPERATOR: 900}
_SLOW = {Channel.DIRECT: 20, Channel.GATEWAY: 900, Channel.OPERATOR: HOUR_S}


_ATTEMPTS = {Lane.READING: 5}


def _rule(kind: Kind, zh: str, en: str, lane: Lane, priority: Priority, validity_s: int, **more: Any) -> KindRule:
    pauses = _SLOW if priority is Priority.BULK else _PAUSES
    return KindRule(kind, zh, en, lane, priority, validity_s, _ATTEMPTS.get(lane, 0), pauses, **more)


_SIGNED, _SETTING, _READING, _SAFETY = Lane
_URGENT, _NORMAL, _BULK = Priority
_VALVE: Mapping[str, Any] = {"longest_s": 3 * DAY_S, "quotas": VALVE_QUOTAS}  # R13.4
_ADMIN: Mapping[str, Any] = {"for_administrators": True, "configures": True, "quotas": SETTING_QUOTAS}
_MANY, _STRICT = FourEyes.MANY, FourEyes.STRICT

# Validity after R4.3: configuration 100 % within 48 h, reads and valve commands within 24 h. R4.4: prices and top-ups wait.
RULES: Mapping[Kind, KindRule] = {
    rule.kind: rule
    for rule in (
        _rule(Kind.READ_NOW, "点抄", "Read the register now", _READING, _NORMAL, DAY_S),
        _rule(Kind.READ_INTERVALS, "读取冻结数据", "Read frozen registers", _READING, _NORMAL, DAY_S),
        _rule(Kind.READ_STATUS, "读取状态", "Read the state", _READING, _NORMAL, DAY_S),
        _rule(Kind.LOG_PULL, "拉取日志", "Pull the event log", _READING, _BULK, 2 * DAY_S),
        _rule(Kind.READ_PARAMETERS, "读取参数", "Read parameters", _READING, _NORMAL, DAY_S),
        _rule(Kind.VALVE_CLOSE, "关阀", "Close the valve", _SIGNED, _URGENT, DAY_S, four_eyes=_STRICT, **_VALVE),
        _rule(
            Kind.VALVE_OPEN, "开阀（燃气：允许现场开阀）", "Open the valve (gas: permit opening)", _SIGNED, _URGENT, DAY_S,
            four_eyes=_MANY, **_VALVE,
        ),
        _rule(
            Kind.SAFETY_CLOSE, "安全关阀", "Close for safety", _SAFETY, _URGENT, DAY_S, four_eyes=FourEyes.ALWAYS,
            in_batches=False, longest_s=3 * DAY_S, quotas=SAFETY_QUOTAS,
        ),
        _rule(Kind.TOP_UP, "充值", "Top up", _SIGNED, _URGENT, 30 * DAY_S, quotas=TOP_UP_QUOTAS),
        _rule(
            Kind.SET_PRICE, "设置价格", "Set the price", _SIGNED, _NORMAL, 30 * DAY_S, replaces=True, four_eyes=_MANY, **_ADMIN
        ),
        _rule(
            Kind.SET_PLATFORM, "设置平台地址", "Set the platform address", _SIGNED, _BULK, 2 * DAY_S, replaces=True,
            four_eyes=_STRICT, **_ADMIN,
        ),
        _rule(Kind.FACTORY_RESET, "恢复出厂参数", "Settings as delivered", _SIGNED, _NORMAL, DAY_S, four_eyes=_STRICT, **_ADMIN),
        _rule(
            Kind.SET_PARAMETERS, "设置参数", "Set parameters", _SETTING, _BULK, 2 * DAY_S, replaces=True, configures=True
        ),
        _rule(
            Kind.SET_SIGNED_PARAMETERS, "设置计费与关阀参数", "Set parameters of credit and valve", _SIGNED, _NORMAL, 2 * DAY_S,
            replaces=True, four_eyes=_MANY, **_ADMIN,
        ),
        _rule(Kind.SET_CLOCK, "校时", "Set the clock", _SETTING, _NORMAL, DAY_S, replaces=True),
        _rule(Kind.RESTART, "重启", "Restart", _SETTING, _NORMAL, DAY_S),
    )
}  # fmt: skip
SETTINGS = frozenset({Kind.SET_PARAMETERS, Kind.SET_SIGNED_PARAMETERS})
"""Kinds that set parameters by name."""
LONGEST_VALIDITY_S = 60 * DAY_S
CONFIGURATION = frozenset(kind for kind, rule in RULES.items() if rule.configures)
"""Kinds of which a utility may give at most a share of its meters a day (R4.3)."""


@dataclass(frozen=True, slots=True)
class Times:
    """What a product or tenant sets for a kind instead of the table's; None: as in the table."""

    validity_s: int | None = None
    attempts: int | None = None
    pause_s: int | None = None


def rule_of(kind: Kind, *settings: Times | None) -> KindRule:
    """The kind's rule with settings over it, the later one stronger (tenant first, then product). A safety closing is made neither
    shorter nor later by any."""
    rule = RULES[kind]
    if rule.lane is Lane.SAFETY:
        return rule
    for own in settings:
        if own is None:
            continue
        if own.validity_s is not None:
            rule = replace(rule, validity_s=max(60, min(LONGEST_VALIDITY_S, own.validity_s)))
        if own.attempts is not None and not rule.effect:
            rule = replace(rule, attempts=max(1, own.attempts))
        if own.pause_s is not None:
            pause_s = max(1, own.pause_s)
            rule = replace(rule, pauses_s=dict.fromkeys(Channel, pause_s))
    return rule


def rule_for(times: Mapping[tuple[int, int, str], Times], kind: Kind, tenant_id: int, product_id: int) -> KindRule:
    """The kind's rule for a product of a tenant; ``times`` by (tenant, product or 0, kind)."""
    return rule_of(kind, times.get((tenant_id, 0, kind)), times.get((tenant_id, product_id, kind)))
