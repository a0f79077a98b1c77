# SPDX-License-Identifier: Apache-2.0
"""The signer's end of the socket. A caller that sends nonsense is hung up on; its fault reaches nobody else."""

import asyncio
import contextlib
import logging
from pathlib import Path

import msgspec

from openmains.app.command.signer.authority import Authority
from openmains.app.command.signer.ports import RegistryAwayError
from openmains.app.command.signing_ports import (
    Credential,
    SignedFrame,
    SignerRefusedError,
    SignRequest,
    ToSign,
    Verdict,
)
from openmains.edges.signer.switch import FileSwitch
from openmains.edges.signer.wire import Answer, SignerRequest, packed, read_request

log = logging.getLogger("openmains.signer")
BACKLOG = 2048  # of all processes that ask; asyncio takes a connection that found no room for one that is open


class SignerServer:
    """Serves until closed; ``path`` is a Unix socket that its group may use."""

    def __init__(self, authority: Authority, switch: FileSwitch, path: Path, key_name: str = "") -> None:
        """``key_name``: of the command key, told to whoever asks; the key itself never leaves this process."""
        self._key_name = key_name
        self._authority = authority
        self._switch = switch
        self._path = path
        self._server: asyncio.Server | None = None
        self._callers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Bind; a socket left over is replaced (the role's lock says that nobody serves it)."""
        self._path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        self._server = await asyncio.start_unix_server(self._serve, str(self._path), backlog=BACKLOG)
        self._path.chmod(0o660)

    async def close(self) -> None:
        """Hang up on everybody."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._callers):
                writer.close()
            await self._server.wait_closed()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers.add(writer)
        coming = asyncio.create_task(read_request(reader))
        try:
            while True:
                ask = await coming
                coming = asyncio.create_task(read_request(reader))  # it ends at once when the caller hangs up
                writer.write(packed(await self._unless_gone(ask, coming)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except msgspec.MsgspecError as error:
            log.warning("a caller sent what is no request: %s", error)
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
            self._callers.discard(writer)
            writer.close()

    async def _unless_gone(self, ask: SignerRequest, coming: "asyncio.Task[SignerRequest]") -> Answer:
        """The answer. Nobody works, or waits for a turn, for a caller that has hung up; what the ledger was told stays."""
        work = asyncio.create_task(self._answer(ask))
        try:
            await asyncio.wait((work, coming), return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and coming.done() and coming.exception() is not None:
                await coming
            return await work
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _answer(self, ask: SignerRequest) -> Answer:
        try:
            return await self._do(ask)
        except SignerRefusedError as error:
            log.info("refused %s of tenant %d, %s: %s", ask.op, ask.tenant_id, ask.login, error.code)
            return Answer(error.code, error.seconds)
        except RegistryAwayError:
            return Answer("away")
        except Exception:  # our own fault: nothing was given out, and the next caller must be served
            log.exception("%s failed", ask.op)
            return Answer("away")

    async def _do(self, ask: SignerRequest) -> Answer:
        authority, person = self._authority, Credential(ask.login, ask.password, ask.address)
        verdicts: list[Verdict] = []
        if ask.op == "check":
            await authority.check(ask.tenant_id, ask.keys, person)
        elif ask.op == "authorise":
            requests = [SignRequest(*request) for request in ask.requests]
            verdicts = await authority.authorise(ask.tenant_id, requests, person)
        elif ask.op == "approve":
            verdicts = await authority.approve(ask.tenant_id, ask.keys, person)
        elif ask.op == "verdicts":
            verdicts = await authority.verdicts(ask.tenant_id, ask.keys)
        elif ask.op == "sign":
            made = await authority.sign(
                [
                    ToSign(tenant_id, SignRequest(key, meter_id, kind, params, not_after), serial)
                    for tenant_id, key, meter_id, kind, params, not_after, serial in ask.wanted
                ]
            )
            verdicts = [item for item in made if isinstance(item, Verdict)]
            signed = [(i.unique_key, i.frame, i.counter) if isinstance(i, SignedFrame) else None for i in made]
            return Answer(verdicts=_told(verdicts), signed=signed)
        elif ask.op == "lift":
            done = await authority.lift(
                ask.tenant_id, ask.meter_id, ask.note, person, Credential(*ask.second, ask.address)
            )
            if done:
                log.warning("safety closing of meter %d lifted by %s and %s", ask.meter_id, ask.login, ask.second[0])
            verdicts = [Verdict("", "lifted")] if done else []
        elif ask.op == "facts":
            found = await authority.facts(ask.tenant_id, new_only=ask.new_only, meter_ids=ask.meter_ids)
            return Answer(facts=found)
        elif ask.op == "sign_facts":
            second = Credential(*ask.second, ask.address) if ask.second[0] else None
            count = await authority.sign_facts(
                ask.tenant_id, ask.keys[0], ask.note, person, second, new_only=ask.new_only, meter_ids=ask.meter_ids
            )
            return Answer(count=count)
        elif ask.op == "key_name":
            verdicts = [Verdict("", self._key_name)]
        elif ask.op == "resume":
            await authority.check_approver(ask.tenant_id, person)
            self._switch.resume(ask.tenant_id)
            log.warning("commands of tenant %d resumed by %s", ask.tenant_id, ask.login)
        else:
            raise SignerRefusedError("no_such_request")
        return Answer(verdicts=_told(verdicts))


def _told(verdicts: list[Verdict]) -> list[tuple[str, str, str]]:
    return [(item.unique_key, item.state, item.reason) for item in verdicts]
