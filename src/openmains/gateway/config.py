# SPDX-License-Identifier: Apache-2.0
"""What a gateway is told about itself."""

from dataclasses import dataclass, field
from typing import Final

from openmains.wire.gbt36330.profile import DEFAULT, Profile

COMMON_CHANNEL: Final = 0  # joins, alarms, beacons: whoever has no slice
MOST_CHANNEL: Final = 255
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """``number``: 16 digits, as in the platform's book. ``network``: by which its radio's frames are told from a neighbour's; ``key``: 16 to 64
    bytes, out of which each meter's own is made. ``channels``: of its slices, no neighbour's; ``relays``: numbers of those that there are.

    ``tries``, ``timeout_ms``: of a message (5.7 f); ``command_windows``: in how many of its meter's windows a command is tried.
    ``probe_s``: so often each relay is asked whether it is there. ``trusts_box``: the box has the right time by itself, so meters are given it
    though the platform has not said it."""

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
    profile: Profile = DEFAULT

    def __post_init__(self) -> None:
        for what, fits in (
            ("number has 16 digits", len(self.number) == 16 and self.number.isascii() and self.number.isdigit()),
            ("network is 1 to 65535", 0 < self.network < 1 << 16),
            ("key has 16 to 64 bytes", 16 <= len(self.key) <= 64),
            ("channels are different ones from 1 to 255", _are_names(self.channels) and bool(self.channels)),
            ("relays are different ones from 1 to 255", _are_names(self.relays)),
            ("slice_s is 5 to 300", 5 <= self.slice_s <= 300),
            ("cycle_s is 60 slices or more, and 86400 is a multiple of it",
             self.cycle_s >= 60 * self.slice_s and 0 < self.cycle_s <= 86_400 and 86_400 % self.cycle_s == 0),
            ("tries is 1 to 10", 1 <= self.tries <= 10),
            ("timeout_ms is 200 to 60000", 200 <= self.timeout_ms <= 60_000),
            ("command_windows is 1 to 1000", 1 <= self.command_windows <= 1000),
            ("utc_offset_min is -840 to 840", -840 <= self.utc_offset_min <= 840),
            ("probe_s is 25 to 3600", 25 <= self.probe_s <= 3_600),
            ("kept_days is 1 to 365", 1 <= self.kept_days <= 365),
            ("most_kept is 1000 or more", self.most_kept >= 1000),
        ):  # fmt: skip
            if not fits:
                raise ValueError(what)


def _are_names(values: tuple[int, ...]) -> bool:
    return len(set(values)) == len(values) and all(0 < value <= MOST_CHANNEL for value in values)
