# SPDX-License-Identifier: Apache-2.0
"""A person's judgement of messages that were held because they carry another number than the registered one.

    accept   the number in the frames is right. They go through the pipeline again and are booked: to the meter that is
             registered under this number, where there is one (the module sits there now; the registry follows), else to
             the meter that sent them, from which the number is taken from then on until the registry has it
    reject   none of them is used; they stay in the frame log and among the dismissed dead letters

While the registry is not corrected, further messages of a module that sits at another meter are held, and asked about, again.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from openmains.app.fleet.model import Meter, MeterFilter
from openmains.app.fleet.ports import MeterSearch, MeterStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.ingest.model import DeadLetter
from openmains.app.ingest.ports import DeadLetterStore, UplinkReplay
from openmains.app.ingest.uplink import Uplink
from openmains.app.problems import Problem
from openmains.app.readings.acceptance import MOVED_CHANNEL, Acceptance, acceptance_uplink
from openmains.app.readings.model import ReadingException
from openmains.app.readings.ports import ExceptionStore
from openmains.app.unit_of_work import Store, Work
from openmains.domain.fleet.meter_number import NumberFit, fit_of
from openmains.domain.ids import ExceptionId, MeterId
from openmains.domain.readings.quality import Rule

NUMBER_RULE = Rule.NUMBER_MISMATCH.name.lower()
MOST_HITS = 200
Digits = Callable[[str], int]
"""How many digits of a driver's frames are compared (``drivers.model.Driver.number_digits``)."""


class HeldMessages(Struct, frozen=True):
    """What a judgement is about: messages of ``number`` that carry ``carried``. ``owner_*``: the meter registered under that
    number, to which accepting books them; null: there is none, they are booked to the meter that sent them."""

    number: str
    carried: str
    messages: int
    owner_meter_id: MeterId | None
    owner_number: str | None
    owner_address: str | None


async def held_messages(store: Store, actor: Actor, exception_id: ExceptionId, digits: Digits) -> HeldMessages:
    """Of an exception about a number; Problem ``not-found`` for any other."""
    async with store.tenant(actor.tenant_id) as work:
        found = await work[ExceptionStore].get(exception_id)
        if found is None or found.rule != NUMBER_RULE:
            raise Problem("not-found")
        letters = await work[DeadLetterStore].held(found.meter_id, found.value)
        owner = await _owner(work, found, digits)
    return HeldMessages(
        found.number,
        str(found.value),
        len(letters),
        None if owner is None else owner.meter_id,
        None if owner is None else owner.number,
        None if owner is None else owner.address,
    )


async def judge_number(
    store: Store,
    stream: UplinkReplay,
    actor: Actor,
    exception_id: ExceptionId,
    verdict: Literal["accept", "reject"],
    reason: str,
    digits: Digits,
    now_us: int,
) -> ReadingException:
    """The judged exception. As in ``edit_reading``, marks are set once the stream has the messages on disk: a crash in between
    leaves all of it to be judged once more, and what was sent twice is a repeat.

    :raises Problem: ``not-found``; ``already-done``; ``invalid-input`` where the exception is not about a number;
        ``number-shared`` where several meters could own it.
    """
    async with store.tenant(actor.tenant_id) as work:
        before = await work[ExceptionStore].lock(exception_id)
        if before is None:
            raise Problem("not-found")
        if before.rule != NUMBER_RULE:
            raise Problem("invalid-input", fields=(("/verdict", "not-accepted"),))
        if before.status != "open":
            raise Problem("already-done", state=before.status)
        letters = await work[DeadLetterStore].lock_held(before.meter_id, before.value)
        booked_to: MeterId | None = None
        if verdict == "accept":
            booked_to = await _send(work, stream, actor, before, letters, digits, now_us)
        status: Literal["replayed", "dismissed"] = "replayed" if verdict == "accept" else "dismissed"
        taken = [letter.dead_letter_id for letter in letters]
        await work[DeadLetterStore].mark(taken, status, actor.user_id)
        await work[ExceptionStore].judge(
            exception_id, "accepted" if verdict == "accept" else "rejected", actor.user_id, reason
        )
        after = await work[ExceptionStore].get(exception_id)
        assert after is not None  # noqa: S101 read in this transaction
        done = {"dead_letters": taken, "booked_to": booked_to}
        await work[AuditTrail].record(
            actor, "judge_number", "reading_exception", exception_id, before, msgspec.to_builtins(after) | done
        )
    return after


async def _send(
    work: Work,
    stream: UplinkReplay,
    actor: Actor,
    finding: ReadingException,
    letters: Sequence[DeadLetter],
    digits: Digits,
    now_us: int,
) -> MeterId:
    """Put the held messages into the stream for the meter that they are of; returns which."""
    owner = await _owner(work, finding, digits) or await work[MeterStore].get(finding.meter_id)
    if owner is None:
        raise Problem("not-found")
    uplinks = [_uplink(actor, letter, owner, moved=owner.meter_id != finding.meter_id) for letter in letters]
    if owner.meter_id == finding.meter_id:
        word = Acceptance(finding.exception_id, actor.user_id, finding.value)
        uplinks.insert(0, acceptance_uplink(word, owner.meter_id, actor.tenant_id, owner.product_id, now_us))
    await stream.replay(uplinks)
    return owner.meter_id


def _uplink(actor: Actor, letter: DeadLetter, owner: Meter, *, moved: bool) -> Uplink:
    return Uplink(
        meter_id=owner.meter_id,
        tenant_id=actor.tenant_id,
        product_id=owner.product_id,
        channel=MOVED_CHANNEL if moved else letter.channel,
        path=letter.path,
        received_us=round(letter.received_at.timestamp() * 1_000_000),
        payload=bytes.fromhex(letter.payload_hex),
    )


async def _owner(work: Work, finding: ReadingException, digits: Digits) -> Meter | None:
    """Another meter in use that is registered under the number; None where there is none, Problem where there are several."""
    compared = digits(finding.driver)
    try:
        hits = await work[MeterSearch].search(str(finding.value), MOST_HITS, None, MeterFilter())
    except ValueError:
        return None
    meters = await work[MeterStore].by_ids([hit.meter_id for hit in hits if hit.meter_id != finding.meter_id])
    fitting = [
        meter
        for meter in meters
        if meter.removed_on is None and fit_of(finding.value, meter.number, meter.bar_code, compared) is NumberFit.FITS
    ]
    if len(fitting) > 1:
        raise Problem(
            "number-shared", number=str(finding.value), meters=", ".join(meter.number for meter in fitting[:5])
        )
    return fitting[0] if fitting else None
