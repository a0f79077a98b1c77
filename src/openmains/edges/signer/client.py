# SPDX-License-Identifier: Apache-2.0
"""``Signer`` over the socket: a connection for each question under way, opened anew when it breaks."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from openmains.app.command.signing_ports import (
    Credential,
    FactsSummary,
    SignedFrame,
    SignerAwayError,
    SignerRefusedError,
    SignRequest,
    ToSign,
    Verdict,
)
from openmains.domain.ids import MeterId, TenantId
from openmains.edges.signer.wire import Answer, SignerRequest, packed, read_answer

PATIENCE_S = 20.0
COMPARE_S = 300.0  # for a look at a whole registry
MOST_OPEN = 256  # questions at once
MOST_COMPARING = 16  # looks at registries, beside them


class SocketSigner:
    """Use it from one event loop. Every request may be repeated: answers go by unique keys. Questions do not wait for each other:
    each has a connection for itself, which is kept for the next; who is cancelled hangs up. ``patience_s``: for an answer."""

    def __init__(self, path: Path, *, patience_s: float = PATIENCE_S) -> None:
        self._path = str(path)
        self._patience_s = patience_s
        self._room = asyncio.Semaphore(MOST_OPEN)
        self._room_to_compare = asyncio.Semaphore(MOST_COMPARING)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def close(self) -> None:
        """Hang up."""
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()

    async def check(self, tenant_id: TenantId, kinds: Sequence[str], operator: Credential) -> None:
        await self._ask(_of("check", tenant_id, operator, keys=list(kinds)))

    async def authorise(
        self, tenant_id: TenantId, requests: Sequence[SignRequest], operator: Credential
    ) -> list[Verdict]:
        asked = [_row(request) for request in requests]
        return _verdicts(await self._ask(_of("authorise", tenant_id, operator, requests=asked)))

    async def approve(self, tenant_id: TenantId, unique_keys: Sequence[str], approver: Credential) -> list[Verdict]:
        return _verdicts(await self._ask(_of("approve", tenant_id, approver, keys=list(unique_keys))))

    async def verdicts(self, tenant_id: TenantId, unique_keys: Sequence[str]) -> list[Verdict]:
        return _verdicts(await self._ask(SignerRequest("verdicts", tenant_id, keys=list(unique_keys))))

    async def sign(self, wanted: Sequence[ToSign]) -> list[SignedFrame | Verdict]:
        if not wanted:
            return []
        rows = [(item.tenant_id, *_row(item.request), item.serial) for item in wanted]
        answer = await self._ask(SignerRequest("sign", TenantId(0), wanted=rows))
        refusals = iter(_verdicts(answer))
        return [next(refusals) if item is None else SignedFrame(*item) for item in answer.signed]

    async def key_name(self) -> str:
        """Name of the command key; that it answers tells that it is there."""
        return _verdicts(await self._ask(SignerRequest("key_name", TenantId(0))))[0].state

    async def resume(self, tenant_id: TenantId, approver: Credential) -> None:
        await self._ask(_of("resume", tenant_id, approver))

    async def lift(
        self, tenant_id: TenantId, meter_id: MeterId, note: str, inspector: Credential, approver: Credential
    ) -> bool:
        second = (approver.login, approver.password)
        return bool(
            _verdicts(await self._ask(_of("lift", tenant_id, inspector, second=second, meter_id=meter_id, note=note)))
        )

    async def facts(
        self, tenant_id: TenantId, *, new_only: bool = False, meter_ids: Sequence[MeterId] = ()
    ) -> FactsSummary:
        asked = SignerRequest("facts", tenant_id, new_only=new_only, meter_ids=list(meter_ids))
        found = (await self._ask(asked, COMPARE_S)).facts
        if found is None:
            raise SignerAwayError("it is of another version")
        return found

    async def sign_facts(
        self, tenant_id: TenantId, list_hash: str, reason: str, operator: Credential, second: Credential | None, *,
        new_only: bool = False, meter_ids: Sequence[MeterId] = (),
    ) -> int:  # fmt: skip
        asked = _of(
            "sign_facts", tenant_id, operator, keys=[list_hash], note=reason, new_only=new_only, meter_ids=list(meter_ids),
            second=("", "") if second is None else (second.login, second.password),
        )  # fmt: skip
        return (await self._ask(asked, COMPARE_S)).count

    async def _ask(self, ask: SignerRequest, compare_s: float | None = None) -> Answer:
        async with self._room if compare_s is None else self._room_to_compare:
            answer = await self._answered(ask, compare_s or self._patience_s)
        if answer.error == "away":
            raise SignerAwayError("the signer cannot read the registry")
        if answer.error:
            raise SignerRefusedError(answer.error, answer.seconds)
        return answer

    async def _answered(self, ask: SignerRequest, patience_s: float) -> Answer:
        """One question on a connection of its own. A kept connection may be dead by now: then once more on a new one."""
        while True:
            kept = self._idle.pop() if self._idle else None
            try:
                async with asyncio.timeout(patience_s):
                    reader, writer = kept or await asyncio.open_unix_connection(self._path)
                    try:
                        writer.write(packed(ask))
                        await writer.drain()
                        answer = await read_answer(reader)
                    except BaseException:
                        writer.close()  # or its answer would be taken for the next one's
                        raise
            except (OSError, TimeoutError, asyncio.IncompleteReadError, msgspec.MsgspecError) as error:
                await self.close()  # those kept beside it are no better
                if kept is None or isinstance(error, TimeoutError):
                    raise SignerAwayError(str(error)) from error
                continue
            self._idle.append((reader, writer))
            return answer


def _of(op: str, tenant_id: TenantId, person: Credential, **more: Any) -> SignerRequest:
    return SignerRequest(op, tenant_id, person.login, person.password, address=person.address, **more)


def _row(request: SignRequest) -> tuple[str, MeterId, str, dict[str, Any], int]:
    return request.unique_key, request.meter_id, request.kind, dict(request.params), request.not_after


def _verdicts(answer: Answer) -> list[Verdict]:
    return [Verdict(*item) for item in answer.verdicts]
