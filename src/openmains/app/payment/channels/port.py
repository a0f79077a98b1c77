# SPDX-License-Identifier: Apache-2.0
"""What is asked of a provider of payments, whichever it is.

An adapter makes calls and reads replies; sockets, clock and randomness are given to it. What it answers is one of three: what the provider
said, signed and fitting (``Heard`` …); ``Declined``, which the provider said for good; or ``Unclear``, which means that nobody knows and
that it
is asked again. No text of any of them holds a key, a body or a person's data.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from openmains.domain.payment.callback import CallbackFault, OrderClaim
from openmains.domain.payment.compare import MoneyKind

Provider = Literal["wechat", "alipay"]
Scene = Literal["native", "jsapi"]

SCHEMES = frozenset(
    {"https", "http"}
)  # of a channel's own address; the second for an emulated provider on the premises


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """A request. ``url`` and ``body`` are never logged."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What came back; header names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Caller = Callable[[ProviderRequest], Awaitable[ProviderAnswer | None]]
"""Sends a call; None: no reply, so nobody knows whether it arrived."""


@dataclass(frozen=True, slots=True)
class OrderToPlace:
    """``expires_s``: s UTC; ``payer``: the payer's identity at the provider, for ``jsapi``."""

    number: str
    fen: int
    title: str
    expires_s: int
    notify_url: str
    scene: Scene = "native"
    payer: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """``code``: text of a QR code; ``invoke``: what the page in the provider's own application starts the payment with."""

    code: str = ""
    invoke: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Declined:
    """For good. ``code``: the provider's."""

    code: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nobody knows. ``why``: a short code of ours or of the provider."""

    why: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What the provider says of an order. ``state``: ``gone`` where it has none of this number. ``transaction``: its own number."""

    state: Literal["open", "paid", "closed", "gone"]
    claim: OrderClaim | None = None
    transaction: str = ""


@dataclass(frozen=True, slots=True)
class RefundHeard:
    """What the provider says of a refund."""

    state: Literal["done", "running", "failed", "gone"]
    fen: int | None = None
    transaction: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A callback whose signature and time are good. ``event``: the provider's number of it, '' where it has none; ``heard`` None: about
    something else than an order that was paid."""

    event: str
    heard: Heard | None


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A line of the provider's file of a day. ``number``: of our order or our refund."""

    kind: MoneyKind
    number: str
    transaction: str
    fen: int


class PaymentChannel(Protocol):
    """One channel of a utility."""

    async def place(self, order: OrderToPlace) -> Placed | Declined | Unclear: ...
    async def ask(self, number: str) -> Heard | Unclear: ...
    async def close(self, number: str) -> Heard | Unclear:
        """Nobody can pay it any more, or what the provider says instead."""

    async def refund(
        self, number: str, refund_number: str, fen: int, total_fen: int, reason: str
    ) -> RefundHeard | Declined | Unclear:
        """The same ``refund_number`` again is the same refund."""

    async def ask_refund(self, number: str, refund_number: str) -> RefundHeard | Unclear: ...
    async def statement(self, day: str) -> list[StatementLine] | Unclear:
        """All that was paid and given back on a day of the provider (Beijing), YYYY-MM-DD."""

    def read(self, headers: Mapping[str, str], body: bytes) -> Notice | CallbackFault:
        """A callback. What it says of whom and how much is still to be compared (``domain/payment/callback``)."""

    def answer(self, *, taken: bool) -> tuple[int, bytes, str]:
        """Status, body and media type that tell the provider whether to send it again."""

    def held(self, number: str, fen: int) -> OrderClaim:
        """What a notice of this order must say."""


class ChannelKeyUnreadableError(Exception):
    """A key that cannot be read. The text names the field and nothing of the key."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is no key of the kind that is needed")
        self.name = name
