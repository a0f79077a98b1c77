# SPDX-License-Identifier: Apache-2.0
"""Ask the signer on behalf of a person. What it says of the person, and that it is away, reaches them as a problem."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from msgspec import Struct

from openmains.app.command.model import SignerLogin
from openmains.app.command.signing_ports import (
    Credential,
    Signer,
    SignerAwayError,
    SignerRefusedError,
    SignRequest,
    Verdict,
)
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId, TenantId

T = TypeVar("T")


class KeyVerdict(Struct, frozen=True):
    """The signer's word about one command or a line of a batch."""

    unique_key: str
    state: str
    reason: str


async def authorise(
    signer: Signer | None, tenant_id: TenantId, requests: Sequence[SignRequest], person: SignerLogin
) -> list[Verdict]:
    """A verdict for each request. Raises ``signer-refused``, ``sign-in-locked``, ``key-used``, ``signer-away``."""
    return await _ask(signer, lambda there: there.authorise(tenant_id, requests, _credential(person)))


async def approve(
    store: Store, signer: Signer | None, actor: Actor, unique_keys: Sequence[str], what: str, object_id: int, person: SignerLogin
) -> list[KeyVerdict]:  # fmt: skip
    """A second person agrees at the signer, which is written down; raises as ``authorise``."""
    verdicts = await _ask(signer, lambda there: there.approve(actor.tenant_id, unique_keys, _credential(person)))
    counts = Counter(verdict.state for verdict in verdicts)
    async with store.tenant(actor.tenant_id) as work:
        await work[AuditTrail].record(actor, "approve_commands", what, object_id, None, {"by": person.login, **counts})
    return [KeyVerdict(verdict.unique_key, verdict.state, verdict.reason) for verdict in verdicts]


async def resume(signer: Signer | None, tenant_id: TenantId, person: SignerLogin) -> None:
    """End the utility's stop; raises as ``authorise``."""
    await _ask(signer, lambda there: there.resume(tenant_id, _credential(person)))


async def lift(
    signer: Signer | None,
    tenant_id: TenantId,
    meter_id: MeterId,
    note: str,
    inspector: SignerLogin,
    approver: SignerLogin,
) -> bool:
    """Two persons end a meter's safety closing; False: the signer knows of none. Raises as ``authorise``."""
    return await _ask(
        signer, lambda there: there.lift(tenant_id, meter_id, note, _credential(inspector), _credential(approver))
    )


async def _ask(signer: Signer | None, question: Callable[[Signer], Awaitable[T]]) -> T:
    try:
        if signer is None:
            raise SignerAwayError
        return await question(signer)
    except SignerRefusedError as error:
        raise _refused(error) from error
    except SignerAwayError as error:
        raise Problem("signer-away", retry_after_s=5) from error


def _credential(person: SignerLogin) -> Credential:
    return Credential(person.login, person.password)


def _refused(error: SignerRefusedError) -> Problem:
    if error.code == "locked":
        return Problem("sign-in-locked", retry_after_s=error.seconds)
    if error.code == "key_used":
        return Problem("key-used", fields=(("/unique_key", "not-accepted"),))
    if error.code == "not_an_administrator":
        return Problem("signer-administrator-needed")
    return Problem("signer-refused", why=error.code)
