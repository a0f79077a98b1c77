# SPDX-License-Identifier: Apache-2.0
"""Stateless cookies (RFC 6347 section 4.2.1).

Theory: who returns the cookie receives at the address it claims. It is a MAC over that address and the client's
random, so that nothing need be remembered, and it is short, so that the answer is never larger than the question
(the smallest ClientHello has 67 bytes with its headers, our HelloVerifyRequest 44). The key is made from the
server's secret and the number of the current period; the previous period still counts.
"""

from hmac import compare_digest, digest
from typing import Final

from openmains.wire.dtls.peers import Peer, encode_peer

SIZE: Final = 16
PERIOD_S: Final = 120.0  # a cookie lives 2 to 4 minutes: longer than the retransmissions of a hello in a bad cell


class Cookies:
    """Makes and checks cookies; remembers nothing but the keys of two periods."""

    __slots__ = ("_keys", "_period", "_secret")

    def __init__(self, secret: bytes) -> None:
        self._secret = digest(secret, b"openmains dtls cookie", "sha256")
        self._period: int | None = None
        self._keys = (b"", b"")

    def _at(self, now: float) -> tuple[bytes, bytes]:
        period = int(now // PERIOD_S)
        if period != self._period:
            current, previous = (
                digest(self._secret, number.to_bytes(8, "big", signed=True), "sha256")
                for number in (period, period - 1)
            )
            self._period, self._keys = period, (current, previous)
        return self._keys

    def make(self, peer: Peer, client_random: bytes, now: float) -> bytes:
        """The cookie for a client that says hello from ``peer`` now."""
        return digest(self._at(now)[0], client_random + encode_peer(peer), "sha256")[:SIZE]

    def check(self, cookie: bytes, peer: Peer, client_random: bytes, now: float) -> bool:
        """Whether ``cookie`` was made for this peer and random in this period or the one before."""
        if len(cookie) != SIZE:
            return False
        text = client_random + encode_peer(peer)
        current, previous = self._at(now)
        return compare_digest(cookie, digest(current, text, "sha256")[:SIZE]) or compare_digest(
            cookie, digest(previous, text, "sha256")[:SIZE]
        )
