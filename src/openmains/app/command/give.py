# SPDX-License-Identifier: Apache-2.0
"""Give a command, call it off, approve it. The rules are asked here to answer early; the signer asks them again for itself."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from openmains.app.command.driver import CommandDrivers
from openmains.app.command.model import CommandDetail, NewCommand, Second, SettingTimes
from openmains.app.command.ports import (
    CommandStore,
    Credential,
    Draft,
    Signer,
    SignerAwayError,
    SignerRefusedError,
    SignRequest,
    StopSwitch,
    Target,
    Verdict,
)
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.command.kinds import RULES, Kind, KindRule, Times, rule_of
from openmains.domain.command.order import slot_of
from openmains.domain.identity.role import Role, covers


class Given(Struct, frozen=True):
    """A command that was given. ``verdict``: what the signer says of a signed kind, else ''; ``reason`` a short code."""

    command: CommandDetail
    verdict: str = ""
    reason: str = ""


class KeyVerdict(Struct, frozen=True):
    """The signer's word about one command or a line of a batch."""

    unique_key: str
    state: str
    reason: str


def content_of(meter_id: int, kind: str, params: Mapping[str, Any]) -> bytes:
    """SHA-256 over what a command means: its key again must mean the same."""
    return hashlib.sha256(msgspec.json.encode([meter_id, kind, dict(params)], order="sorted")).digest()


def check_params(drivers: CommandDrivers, driver_name: str, kind: Kind, params: Mapping[str, Any]) -> None:
    """Raises ``no-such-command`` or ``invalid-input`` as the driver would refuse it."""
    driver = drivers.command_driver(driver_name)
    if driver is None or kind not in driver.command_kinds:
        raise Problem("no-such-command")
    try:
        driver.command_body(kind, params, serial=1, counter=1, not_after=2**31)
    except ValueError as error:
        raise Problem("invalid-input", fields=(("/params", "not-accepted"),)) from error


def check_role(actor: Actor, kind: Kind) -> None:
    """Raises ``not-allowed`` for kinds that only administrators give."""
    if RULES[kind].for_administrators and not covers(actor.role, Role.ADMINISTRATOR):
        raise Problem("not-allowed", needed=Role.ADMINISTRATOR.value)


def times_for(times: Sequence[SettingTimes], kind: Kind, product_id: int) -> KindRule:
    """The kind's rule for a product: the tenant's times, the product's own over them."""
    found = {t.product_id: Times(t.validity_s, t.attempts, t.pause_s) for t in times if t.kind is kind}
    return rule_of(kind, found.get(0), found.get(product_id))


async def give_command(
    store: Store,
    signer: Signer | None,
    switch: StopSwitch,
    drivers: CommandDrivers,
    actor: Actor,
    meter_id: int,
    wanted: NewCommand,
    now_us: int,
) -> Given:
    """Raises ``not-found``, ``no-such-command``, ``invalid-input``, ``key-used``, ``commands-stopped``, ``signer-…``.

    A draft whose signer refused the person stays a draft: the same key with the right password goes on with it.
    """
    check_role(actor, wanted.kind)
    if switch.stopped(actor.tenant_id):
        raise Problem("commands-stopped")
    signed = RULES[wanted.kind].signed
    if signed and wanted.signer is None:
        raise Problem("signer-needed")
    async with store.tenant(actor.tenant_id) as work:
        targets = await work[CommandStore].targets([meter_id])
        if not targets:
            raise Problem("not-found")
        check_params(drivers, targets[0].driver, wanted.kind, wanted.params)
        command_id, is_new = await _draft(work, actor, targets[0], wanted, now_us)
        found = await _read(work, command_id)
        if is_new:
            await work[AuditTrail].record(actor, "give_command", "command", command_id, None, found)
    if not signed or wanted.signer is None:
        return Given(found)
    request = SignRequest(wanted.unique_key, meter_id, wanted.kind, wanted.params, int(found.not_after.timestamp()))
    (verdict,) = await authorise(signer, actor.tenant_id, [request], wanted.signer)
    return Given(found, verdict.state, verdict.reason)


