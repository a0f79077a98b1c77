# SPDX-License-Identifier: Apache-2.0
"""How a backup asks the core for its moment, on the stream's server: only the administrator's account may ask (run/engines/nats_users.py).

    hold       no batch is between the stores; no other begins; the stream forgets nothing
    freeze     ClickHouse's parts of the moment are set aside; answers with the tables' definitions
    release    the pipeline goes on; the stream still forgets nothing
    forget     the messages are copied: the stream forgets again what is applied
    keep       the asker is still there
    finish     over: what was set aside is removed

Who asks is bound to its name. An asker that falls silent is forgotten after the lease, with everything undone: a backup that was
killed leaves no trace in the running system.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

SUBJECT = "backup"
LEASE_S = 20.0  # of the asker; it says `keep` every few seconds
ANSWER_S = 120.0  # a batch of a slow disk, and the freezing of many parts
Step = Literal["hold", "freeze", "release", "forget", "keep", "finish"]
log = logging.getLogger("openmains.backup")


class MomentError(Exception):
    """It cannot be had now; the text says why."""


class FrozenTable(msgspec.Struct, frozen=True):
    """A table of ClickHouse: name, the statement that makes it, whether it holds rows of its own, and where its parts lie."""

    name: str
    definition: str
    stores: bool
    folder: str


class MomentRequest(msgspec.Struct, frozen=True):
    """One step by one asker."""

    step: Step
    name: str


class MomentAnswer(msgspec.Struct, frozen=True):
    """``fault`` empty: done."""

    fault: str = ""
    tables: list[FrozenTable] = []


class Gate(Protocol):
    """The pipeline's."""

    forgets: bool

    async def close(self) -> None: ...
    async def open(self) -> None: ...


class Freezer(Protocol):
    """The embedded ClickHouse's."""

    async def freeze(self, name: str) -> list[FrozenTable]: ...
    async def unfreeze(self, name: str) -> None: ...


class MomentKeeper:
    """The core's side. ``start`` it; ``close`` undoes what is held."""

    def __init__(self, client: Client, gate: Gate, freezer: Freezer, lease_s: float = LEASE_S) -> None:
        self._client, self._gate, self._freezer, self._lease_s = client, gate, freezer, lease_s
        self._name = ""
        self._frozen = False
        self._ending: asyncio.TimerHandle | None = None
        self._work: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Listen."""
        await self._client.subscribe(SUBJECT, cb=self._on_message)

    async def close(self) -> None:
        """Undo everything; at the core's end."""
        async with self._turn:
            await self._end()

    async def _on_message(self, message: Msg) -> None:
        try:
            request = msgspec.json.decode(message.data, type=MomentRequest)
        except msgspec.DecodeError as error:
            answer = MomentAnswer(f"not understood: {error}")
        else:
            async with self._turn:
                answer = await self._answer(request)
        with contextlib.suppress(NatsError):
            await message.respond(msgspec.json.encode(answer))

    async def _answer(self, request: MomentRequest) -> MomentAnswer:
        if request.step == "hold":
            if self._name and self._name != request.name:
                return MomentAnswer("another backup is being taken")
            self._name = request.name
        elif request.name != self._name:
            return MomentAnswer(
                "the core knows nothing of this backup any more: it was started anew or heard nothing for long"
            )
        self._renew()
        try:
            tables = await self._step(request)
        except Exception as error:  # whatever it is, the asker hears it and the pipeline goes on
            log.exception("backup %s: %s failed", request.name, request.step)
            await self._end()
            return MomentAnswer(f"{type(error).__name__}: {error}")
        return MomentAnswer(tables=tables)

    async def _step(self, request: MomentRequest) -> list[FrozenTable]:
        match request.step:
            case "hold":
                self._gate.forgets = False
                await asyncio.wait_for(self._gate.close(), ANSWER_S / 2)
            case "freeze":
                self._frozen = True
                return await self._freezer.freeze(request.name)
            case "release":
                await self._gate.open()
            case "forget":
                self._gate.forgets = True
            case "finish":
                await self._end()
            case "keep":
                pass
        return []

    def _renew(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
        self._ending = asyncio.get_running_loop().call_later(self._lease_s, self._on_silence)

    def _on_silence(self) -> None:
        log.warning("backup %s: nothing was heard for %g s, it is over", self._name, self._lease_s)
        task = asyncio.get_running_loop().create_task(self.close())
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _end(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        name, self._name, frozen, self._frozen = self._name, "", self._frozen, False
        await self._gate.open()
        self._gate.forgets = True
        if frozen:
            try:
                await self._freezer.unfreeze(name)
            except Exception:  # it only costs room, until the next start
                log.exception("backup %s: what was set aside stays for now", name)


class MomentRequester:
    """The backup's side, over a connection of the administrator's account."""

    def __init__(self, client: Client, name: str) -> None:
        self._client, self._name = client, name

    async def ask(self, step: Step) -> MomentAnswer:
        """Done when it returns; raises ``MomentError``."""
        data = msgspec.json.encode(MomentRequest(step, self._name))
        try:
            answer = await self._client.request(SUBJECT, data, timeout=ANSWER_S)
        except NoRespondersError:
            raise MomentError("the core does not run") from None
        except (NatsError, TimeoutError, OSError) as error:
            raise MomentError(f"the core does not answer: {type(error).__name__}") from error
        found = msgspec.json.decode(answer.data, type=MomentAnswer)
        if found.fault:
            raise MomentError(found.fault)
        return found

    async def keep_asking(self, every_s: float, failed: Callable[[MomentError], Awaitable[None]]) -> None:
        """``keep`` until cancelled or refused."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.ask("keep")
            except MomentError as error:
                await failed(error)
                return
