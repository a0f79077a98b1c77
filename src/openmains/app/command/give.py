# SPDX-License-Identifier: Apache-2.0
"""Give a command, call it off, stop and resume all. The rules are asked here to answer early; the signer asks them again for itself."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from openmains.app.command.driver import CommandDrivers
from openmains.app.command.model import CommandDetail, NewCommand, SettingTimes, SignerLogin
from openmains.app.command.ports import (
    CommandStore,
    Draft,
    StopSwitch,
    Target,
)
from openmains.app.command.signing import authorise, check_person, resume
from openmains.app.command.signing_ports import Signer, SignRequest
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.command import safety_closing
from openmains.domain.command.kinds import RULES, Channel, Kind, KindRule, Times, rule_of
from openmains.domain.command.life import State
from openmains.domain.command.meter_bounds import beyond_meter
from openmains.domain.command.named_meter import METER_NUMBER, names_another
from openmains.domain.command.order import slot_of
from openmains.domain.identity.permission import PERMISSIONS, Permission
from openmains.domain.ids import CommandId, MeterId, ProductId
from openmains.domain.period import zone


class Given(Struct, frozen=True):
    """A command that was given. ``verdict``: what the signer says of a signed kind, else ''; ``reason`` a short code."""

    command: CommandDetail
    verdict: str = ""
    reason: str = ""


def content_of(meter_id: MeterId, kind: str, params: Mapping[str, Any]) -> bytes:
    """SHA-256 over what a command means: its key again must mean the same."""
    return hashlib.sha256(msgspec.json.encode([meter_id, kind, dict(params)], order="sorted")).digest()


def check_params(drivers: CommandDrivers, driver_name: str, kind: Kind, params: Mapping[str, Any]) -> None:
    """Raises ``no-such-command`` or ``invalid-input`` as the driver would refuse it, or the rules of a safety closing."""
    driver = drivers.command_driver(driver_name)
    if driver is None or kind not in driver.command_kinds:
        raise Problem("no-such-command")
    wrong = safety_closing.fault(kind, params)
    if wrong is not None:
        raise Problem("safety-closing-incomplete", fields=((f"/params/{wrong}", "not-accepted"),))
    try:
        driver.command_body(kind, safety_closing.for_the_meter(kind, params), serial=1, counter=1, not_after=2**31)
    except ValueError as error:
        raise Problem("invalid-input", fields=(("/params", "not-accepted"),)) from error


def check_named(params: Mapping[str, Any], number: str) -> None:
    """Raises ``other-meter-named`` for parameters that say whom the frame is for, and name another meter than the command's."""
    if names_another(params, number):
        raise Problem("other-meter-named", fields=((f"/params/{METER_NUMBER}", "not-accepted"),), number=number)


def check_quantities(
    drivers: CommandDrivers, driver: str, kind: Kind, params: Mapping[str, Any], qmax_l_h: int, whose: str
) -> None:
    """Raises ``beyond-meter`` for a quantity that the size of a meter, or of a product's meters, rules out."""
    settings = getattr(drivers.command_driver(driver), "settings", {})
    units = {name: setting.unit for name, setting in settings.items()}
    found = beyond_meter(kind, params, units, qmax_l_h)
    if found is not None:
        raise Problem(
            "beyond-meter",
            fields=((found.pointer, "out-of-range"),),
            name=found.name,
            value=found.value,
            bound=found.bound,
            unit=found.unit,
            number=whose,
        )


def check_role(actor: Actor, kind: Kind) -> None:
    """Raises ``not-allowed`` for kinds that only administrators give."""
    if RULES[kind].for_administrators and not actor.may(Permission.MANAGE_COMMANDS):
        words = PERMISSIONS[Permission.MANAGE_COMMANDS]
        raise Problem("not-allowed", needed=(words.zh, words.en))


def times_for(times: Sequence[SettingTimes], kind: Kind, product_id: ProductId) -> KindRule:
    """The kind's rule for a product: the tenant's times, the product's own over them."""
    found = {t.product_id: Times(t.validity_s, t.attempts, t.pause_s) for t in times if t.kind is kind}
    return rule_of(kind, found.get(0), found.get(product_id))


async def give_command(
    store: Store,
    signer: Signer | None,
    switch: StopSwitch,
    drivers: CommandDrivers,
    actor: Actor,
    meter_id: MeterId,
    wanted: NewCommand,
    now_us: int,
) -> Given:
    """Raises ``not-found``, ``no-such-command``, ``not-reachable``, ``invalid-input``, ``daily-share-used``, ``key-used``,
    ``commands-stopped``, ``signer-…``.

    Whom the signer does not know leaves no draft: the person is checked before anything is written.
    """
    check_may_give(actor, switch, wanted.kind, wanted.signer)
    if wanted.signer is not None and RULES[wanted.kind].signed:
        async with store.tenant(actor.tenant_id) as work:  # what is wrong anyway needs nobody's password
            await _target(work, drivers, meter_id, wanted)
        await check_person(signer, actor, [wanted.kind], wanted.signer)
    found = await _written(store, drivers, actor, meter_id, wanted, now_us)
    if wanted.signer is None or not RULES[wanted.kind].signed:
        return Given(found)
    request = SignRequest(wanted.unique_key, meter_id, wanted.kind, wanted.params, int(found.not_after.timestamp()))
    (verdict,) = await authorise(signer, actor, [request], wanted.signer)
    return Given(found, verdict.state, verdict.reason)


