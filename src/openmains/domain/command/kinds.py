# SPDX-License-Identifier: Apache-2.0
"""The kinds of commands as a table (R4.1): urgency, validity, retries, order. A product or a tenant may set its own times.

``lane``: commands of one lane of a meter are applied in the order they were given and one at a time; lanes do not wait
for each other, so that a slow log pull never holds up a valve. All signed kinds share a lane because they share the meter's
strictly increasing counter; the unsigned ones with an effect share another, whose counter is the serial number.

Retries: a sleeping meter is tried once a window after an uplink; ``pauses_s`` is the least time between two attempts on
a channel. Only a command without effect is given up after ``attempts``; one with an effect is tried until its validity
ends, because 'no answer' does not mean 'not done' (R4.4, R4.5).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum


class Kind(StrEnum):
    """What a meter can be told."""

    READ_NOW = "read_now"
    READ_INTERVALS = "read_intervals"
    READ_STATUS = "read_status"
    LOG_PULL = "log_pull"
    VALVE_CLOSE = "valve_close"
    VALVE_OPEN = "valve_open"  # gas: only permits; a person opens at the meter
    SET_PARAMETERS = "set_parameters"
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


HOUR, DAY = 3600, 86_400


@dataclass(frozen=True, slots=True)
class KindRule:
    """One kind. ``signed``: carries counter and MAC made by the signer. ``replaces``: a newer one takes the place of an
    older one that was never sent. ``grace_s``: how long after its validity an unanswered command is asked about."""

    kind: Kind
    lane: Lane
    priority: Priority
    validity_s: int
    attempts: int  # 0: until the validity ends
    pauses_s: Mapping[Channel, int]
    signed: bool = False
    replaces: bool = False
    effect: bool = True
    grace_s: int = 30 * DAY


# direct: a window of two minutes has room for five attempts, which 99.9 % on the first night needs at 5 % loss (R4.3)
_PAUSES = {Channel.DIRECT: 20, Channel.GATEWAY: 300, Channel.OPERATOR: 900}
_SLOW = {Channel.DIRECT: 20, Channel.GATEWAY: 900, Channel.OPERATOR: 3600}


def _rule(kind: Kind, lane: Lane, priority: Priority, validity_s: int, attempts: int = 0, **more: bool) -> KindRule:
    pauses = _SLOW if priority is Priority.BULK else _PAUSES
    return KindRule(kind, lane, priority, validity_s, attempts, pauses, **more)


# Validity after R4.3: configuration 100 % within 48 h, reads and valve commands within 24 h. R4.4: prices and top-ups wait.
RULES: Mapping[Kind, KindRule] = {
    rule.kind: rule
    for rule in (
        _rule(Kind.READ_NOW, Lane.READING, Priority.NORMAL, DAY, 5, effect=False),
        _rule(Kind.READ_INTERVALS, Lane.READING, Priority.NORMAL, DAY, 5, effect=False),
        _rule(Kind.READ_STATUS, Lane.READING, Priority.NORMAL, DAY, 5, effect=False),
        _rule(Kind.LOG_PULL, Lane.READING, Priority.BULK, 2 * DAY, 5, effect=False),
        _rule(Kind.READ_PARAMETERS, Lane.READING, Priority.NORMAL, DAY, 5, effect=False),
        _rule(Kind.VALVE_CLOSE, Lane.SIGNED, Priority.URGENT, DAY, signed=True),
        _rule(Kind.VALVE_OPEN, Lane.SIGNED, Priority.URGENT, DAY, signed=True),
        _rule(Kind.TOP_UP, Lane.SIGNED, Priority.URGENT, 30 * DAY, signed=True),
        _rule(Kind.SET_PRICE, Lane.SIGNED, Priority.NORMAL, 30 * DAY, signed=True, replaces=True),
        _rule(Kind.SET_PLATFORM, Lane.SIGNED, Priority.BULK, 2 * DAY, signed=True, replaces=True),
        _rule(Kind.FACTORY_RESET, Lane.SIGNED, Priority.NORMAL, DAY, signed=True),
        _rule(Kind.SET_PARAMETERS, Lane.SETTING, Priority.BULK, 2 * DAY, replaces=True),
        _rule(Kind.SET_CLOCK, Lane.SETTING, Priority.NORMAL, DAY, replaces=True),
        _rule(Kind.RESTART, Lane.SETTING, Priority.NORMAL, DAY),
    )
}
LONGEST_VALIDITY_S = 60 * DAY
CONFIGURATION = frozenset({Kind.SET_PARAMETERS, Kind.SET_PRICE, Kind.SET_PLATFORM, Kind.FACTORY_RESET})
"""Kinds of which a utility may give at most a share of its meters a day (R4.3)."""


@dataclass(frozen=True, slots=True)
class Times:
    """What a product or tenant sets for a kind instead of the table's; None: as in the table."""

    validity_s: int | None = None
    attempts: int | None = None
    pause_s: int | None = None


def rule_of(kind: Kind, *settings: Times | None) -> KindRule:
    """The kind's rule with settings over it, the later one stronger (tenant first, then product)."""
    rule = RULES[kind]
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
