# SPDX-License-Identifier: Apache-2.0
"""Message brokers of other systems: a connection to each is kept while events follow each other, and left after ``IDLE_S``.

An event that fails on a connection that stood idle is tried once more on a new one: brokers and firewalls forget the idle. More tries
are the push loop's. A reason of a failure names the host and never a password.
"""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Protocol

from openmains.app.notice.brokers import ENCRYPTED, MQTT, BrokerMessage
from openmains.app.notice.shapes.talk import Outcome, Refused
from openmains.edges.notify import broker_mqtt, broker_nats
from openmains.edges.notify.guard import AddressGuard, AddressRefusedError

IDLE_S = 20.0
WHOLE_S = 20.0
_Key = tuple[str, str, int, str, str, str]


class BrokerConnection(Protocol):
    """Signed in. After a failure it is closed and not used again."""

    async def send(self, message: BrokerMessage) -> Outcome:
        """Raises ``OSError`` or ``BrokerSilentError`` where no answer came."""

    async def close(self) -> None: ...


@dataclass(slots=True)
class _Kept:
    connection: BrokerConnection
    leaving: asyncio.TimerHandle


class Brokers:
    """``BrokerLink``; close it. ``context``: of TLS; ``whole_s``: of one event."""

    def __init__(self, guard: AddressGuard, context: ssl.SSLContext | None = None, whole_s: float = WHOLE_S) -> None:
        self._guard = guard
        self._context = context or ssl.create_default_context()
        self._whole_s = whole_s
        self._kept: dict[_Key, _Kept] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """No event after this."""
        for key in list(self._kept):
            await self._leave(key)
        await asyncio.gather(*self._leaving, return_exceptions=True)

    async def publish(self, message: BrokerMessage) -> Outcome:
        """Taken, or why not. Refused for good where the address may not be called."""
        key = (message.scheme, message.host, message.port, message.login, message.password, message.client)
        kept = self._kept.pop(key, None)
        if kept is not None:
            kept.leaving.cancel()
            outcome = await self._try(key, message, kept.connection)
            if not isinstance(outcome, Refused) or outcome.status is not None:
                return outcome
        return await self._try(key, message, None)

    async def _try(self, key: _Key, message: BrokerMessage, connection: BrokerConnection | None) -> Outcome:
        """``status`` of a refusal: the broker's own word; without one the connection is lost."""
        try:
            async with asyncio.timeout(self._whole_s):
                if connection is None:
                    opened = await self._open(message)
                    if isinstance(opened, Refused):
                        return opened
                    connection = opened
                outcome = await connection.send(message)
        except AddressRefusedError as error:
            outcome = Refused(str(error), is_final=error.code != "no-address")
        except TimeoutError:
            outcome = Refused(f"timeout: {message.host}")
        except ssl.SSLError as error:
            outcome = Refused(f"TLS: {message.host}: {error.reason or type(error).__name__}")
        except OSError as error:
            outcome = Refused(f"{type(error).__name__}: {message.host}")
        except BaseException:
            if connection is not None:
                await connection.close()
            raise
        if connection is None:
            return outcome
        if isinstance(outcome, Refused) and outcome.status is None:
            await connection.close()
        else:
            self._keep(key, connection)
        return outcome

    async def _open(self, message: BrokerMessage) -> BrokerConnection | Refused:
        encrypted = message.scheme in ENCRYPTED
        addresses = await self._guard.addresses(message.host, message.port, is_encrypted=encrypted)
        context = self._context if encrypted else None
        opener = broker_mqtt.opened if message.scheme in MQTT else broker_nats.opened
        failed: OSError = ConnectionError("no address")
        for address in addresses:
            try:
                return await opener(address, message, context)
            except OSError as error:
                failed = error
        raise failed

    def _keep(self, key: _Key, connection: BrokerConnection) -> None:
        leaving = asyncio.get_running_loop().call_later(IDLE_S, self._leave_soon, key)
        self._kept[key] = _Kept(connection, leaving)

    def _leave_soon(self, key: _Key) -> None:
        task = asyncio.create_task(self._leave(key))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _leave(self, key: _Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            kept.leaving.cancel()
            await kept.connection.close()
