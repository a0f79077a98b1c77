# SPDX-License-Identifier: Apache-2.0
"""One question to the edge that holds a meter's session, and its answer (``app/command/device_management/messages.py``).

Where the session is, is asked of all edges first: a meter that has moved has an old session elsewhere, and an operation must
not be done twice. The edge that heard it last is asked; its name is remembered for a while.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeoutError

from openmains.app.command.device_management.messages import (
    ANY_NODE,
    Answer,
    Kind,
    OperationRequest,
    Outcome,
    decode_answer,
    decode_request,
    encode,
)

FIRST_S, MORE_S = 1.0, 0.15  # for the first edge to speak up, and for others after it
KNOWN_S, KNOWN = 60.0, 100_000
SLACK_S = 2.0


class OperateBus:
    """``app.command.device_management.operations.MeterLink`` of an API process."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._nodes: OrderedDict[int, tuple[int, float]] = OrderedDict()

    async def ask(self, ask: OperationRequest) -> Answer:
        """Raises ``OSError`` when an edge that has the session says nothing at all, or nobody can be asked."""
        try:
            return await self._ask(ask)
        except NatsError as error:
            raise OSError(f"the edges cannot be asked: {type(error).__name__}") from error

    async def _ask(self, ask: OperationRequest) -> Answer:
        known = self._nodes.get(ask.imei)
        if known is not None and self._clock() - known[1] < KNOWN_S:
            answer = await self._of(known[0], ask)
            if answer.outcome is not Outcome.NOT_HERE:
                return answer
        node = await self._where(ask.imei)
        if node is None:
            self._nodes.pop(ask.imei, None)
            return Answer(Outcome.NOT_HERE)
        self._nodes[ask.imei] = node, self._clock()
        self._nodes.move_to_end(ask.imei)
        if len(self._nodes) > KNOWN:
            self._nodes.popitem(last=False)
        return await self._of(node, ask)

    async def _of(self, node: int, ask: OperationRequest) -> Answer:
        try:
            said = await self._client.request(f"operate.{node}", encode(ask), timeout=ask.limit_s + SLACK_S)
        except NoRespondersError:
            return Answer(Outcome.NOT_HERE)
        return decode_answer(said.data)

    async def _where(self, imei: int) -> int | None:
        inbox = self._client.new_inbox()
        found: list[Answer] = []
        listening = await self._client.subscribe(inbox)
        try:
            await self._client.publish(f"operate.{ANY_NODE}", encode(OperationRequest(Kind.WHERE, imei)), reply=inbox)
            wait = FIRST_S
            while True:
                said = await listening.next_msg(timeout=wait)
                if not said.data:  # the server's word that nobody listens
                    break
                found.append(decode_answer(said.data))
                wait = MORE_S
        except (NatsTimeoutError, NoRespondersError):
            pass
        finally:
            await listening.unsubscribe()
        return max(found, key=lambda one: one.heard_us).node if found else None


async def listen_operate(
    client: Client, node: int, take: Callable[[OperationRequest, Callable[[Answer], None]], None]
) -> None:
    """At an edge: give what is asked to ``take``, and send what it replies."""
    sending: set[asyncio.Task[None]] = set()

    async def on_message(message: Msg) -> None:
        try:
            ask = decode_request(message.data)
        except msgspec.MsgspecError:
            return  # not ours; the asker's time limit tells it

        def reply(answer: Answer) -> None:
            task = asyncio.get_running_loop().create_task(message.respond(encode(answer)))
            sending.add(task)
            task.add_done_callback(sending.discard)

        take(ask, reply)

    for subject in (node, ANY_NODE):
        await client.subscribe(f"operate.{subject}", cb=on_message)