async def _draft(work: Work, actor: Actor, target: Target, wanted: NewCommand, now_us: int) -> tuple[int, bool]:
    rule = times_for(await work[CommandStore].times(), wanted.kind, target.product_id)
    draft = Draft(
        target.meter_id,
        wanted.kind,
        wanted.params,
        rule,
        slot_of(wanted.kind, wanted.params),
        target.channel,
        wanted.unique_key,
        content_of(target.meter_id, wanted.kind, wanted.params),
        now_us // 1_000_000 + (wanted.validity_s or rule.validity_s),
    )
    return await work[CommandStore].draft(draft, actor.user_id, actor.login, now_us)


async def authorise(
    signer: Signer | None, tenant_id: int, requests: Sequence[SignRequest], person: Second
) -> list[Verdict]:
    """Ask the signer; its refusal of the person as a problem."""
    try:
        if signer is None:
            raise SignerAwayError
        return await signer.authorise(tenant_id, requests, Credential(person.login, person.password))
    except SignerRefusedError as error:
        raise _refused(error) from error
    except SignerAwayError as error:
        raise Problem("signer-away", retry_after_s=5) from error


async def approve(
    store: Store,
    signer: Signer | None,
    actor: Actor,
    unique_keys: Sequence[str],
    what: str,
    object_id: int,
    person: Second,
) -> list[KeyVerdict]:
    """A second person agrees at the signer; raises as ``give_command``."""
    try:
        if signer is None:
            raise SignerAwayError
        verdicts = await signer.approve(actor.tenant_id, unique_keys, Credential(person.login, person.password))
    except SignerRefusedError as error:
        raise _refused(error) from error
    except SignerAwayError as error:
        raise Problem("signer-away", retry_after_s=5) from error
    said = [KeyVerdict(verdict.unique_key, verdict.state, verdict.reason) for verdict in verdicts]
    async with store.tenant(actor.tenant_id) as work:
        counts: dict[str, int] = {}
        for verdict in said:
            counts[verdict.state] = counts.get(verdict.state, 0) + 1
        await work[AuditTrail].record(actor, "approve_commands", what, object_id, None, {"by": person.login, **counts})
    return said


async def cancel_command(store: Store, actor: Actor, command_id: int, reason: str, now_us: int) -> CommandDetail:
    """Raises ``not-found``; ``already-done`` for what was sent: it cannot be called back."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _read(work, command_id)
        if not await work[CommandStore].cancel(command_id, actor.login, reason, now_us):
            raise Problem("already-done", state=(await _read(work, command_id)).state.value)
        after = await _read(work, command_id)
        await work[AuditTrail].record(
            actor, "cancel_command", "command", command_id, {"state": before.state}, {"reason": reason}
        )
    return after


async def stop_commands(store: Store, switch: StopSwitch, actor: Actor, reason: str) -> None:
    """Stop this utility's commands at once, then write it down: the switch must not wait for a database."""
    switch.stop(actor.tenant_id, actor.login, reason)
    async with store.tenant(actor.tenant_id) as work:
        await work[AuditTrail].record(actor, "stop_commands", "command", "all", None, {"reason": reason})


async def resume_commands(store: Store, signer: Signer | None, actor: Actor, person: Second) -> None:
    """End this utility's stop; an approver's sign-in at the signer is needed."""
    try:
        if signer is None:
            raise SignerAwayError
        await signer.resume(actor.tenant_id, Credential(person.login, person.password))
    except SignerRefusedError as error:
        raise _refused(error) from error
    except SignerAwayError as error:
        raise Problem("signer-away", retry_after_s=5) from error
    async with store.tenant(actor.tenant_id) as work:
        await work[AuditTrail].record(actor, "resume_commands", "command", "all", None, {"by": person.login})


async def _read(work: Work, command_id: int) -> CommandDetail:
    found = await work[CommandStore].get(command_id)
    if found is None:
        raise Problem("not-found")
    return found


def _refused(error: SignerRefusedError) -> Problem:
    if error.code == "locked":
        return Problem("sign-in-locked", retry_after_s=error.seconds)
    if error.code == "key_used":
        return Problem("key-used", fields=(("/unique_key", "not-accepted"),))
    return Problem("signer-refused", why=error.code)
