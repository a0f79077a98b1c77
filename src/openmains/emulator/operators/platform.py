# SPDX-License-Identifier: Apache-2.0
"""What the emulated platforms share: devices, their caches of commands, and pushes that are tried again, doubled, held back or lost.

A platform is given HTTP requests (``answer``) and what modules do (``uplink``, ``arrive``, ``leave``), and has pushes to say (``pushes``),
in order. Who carries them says how each was answered (``pushed``). Its clock is an argument.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

COOL_DOWN_S = 60
TRIES = 3


@dataclass(slots=True)
class Push:
    """A request of the platform to the receiver. ``query``: appended to the address that it was given."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    tries: int = 0


@dataclass(slots=True)
class Held:
    """A command that waits for a device. ``state``: in the words of the platform; ``expires_s``: when it is taken away."""

    item: str
    device_id: str
    frame: bytes
    created_s: float
    expires_s: float
    state: str


@dataclass(slots=True)
class Mischief:
    """What goes wrong. ``doubled``: pushes that are said twice; ``late``: results of commands that are kept back until ``release``;
    ``unsaid``: pushes that are never made; ``silent``: calls that are carried out and not answered; ``busy``: calls that are refused for
    now."""

    doubled: int = 0
    late: bool = False
    unsaid: int = 0
    silent: int = 0
    busy: int = 0


@dataclass(slots=True)
class Module:
    """A device. ``is_awake``: commands reach it at once."""

    device_id: str
    imei: str
    is_online: bool = False
    history: list[tuple[int, bytes]] = field(default_factory=list)


@dataclass
class Cloud:
    """The parts that no platform's words are in. ``deliver``: a frame that reached a module."""

    now_s: Callable[[], float]
    deliver: Callable[[str, bytes], None] = lambda imei, frame: None
    mischief: Mischief = field(default_factory=Mischief)
    modules: dict[str, Module] = field(default_factory=dict)  # by the platform's name
    held: dict[str, Held] = field(default_factory=dict)
    pushes: deque[Push] = field(default_factory=deque)
    kept_back: deque[Push] = field(default_factory=deque)
    failures: int = 0
    cool_until_s: float = 0.0
    dropped: int = 0
    count: int = 0

    def of_imei(self, imei: str) -> Module | None:
        """The device with this module."""
        return next((one for one in self.modules.values() if one.imei == imei), None)

    def there(self, imei: str) -> Module:
        """The same; raises ``LookupError`` for one that is not there."""
        found = self.of_imei(imei)
        if found is None:
            raise LookupError(imei)
        return found

    def arrive(self, imei: str) -> None:
        """It registered."""
        self._presence(imei, True)

    def leave(self, imei: str) -> None:
        """Its registration is over."""
        self._presence(imei, False)

    def _presence(self, imei: str, is_online: bool) -> None:
        raise NotImplementedError

    def say(self, push: Push, *, is_result: bool = False) -> None:
        """A push, unless something is wrong with it today."""
        if self.mischief.unsaid:
            self.mischief.unsaid -= 1
            self.dropped += 1
            return
        if self.now_s() < self.cool_until_s:  # nothing is pushed, and nothing is kept
            self.dropped += 1
            return
        times = 2 if self.mischief.doubled else 1
        self.mischief.doubled -= self.mischief.doubled > 0
        for _ in range(times):
            (self.kept_back if is_result and self.mischief.late else self.pushes).append(push)

    def release(self) -> None:
        """Late results are said now."""
        self.mischief.late = False
        self.pushes.extend(self.kept_back)
        self.kept_back.clear()

    def pushed(self, push: Push, status: int | None) -> None:
        """How the receiver answered; None: not at all."""
        if status == 200:
            self.failures = 0
            return
        push.tries += 1
        self.failures += 1
        if push.tries < TRIES:
            self.pushes.append(push)
        else:
            self.dropped += 1
        if self.failures >= 100:
            self.cool_until_s = self.now_s() + COOL_DOWN_S

    def next_item(self) -> str:
        """A name that none had."""
        self.count += 1
        return str(191_500 + self.count)
