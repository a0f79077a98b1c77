# SPDX-License-Identifier: Apache-2.0
"""Persons sign what the signer's rules rest on: what meters and utilities are. One act for a whole import, named by the hash of its list."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from openmains.app.command.model import SignerLogin
from openmains.app.command.signing import facts, sign_facts
from openmains.app.command.signing_ports import FactsSummary, Signer
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId


class NewFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """The act. ``list_hash`` as ``list_facts`` gave it, for the same ``new_only`` and ``meter_ids``; ``second`` where two are needed."""

    list_hash: Annotated[str, Meta(min_length=64, max_length=64, pattern="^[0-9a-f]*$")]
    reason: Annotated[str, Meta(min_length=1, max_length=400)]
    signer: SignerLogin
    second: SignerLogin | None = None
    new_only: bool = False
    meter_ids: Annotated[list[Annotated[int, Meta(ge=1)]], Meta(max_length=1_000)] = []


class FactsResult(Struct, frozen=True):
    """How many of the signer's copies changed."""

    count: int


async def list_facts(
    signer: Signer | None, actor: Actor, *, new_only: bool, meter_ids: Sequence[MeterId]
) -> FactsSummary:  # fmt: skip
    """Where the registry differs from what was signed. Raises ``signer-away``."""
    return await facts(signer, actor, new_only=new_only, meter_ids=meter_ids)


async def sign_new_facts(store: Store, signer: Signer | None, actor: Actor, wanted: NewFacts) -> FactsResult:
    """Raises ``facts-changed`` when the registry says something else by now, ``facts-need-two``, and what the signer says of the
    persons. It is in the trail, without passwords."""
    count = await sign_facts(
        signer, actor, wanted.list_hash, wanted.reason, wanted.signer, wanted.second, new_only=wanted.new_only,
        meter_ids=[MeterId(meter_id) for meter_id in wanted.meter_ids],
    )  # fmt: skip
    after = {
        "by": wanted.signer.login,
        "second": "" if wanted.second is None else wanted.second.login,
        "count": count,
        "list_hash": wanted.list_hash,
    }
    async with store.tenant(actor.tenant_id) as work:
        await work[AuditTrail].record(actor, "sign_facts", "command", "facts", None, after, reason=wanted.reason)
    return FactsResult(count)
