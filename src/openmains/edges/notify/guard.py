# SPDX-License-Identifier: Apache-2.0
"""Which addresses may be called on behalf of an administrator who typed a URL.

A platform that calls any URL is a way into its own network (server-side request forgery). So only addresses of the public internet are
called, and those of ``networks``, the setting for receivers on the premises; never a port of our own engines. The name is resolved here
and the address that was looked at is the one connected to, so that no second answer of a name server comes in between. To a public
address nothing goes unencrypted.
"""

import asyncio
import socket
from collections.abc import Collection, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
_NAT64 = ip_network("64:ff9b::/96")


class AddressRefusedError(Exception):
    """``code``: ``no-address``, ``own-network``, ``own-port``, ``not-encrypted``; the text names the host, never a URL."""

    def __init__(self, code: str, host: str) -> None:
        super().__init__(f"{code}: {host}")
        self.code = code


def networks_of(text: str) -> tuple[Network, ...]:
    """Networks parted by commas. Raises ``ValueError``."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


class AddressGuard:
    """``own_ports``: of our engines, refused at every address that is not public."""

    def __init__(self, networks: Sequence[Network] = (), own_ports: Collection[int] = ()) -> None:
        self._networks = tuple(networks)
        self._own_ports = frozenset(own_ports)

    async def addresses(self, host: str, port: int, *, is_encrypted: bool) -> list[str]:
        """Where it may be reached. Raises ``AddressRefusedError``."""
        return await asyncio.to_thread(self.look, host, port, is_encrypted)

    def look(self, host: str, port: int, is_encrypted: bool) -> list[str]:
        """The same, blocking."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise AddressRefusedError("no-address", host) from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            self._check(address, port, host, is_encrypted)
        return addresses

    def _check(self, text: str, port: int, host: str, is_encrypted: bool) -> None:
        address = plain(ip_address(text.partition("%")[0]))
        is_local = any(address in network for network in self._networks if network.version == address.version)
        if not is_local and not (address.is_global and not address.is_multicast):
            raise AddressRefusedError("own-network", host)
        if not address.is_global and port in self._own_ports:
            raise AddressRefusedError("own-port", host)
        if not is_encrypted and not is_local:
            raise AddressRefusedError("not-encrypted", host)


def plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address within one of IPv6, where there is one: it is what is reached."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)
