# SPDX-License-Identifier: Apache-2.0
"""Whose request it is when proxies stand between: X-Forwarded-For as proxies write it, or Forwarded (RFC 7239).

A header is only what its sender says. The peer of the connection is known; if it is one of our own proxies, the *last* hop of its header
is who spoke to it – and if that is one of ours again, the hop before. Everything left of the first stranger was written by him. A header
that comes in several lines is one list, in their order (RFC 9110 5.3). What cannot be read ends the walk: whoever is known by then it is.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Header = Literal["x-forwarded-for", "forwarded"]
_PAIR = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(\"(?:[^\"\\]|\\.)*\"|[!#$%&'*+.^_`|~0-9A-Za-z:\[\]-]+)\s*")
_ELEMENT = re.compile(r"(?:[^,\"]|\"(?:[^\"\\]|\\.)*\")+")
_MOST_HOPS = 32


@dataclass(frozen=True, slots=True)
class Hop:
    """Who spoke to a proxy, and over ``http`` or ``https`` where the proxy says so."""

    address: str
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class Proxies:
    """``networks`` of our own proxies and the one header they set; nothing is believed where ``networks`` is empty."""

    networks: Sequence[Network] = ()
    header: Header = "x-forwarded-for"

    def client(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> Hop:
        """Who asks. ``peer``: the connection's other end; ``headers``: names in lower case, as they came."""
        if not self._is_ours(peer):
            return Hop(normal(peer) or peer)
        lines: dict[str, list[str]] = {}
        for name, value in headers:
            lines.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        found = Hop(
            normal(peer) or peer, _last(lines.get("x-forwarded-proto", ())) if self.header != "forwarded" else ""
        )
        said = ",".join(lines.get(self.header, ()))
        hops = _forwarded(said) if self.header == "forwarded" else [Hop(part) for part in said.split(",")]
        for hop in reversed(hops[-_MOST_HOPS:]):
            address = normal(hop.address)
            if address is None:
                break
            found = Hop(address, hop.scheme or found.scheme)
            if not self._is_ours(address):
                break
        return found

    def came_through(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether any header says that a proxy stands between, ours or not."""
        return any(name.lower() in (b"x-forwarded-for", b"forwarded", b"via", b"x-real-ip") for name, _ in headers)

    def _is_ours(self, address: str) -> bool:
        plain = normal(address)
        if plain is None:
            return False
        known = ipaddress.ip_address(plain)
        return any(known in network for network in self.networks)


def networks_of(text: str) -> tuple[Network, ...]:
    """Networks of a setting, parted by commas. Raises ``ValueError`` that names the one which is none."""
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def normal(address: str) -> str | None:
    """An address without port, brackets and zone, as IPv4 where IPv6 only wraps it; None: it is none."""
    text = address.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        known = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(known)


def _last(lines: Sequence[str]) -> str:
    return ",".join(lines).rpartition(",")[2].strip().lower()


def _forwarded(text: str) -> list[Hop]:
    """Elements of RFC 7239 4; one without a readable ``for`` is a hop that nobody can name."""
    hops = []
    for element in _ELEMENT.findall(text):
        pairs = {}
        for pair in (
            element.split(";") if '"' not in element else re.findall(r"(?:[^;\"]|\"(?:[^\"\\]|\\.)*\")+", element)
        ):
            match = _PAIR.fullmatch(pair)
            if match:
                pairs[match[1].lower()] = re.sub(r"\\(.)", r"\1", match[2].strip('"'))
        hops.append(Hop(pairs.get("for", ""), pairs.get("proto", "").lower()))
    return hops
