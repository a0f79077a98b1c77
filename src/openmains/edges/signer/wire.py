# SPDX-License-Identifier: Apache-2.0
"""What passes over the signer's socket: four bytes of length, then msgpack. Requests and answers are the structs below."""

import asyncio
from typing import Any

import msgspec

from openmains.app.command.signing_ports import FactsSummary
from openmains.domain.ids import MeterId, TenantId

LARGEST = 64 << 20


class SignerRequest(msgspec.Struct, array_like=True):
    """``op`` names a method of the signer; the others are its arguments."""

    op: str
    tenant_id: TenantId
    login: str = ""
    password: str = ""
    requests: list[tuple[str, MeterId, str, dict[str, Any], int]] = []
    keys: list[str] = []
    wanted: list[tuple[TenantId, str, MeterId, str, dict[str, Any], int, int]] = []
    second: tuple[str, str] = ("", "")  # login and password of the other person, where two sign in at once
    meter_id: MeterId = MeterId(0)
    note: str = ""
    address: str = ""  # of the client, as the API saw it
    new_only: bool = False
    meter_ids: list[MeterId] = []

    def __repr__(self) -> str:  # a password must not get into a log by way of an error
        return f"SignerRequest({self.op!r}, {self.tenant_id})"


class Answer(msgspec.Struct, array_like=True):
    """``error``: '' or the code of a refusal. Of ``sign``: for each wanted frame (key, frame, counter), or null and in its turn
    one of ``verdicts``. ``facts``: where the registry differs from the ledger; ``count``: copies that changed."""

    error: str = ""
    seconds: int = 0
    verdicts: list[tuple[str, str, str]] = []
    signed: list[tuple[str, bytes, int] | None] = []
    facts: FactsSummary | None = None
    count: int = 0


_encode = msgspec.msgpack.Encoder().encode
_requests = msgspec.msgpack.Decoder(SignerRequest)
_answers = msgspec.msgpack.Decoder(Answer)


async def _read(reader: asyncio.StreamReader) -> bytes:
    length = int.from_bytes(await reader.readexactly(4), "big")
    if length > LARGEST:
        raise ConnectionError("message too long")
    return await reader.readexactly(length)


def packed(message: SignerRequest | Answer) -> bytes:
    """Bytes of one message."""
    data = _encode(message)
    return len(data).to_bytes(4, "big") + data


async def read_request(reader: asyncio.StreamReader) -> SignerRequest:
    """Raises ``asyncio.IncompleteReadError`` at the end, ``msgspec.DecodeError`` for anything else."""
    return _requests.decode(await _read(reader))


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """The same for the other end."""
    return _answers.decode(await _read(reader))