def check_may_give(actor: Actor, switch: StopSwitch, kind: Kind, person: SignerLogin | None) -> None:
    """Raises ``not-allowed``, ``commands-stopped``, and ``signer-needed`` for a signed kind without a person's sign-in there."""
    check_role(actor, kind)
    if switch.stopped(actor.tenant_id):
        raise Problem("commands-stopped")
    if RULES[kind].signed and person is None:
        raise Problem("signer-needed")


async def _written(
    store: Store, drivers: CommandDrivers, actor: Actor, meter_id: MeterId, wanted: NewCommand, now_us: int
) -> CommandDetail:
    """The draft and its line in the audit trail, or the command that its key already stands for."""
    async with store.tenant(actor.tenant_id) as work:
        target = await _target(work, drivers, meter_id, wanted)
        is_within = await _is_within_share(work, actor, meter_id, wanted.kind, now_us)
        command_id, is_new = await _draft(work, actor, target, wanted, now_us)
        if is_new and not is_within:
            raise Problem("daily-share-used")  # and with it the draft is gone
        found = await _read(work, command_id)
        if is_new:
            await work[AuditTrail].record(actor, "give_command", "command", command_id, None, found)
    return found


async def _target(work: Work, drivers: CommandDrivers, meter_id: MeterId, wanted: NewCommand) -> Target:
    """The meter, which can be told this. Raises ``not-found``, ``no-such-command``, ``not-reachable``, ``invalid-input``, ``beyond-meter``."""
    targets = await work[CommandStore].targets([meter_id])
    if not targets:
        raise Problem("not-found")
    target = targets[0]
    check_params(drivers, target.driver, wanted.kind, wanted.params)
    driver = drivers.command_driver(target.driver)
    is_behind = target.channel is Channel.GATEWAY and not target.has_module
    if is_behind and not target.is_carried and not (driver is not None and driver.is_asked):
        raise Problem("not-reachable", number=target.number)
    check_named(wanted.params, target.number)
    check_quantities(drivers, target.driver, wanted.kind, wanted.params, target.qmax_l_h, target.number)
    return target


async def _is_within_share(work: Work, actor: Actor, meter_id: MeterId, kind: Kind, now_us: int) -> bool:
    """Whether this meter may be configured today: of a utility's meters a share a day, however they are given (R4.3)."""
    if not RULES[kind].configures:
        return True
    place = zone(actor.zone)
    midnight = place.start_of(place.day_of(now_us // 1_000_000))
    return await work[CommandStore].may_configure(meter_id, midnight * 1_000_000)


async def _draft(work: Work, actor: Actor, target: Target, wanted: NewCommand, now_us: int) -> tuple[CommandId, bool]:
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


async def cancel_command(store: Store, actor: Actor, command_id: CommandId, reason: str, now_us: int) -> CommandDetail:
    """Raises ``not-found``; ``already-done`` for what was sent: it cannot be called back. What waits for approval is rejected so by
    another than its author, which needs a reason (``reason-needed``)."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _read(work, command_id)
        is_rejected = before.state is State.QUARANTINED and before.created_by != actor.user_id
        if is_rejected:
            reason = stated(reason)
        if not await work[CommandStore].cancel(command_id, actor.login, reason, now_us):
            raise Problem("already-done", state=(await _read(work, command_id)).state.value)
        after = await _read(work, command_id)
        if Kind(after.kind) is Kind.SAFETY_CLOSE:
            await work[CommandStore].withdraw_closing(after.meter_id, now_us)
        await work[AuditTrail].record(
            actor,
            "reject_command" if is_rejected else "cancel_command",
            "command",
            command_id,
            {"state": before.state},
            {"reason": reason},
            reason=reason,
        )
    return after


async def stop_commands(store: Store, switch: StopSwitch, actor: Actor, reason: str) -> None:
    """Stop this utility's commands at once, then write it down: the switch must not wait for a database."""
    switch.stop(actor.tenant_id, actor.login, reason)
    async with store.tenant(actor.tenant_id) as work:
        await work[AuditTrail].record(actor, "stop_commands", "command", "all", None, {"reason": reason}, reason=reason)


async def resume_commands(store: Store, signer: Signer | None, actor: Actor, person: SignerLogin) -> None:
    """End this utility's stop; an approver's sign-in at the signer is needed."""
    await resume(signer, actor, person)
    async with store.tenant(actor.tenant_id) as work:
        await work[AuditTrail].record(actor, "resume_commands", "command", "all", None, {"by": person.login})


async def _read(work: Work, command_id: CommandId) -> CommandDetail:
    found = await work[CommandStore].get(command_id)
    if found is None:
        raise Problem("not-found")
    return found
