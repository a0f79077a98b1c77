# SPDX-License-Identifier: Apache-2.0
"""What a gateway is told about itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from openmains.wire.gateway.parameters import CYCLE_SLICES, DAY_S, PARAMETERS, Value, fault, together
from openmains.wire.gbt36330.profile import DEFAULT, Profile

COMMON_CHANNEL: Final = 0  # joins, alarms, beacons: whoever has no slice
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """``number``: 16 digits, as in the platform's book. ``network``: by which its radio's frames are told from a neighbour's; ``key``: 16 to 64
    bytes, out of which each meter's own is made. ``channels``: of its slices, no neighbour's; ``relays``: numbers of those that there are.

    ``tries``, ``timeout_ms``: of a message (5.7 f); ``command_windows``: in how many of its meter's windows a command is tried.
    ``probe_s``: so often each relay is asked whether it is there. ``trusts_box``: the box has the right time by itself, so meters are given it
    though the platform has not said it. ``report_s``: so often it says how it is. What ``PARAMETERS`` names may be set from afar."""

    number: str
    network: int
    key: bytes = field(repr=False)
    channels: tuple[int, ...] = (1, 2)
    relays: tuple[int, ...] = ()
    cycle_s: int = 86_400
    slice_s: int = 30
    tries: int = 3
    timeout_ms: int = 1_500
    command_windows: int = 12
    utc_offset_min: int = 480
    trusts_box: bool = False
    probe_s: int = 30
    kept_days: int = 30
    most_kept: int = 500_000
    report_s: int = 60
    log_level: str = "info"
    profile: Profile = DEFAULT

    def __post_init__(self) -> None:
        for what, fits in (
            ("number has 16 digits", len(self.number) == 16 and self.number.isascii() and self.number.isdigit()),
            ("network is 1 to 65535", 0 < self.network < 1 << 16),
            ("key has 16 to 64 bytes", 16 <= len(self.key) <= 64),
            ("utc_offset_min is -840 to 840", -840 <= self.utc_offset_min <= 840),
            ("most_kept is 1000 or more", self.most_kept >= 1000),
            *((_bounds(name), not fault(name, getattr(self, name))) for name in PARAMETERS),
            (f"cycle_s is {CYCLE_SLICES} slices or more, and {DAY_S} is a multiple of it", not together(self.parameters)),
        ):  # fmt: skip
            if not fits:
                raise ValueError(what)

    @property
    def parameters(self) -> dict[str, Value]:
        """What may be set from afar, as it is."""
        return {name: _plain(getattr(self, name)) for name in PARAMETERS}

    def with_parameters(self, values: Mapping[str, Value]) -> "GatewayConfig":
        """Raises ``ValueError`` with what does not fit."""
        changed: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return replace(self, **changed)


def _plain(value: Value | tuple[int, ...]) -> Value:
    return list(value) if isinstance(value, tuple) else value


def _bounds(name: str) -> str:
    known = PARAMETERS[name]
    if known.kind == "word":
        return f"{name} is one of {', '.join(known.words)}"
    if known.kind == "int":
        return f"{name} is {known.low} to {known.high}"
    return f"{name} are different ones from {known.low} to {known.high}, {known.least} to {known.most} of them"
