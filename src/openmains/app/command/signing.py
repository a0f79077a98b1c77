# SPDX-License-Identifier: Apache-2.0
"""Ask the signer on behalf of a person. What it says of the person, and that it is away, reaches them as a problem."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from msgspec import Struct

from openmains.app.command.model import SignerLogin
from openmains.app.command.signing_ports import (
    Credential,
    FactsSummary,
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
from openmains.domain.ids import MeterId

T = TypeVar("T")


class KeyVerdict(Struct, frozen=True):
    """The signer's word about one command or a line of a batch."""

    unique_key: str
    state: str
    reason: str


async def check_person(signer: Signer | None, actor: Actor, kinds: Sequence[str], person: SignerLogin) -> None:
    """Before anything is written: whether the signer knows this person and lets him ask for these kinds. Raises as ``authorise``."""
    await _ask(signer, lambda there: there.check(actor.tenant_id, kinds, _credential(actor, person)))


async def authorise(
    signer: Signer | None, actor: Actor, requests: Sequence[SignRequest], person: SignerLogin
) -> list[Verdict]:
    """A verdict for each request. Raises ``signer-refused``, ``sign-in-locked``, ``key-used``, ``signer-away``."""
    return await _ask(signer, lambda there: there.authorise(actor.tenant_id, requests, _credential(actor, person)))


async def approve(
    store: Store, signer: Signer | None, actor: Actor, unique_keys: Sequence[str], what: str, object_id: int, person: SignerLogin
) -> list[KeyVerdict]:  # fmt: skip
    """A second person agrees at the signer, which is written down; raises as ``authorise``."""
    verdicts = await _ask(signer, lambda there: there.approve(actor.tenant_id, unique_keys, _credential(actor, person)))
    counts = Counter(verdict.state for verdict in verdicts)
    async with store.tenant(actor.tenant_id) as work:
        await work[AuditTrail].record(actor, "approve_commands", what, object_id, None, {"by": person.login, **counts})
    return [KeyVerdict(verdict.unique_key, verdict.state, verdict.reason) for verdict in verdicts]


async def facts(
    signer: Signer | None, actor: Actor, *, new_only: bool, meter_ids: Sequence[MeterId]
) -> FactsSummary:  # fmt: skip
    """Where the registry differs from what persons signed. Raises ``signer-away``."""
    return await _ask(signer, lambda there: there.facts(actor.tenant_id, new_only=new_only, meter_ids=meter_ids))


async def sign_facts(
    signer: Signer | None, actor: Actor, list_hash: str, reason: str, person: SignerLogin, second: SignerLogin | None, *,
    new_only: bool, meter_ids: Sequence[MeterId],
) -> int:  # fmt: skip
    """Persons sign a list of facts; how many copies changed. Raises as ``authorise``, ``facts-changed``, ``facts-need-two``."""
    first, other = _credential(actor, person), None if second is None else _credential(actor, second)
    return await _ask(
        signer,
        lambda there: there.sign_facts(
            actor.tenant_id, list_hash, reason, first, other, new_only=new_only, meter_ids=meter_ids
        ),
    )


async def resume(signer: Signer | None, actor: Actor, person: SignerLogin) -> None:
    """End the utility's stop; raises as ``authorise``."""
    await _ask(signer, lambda there: there.resume(actor.tenant_id, _credential(actor, person)))


async def lift(
    signer: Signer | None,
    actor: Actor,
    meter_id: MeterId,
    note: str,
    inspector: SignerLogin,
    approver: SignerLogin,
) -> bool:
    """Two persons end a meter's safety closing; False: the signer knows of none. Raises as ``authorise``."""
    first, second = _credential(actor, inspector), _credential(actor, approver)
    return await _ask(signer, lambda there: there.lift(actor.tenant_id, meter_id, note, first, second))


async def _ask(signer: Signer | None, question: Callable[[Signer], Awaitable[T]]) -> T:
    try:
        if signer is None:
            raise SignerAwayError
        return await question(signer)
    except SignerRefusedError as error:
        raise _refused(error) from error
    except SignerAwayError as error:
        raise Problem("signer-away", retry_after_s=5) from error


def _credential(actor: Actor, person: SignerLogin) -> Credential:
    """Raises ``persons-only`` for an application: it signs nothing, with nobody's password."""
    if actor.kind == "application":
        raise Problem("persons-only")
    return Credential(person.login, person.password, actor.address)


def _refused(error: SignerRefusedError) -> Problem:
    if error.code == "locked":
        return Problem("sign-in-locked", retry_after_s=error.seconds)
    if error.code == "key_used":
        return Problem("key-used", fields=(("/unique_key", "not-accepted"),))
    if error.code == "not_an_administrator":
        return Problem("signer-administrator-needed")
    if error.code == "list_changed":
        return Problem("facts-changed")
    if error.code == "facts_busy":
        return Problem("facts-busy", retry_after_s=error.seconds)
    if error.code == "facts_need_two":
        return Problem("facts-need-two")
    return Problem("signer-refused", why=error.code)
