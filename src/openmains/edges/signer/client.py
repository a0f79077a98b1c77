# SPDX-License-Identifier: Apache-2.0
"""``Signer`` over the socket: one connection, requests one after the other, opened anew when it breaks."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from openmains.app.command.signing_ports import (
    Credential,
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


class SocketSigner:
    """Use it from one event loop. Every request may be repeated: answers go by unique keys."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._lock = asyncio.Lock()
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def close(self) -> None:
        """Hang up."""
        if self._open is not None:
            self._open[1].close()
            self._open = None

    async def authorise(
        self, tenant_id: TenantId, requests: Sequence[SignRequest], operator: Credential
    ) -> list[Verdict]:
        asked = [_row(request) for request in requests]
        return _verdicts(
            await self._ask(SignerRequest("authorise", tenant_id, operator.login, operator.password, asked))
        )

    async def approve(self, tenant_id: TenantId, unique_keys: Sequence[str], approver: Credential) -> list[Verdict]:
        keys = list(unique_keys)
        return _verdicts(
            await self._ask(SignerRequest("approve", tenant_id, approver.login, approver.password, keys=keys))
        )

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
        await self._ask(SignerRequest("resume", tenant_id, approver.login, approver.password))

    async def lift(
        self, tenant_id: TenantId, meter_id: MeterId, note: str, inspector: Credential, approver: Credential
    ) -> bool:
        asked = SignerRequest(
            "lift", tenant_id, inspector.login, inspector.password, second=(approver.login, approver.password),
            meter_id=meter_id, note=note,
        )  # fmt: skip
        return bool(_verdicts(await self._ask(asked)))

    async def _ask(self, ask: SignerRequest) -> Answer:
        async with self._lock:
            for attempt in range(2):
                try:
                    async with asyncio.timeout(PATIENCE_S):
                        if self._open is None:
                            self._open = await asyncio.open_unix_connection(self._path)
                        reader, writer = self._open
                        writer.write(packed(ask))
                        await writer.drain()
                        answer = await read_answer(reader)
                        break
                except (OSError, TimeoutError, asyncio.IncompleteReadError, msgspec.MsgspecError) as error:
                    await self.close()  # a signer that was started anew is there at the second attempt
                    if attempt or isinstance(error, TimeoutError | FileNotFoundError):
                        raise SignerAwayError(str(error)) from error
        if answer.error == "away":
            raise SignerAwayError("the signer cannot read the registry")
        if answer.error:
            raise SignerRefusedError(answer.error, answer.seconds)
        return answer


def _row(request: SignRequest) -> tuple[str, MeterId, str, dict[str, Any], int]:
    return request.unique_key, request.meter_id, request.kind, dict(request.params), request.not_after


def _verdicts(answer: Answer) -> list[Verdict]:
    return [Verdict(*item) for item in answer.verdicts]
