# SPDX-License-Identifier: Apache-2.0
"""A connection to another system's NATS: each event goes into a JetStream stream, which says that it keeps it.

``Nats-Msg-Id`` is the event's id, so a stream drops what it has within its window. The library follows other servers that a server
names and begins unencrypted where a server does not ask for TLS; neither is let through: it never reconnects by itself, and its password is
given only to an encrypted connection.
"""

import asyncio
import ssl

import nats.errors
import nats.js.errors
from nats.aio.client import Client

from openmains.app.notice.brokers import BrokerMessage
from openmains.app.notice.shapes.talk import MOST_REASON, Accepted, Outcome, Refused
from openmains.edges.notify.guard import AddressRefusedError

CONNECT_S = 5
ACK_S = 10.0
_WRONG, _OTHER = 413, 503


async def opened(address: str, message: BrokerMessage, context: ssl.SSLContext | None) -> "NatsConnection | Refused":
    """Signed in, or why not. Raises ``OSError``."""
    client = Client()
    said: list[str] = []

    async def hear(error: Exception) -> None:
        """What no call raises: that a subject is forbidden comes beside the silence of the one that waits."""
        said[:] = [str(error).removeprefix("nats: ")]

    def password() -> str:
        _hold_encrypted(client, message, context)
        return message.password

    host = f"[{address}]" if ":" in address else address
    try:
        async with asyncio.timeout(CONNECT_S):
            await client.connect(
                f"nats://{host}:{message.port}",
                user=message.login or None,
                password=password if message.login else None,
                name=message.client,
                tls=context,
                tls_hostname=message.host if context else None,
                allow_reconnect=False,
                max_reconnect_attempts=0,
                connect_timeout=CONNECT_S,
                error_cb=hear,
            )
        _hold_encrypted(client, message, context)
    except nats.errors.Error as error:
        _hang_up(client)
        return Refused(f"NATS {error}: {message.host}"[:MOST_REASON])
    except BaseException:
        _hang_up(client)
        raise
    return NatsConnection(client, said)


class NatsConnection:
    """``BrokerConnection``."""

    def __init__(self, client: Client, said: list[str]) -> None:
        self._client = client
        self._said = said

    async def send(self, message: BrokerMessage) -> Outcome:
        if len(message.body) + 1024 > self._client.max_payload:
            return Refused(f"larger than the server takes ({self._client.max_payload} B)", status=_WRONG)
        headers = {"Nats-Msg-Id": message.key, "Content-Type": message.content_type}
        try:
            ack = await self._client.jetstream().publish(message.where, message.body, timeout=ACK_S, headers=headers)
        except nats.js.errors.NoStreamResponseError:
            return Refused(f"no stream keeps the subject {message.where}", status=_OTHER)
        except nats.js.errors.APIError as error:
            return Refused(f"JetStream {error.err_code}: {error.description}"[:MOST_REASON], status=_OTHER)
        except nats.errors.TimeoutError:
            return Refused(f"timeout: {message.host} {' '.join(self._said)}".strip()[:MOST_REASON])
        except (nats.errors.Error, ValueError) as error:
            return Refused(f"NATS {type(error).__name__}: {message.host}"[:MOST_REASON])
        return Accepted(f"{ack.stream}:{ack.seq}")

    async def close(self) -> None:
        try:
            async with asyncio.timeout(2):
                await self._client.close()
        except (nats.errors.Error, OSError):
            _hang_up(self._client)


def _hold_encrypted(client: Client, message: BrokerMessage, context: ssl.SSLContext | None) -> None:
    if context is None:
        return
    writer = getattr(client._transport, "_io_writer", None)
    if writer is None or writer.get_extra_info("ssl_object") is None:
        raise AddressRefusedError("not-encrypted", message.host)


def _hang_up(client: Client) -> None:
    if client._transport is not None:
        client._transport.close()  # type: ignore[no-untyped-call]  # the library gives it no types
