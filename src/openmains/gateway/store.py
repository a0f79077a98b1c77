# SPDX-License-Identifier: Apache-2.0
"""What a gateway keeps, as it asks for it. Changes are seen at once and are on disk after ``commit``; a store that ends before has none of
them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from openmains.gateway.clock import KeptClock
from openmains.wire.gateway.messages import Item, ParametersWord, UpWord
from openmains.wire.gateway.parameters import Value


class KeptMeter(NamedTuple):
    """A meter that has joined. ``number``: 16 digits; ``logical``: unique in this gateway for ever, for it is never given again."""

    number: str
    logical: int
    application: int
    version: int
    is_active: bool
    slice_index: int
    channel: int
    via: int


class KeptCommand(NamedTuple):
    """``tried``: windows of its meter in which it was sent; ``at_ms``: when it came."""

    command: str
    meter: str
    message_type: int
    data: bytes
    not_after_s: int
    tried: int
    at_ms: int


class GatewayStore(Protocol):
    """One gateway's."""

    @property
    def name(self) -> str:
        """Drawn when the store was made."""
        ...

    def commit(self) -> None:
        """What changed since the last one is on disk."""
        ...

    # -- what goes up

    def add(self, at_ms: int, word: UpWord) -> int:
        """Its number; numbers rise."""
        ...

    def is_repeat(self, meter: str, sequence: int, digest: bytes, at_ms: int, within_ms: int) -> bool:
        """Whether the meter's newest message was this one, not longer ago; else it is from now on."""
        ...

    def add_part(self, meter: str, key: bytes, index: int, count: int, part: bytes, at_ms: int) -> bytes | None:
        """A segment; the whole content once there are all of them, which are then forgotten."""
        ...

    def items(self, after: int, most: int) -> Sequence[Item]:
        """Those with a higher number, in order."""
        ...

    def forget(self, numbers: Sequence[int]) -> None:
        """They are on disk elsewhere."""
        ...

    def waiting(self) -> int:
        """Items that are kept."""
        ...

    def shorten(self, before_ms: int, most: int) -> int:
        """Give up items and parts that are older, and the oldest beyond ``most``; how many items. Counted for ever in ``dropped``."""
        ...

    def dropped(self) -> int:
        """Items that were given up."""
        ...

    # -- meters

    def meters(self) -> Sequence[KeptMeter]: ...
    def put_meter(self, meter: KeptMeter) -> None: ...
    def next_logical(self) -> int:
        """The lowest that was never given; raises ``LogicalIdsFullError``."""
        ...

    # -- commands

    def commands(self) -> Sequence[KeptCommand]:
        """Those that wait, oldest first."""
        ...

    def add_command(self, command: KeptCommand) -> str:
        """ "": it is new and waits; "waiting": it waits already; else the state in which it ended. One that was lost begins anew."""
        ...

    def tried(self, command: str) -> None:
        """In one more window."""
        ...

    def end_command(self, command: str, state: str, at_ms: int) -> None:
        """It waits no more; that it ended so is known for as long as items are kept."""
        ...

    # -- what was set from afar

    def parameters(self) -> Mapping[str, Value]:
        """What was set, over what the file says."""
        ...

    def put_parameters(self, values: Mapping[str, Value]) -> None: ...
    def told_parameters(self, command: int) -> ParametersWord | None:
        """The newest word on a command, as long as items are kept; None: it is new."""
        ...

    def newest_set(self) -> int:
        """The highest command that set something; 0: none."""
        ...

    def tell_parameters(self, word: ParametersWord, at_ms: int) -> None:
        """It is the newest word on its command, and an item."""
        ...

    def taken_parameters(self) -> Sequence[int]:
        """Commands that were taken, and of which it is not told yet that they are done."""
        ...

    def plan(self) -> str:
        """By which meters were given their slices last; "": nobody knows."""
        ...

    def put_plan(self, plan: str, misplaced: Iterable[str]) -> None:
        """And the meters that are to join anew because of it."""
        ...

    def misplaced(self) -> set[str]:
        """Numbers of meters that were to join anew, and have not yet."""
        ...

    def placed(self, meter: str) -> None:
        """It has."""
        ...

    # -- time

    def clock(self) -> KeptClock | None: ...
    def put_clock(self, kept: KeptClock) -> None: ...


class LogicalIdsFullError(Exception):
    """65,535 meters have joined in this gateway's life."""
