# SPDX-License-Identifier: Apache-2.0
"""What both emulated providers keep: orders with their payments and refunds, and how they are to misbehave."""

import base64
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from openmains.domain.period import zone

BEIJING = zone("Asia/Shanghai")


@dataclass(slots=True)
class KeyPair:
    """An RSA key of 2048 bits, and its halves as PEM."""

    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    @property
    def private_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    @property
    def public_pem(self) -> str:
        return (
            self.key.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )

    def sign(self, message: bytes) -> str:
        return base64.b64encode(self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


@dataclass(slots=True)
class Refunded:
    """A refund that the provider made. ``day``: in Beijing."""

    number: str
    transaction: str
    fen: int
    day: str


@dataclass(slots=True)
class Trade:
    """An order at the provider. ``paid_at``: s UTC."""

    number: str
    fen: int
    notify_url: str
    state: str = "open"
    transaction: str = ""
    paid_at: int = 0
    refunds: dict[str, Refunded] = field(default_factory=dict)

    def day(self) -> str:
        return day_of(self.paid_at)


def day_of(at_s: int) -> str:
    """The day in Beijing."""
    return BEIJING.iso(at_s)[:10]


def beijing(at_s: int) -> str:
    """As the providers write instants without an offset."""
    return BEIJING.iso(at_s)[:19].replace("T", " ")


@dataclass(slots=True)
class Mischief:
    """How the provider is to misbehave with what it sends or answers next. ``lost_answers``: so many calls are done and not answered;
    ``lost_calls``: so many never arrive. The others concern callbacks."""

    lost_calls: int = 0
    lost_answers: int = 0
    wrong_signature: bool = False
    unknown_key: bool = False
    late_s: int = 0
    other_merchant: bool = False
    other_amount: int = 0
    other_order: str = ""


@dataclass(slots=True)
class Trades:
    """Orders by number."""

    trades: dict[str, Trade] = field(default_factory=dict)
    mischief: Mischief = field(default_factory=Mischief)

    def pay(self, number: str, at_s: int) -> Trade:
        """The payer pays. Raises ``ValueError`` for what cannot be paid."""
        trade = self.trades.get(number)
        if trade is None or trade.state != "open":
            raise ValueError(f"{number} cannot be paid")
        trade.state, trade.paid_at, trade.transaction = "paid", at_s, f"42{secrets.randbelow(10**26):026d}"
        return trade

    def close(self, number: str) -> Trade | None:
        """Closed, if nobody paid."""
        trade = self.trades.get(number)
        if trade is not None and trade.state == "open":
            trade.state = "closed"
        return trade

    def refund(self, number: str, refund_number: str, fen: int, at_s: int) -> Refunded | None:
        """Once for its number; None: more than was paid, or not paid."""
        trade = self.trades.get(number)
        if trade is None or trade.state != "paid":
            return None
        if refund_number not in trade.refunds:
            if fen <= 0 or fen + sum(one.fen for one in trade.refunds.values()) > trade.fen:
                return None
            trade.refunds[refund_number] = Refunded(
                refund_number, f"50{secrets.randbelow(10**26):026d}", fen, day_of(at_s)
            )
        return trade.refunds[refund_number]
