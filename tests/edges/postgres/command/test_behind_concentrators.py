# SPDX-License-Identifier: Apache-2.0
"""Commands to meters behind concentrators on PostgreSQL: who waits for a connection, who for its own report, who is refused."""

from openmains.app.command.ports import CommandResponse
from openmains.app.command.work import sweep
from openmains.app.link.station.standing import StandingCache
from openmains.domain.command.kinds import RULES, Channel, Kind
from openmains.domain.fleet.identifiers import imei_of
from openmains.domain.ids import TenantId
from openmains.edges.postgres.command.tables import Commands
from openmains.edges.postgres.db import tenant_transaction
from openmains.edges.postgres.fleet.concentrator_standing import ConcentratorStanding
from openmains.edges.postgres.fleet.concentrators import put_concentrator
from openmains.wire.station.content import Kind as StationKind
from openmains.wire.station.content import Registration
from tests.edges.postgres.command import test_flow
from tests.edges.postgres.command.test_flow import Desk
from tests.support.command_meter import PlainDrivers

desk = test_flow.desk  # the fixture


async def test_behind_a_concentrator_that_is_away_a_command_waits_and_can_be_called_off(desk: Desk) -> None:
    """It is neither sent nor counted as tried until an edge says that its concentrator is connected (ADR 0035)."""
    owner, meter_id = desk.town.owner, desk.town.meters[1]
    desk.dispatcher = desk.dispatcher_with(PlainDrivers(is_asked=True))
    number = f"{2_026_000_000_000_000 + desk.town.tenant_id:016d}"
    assert await put_concentrator(owner, desk.town.tenant_id, number, "", 60, []) == []
    await owner.execute(
        "INSERT INTO concentrator_meter SELECT $1, concentrator_id, tenant_id FROM concentrator WHERE number = $2", meter_id, number
    )  # fmt: skip
    async with tenant_transaction(desk.api, desk.town.tenant_id) as connection:
        (target,) = await Commands(connection, desk.town.tenant_id).targets([meter_id])
    assert target.channel is Channel.GATEWAY
    given = [await desk.draft(meter_id, Kind.READ_NOW), await desk.draft(meter_id, Kind.SET_CLOCK, {"platform_at": 1})]
    await owner.execute("UPDATE command SET channel = 'gateway' WHERE command_id = ANY($1)", given)
    await desk.take_in()
    assert await desk.flow.due(desk.now_us // 1_000_000, 10) == []
    assert await desk.dispatcher.turn() == 0 and {(await desk.state(one))[0] for one in given} == {"queued"}
    async with tenant_transaction(desk.api, desk.town.tenant_id) as connection:
        assert await Commands(connection, desk.town.tenant_id).cancel(given[1], "ann", "no", desk.now_us)

    book, standing = StandingCache(lambda: desk.now_us), ConcentratorStanding(desk.pool, 3)
    book.connected(number, TenantId(desk.town.tenant_id), "198.51.100.7", Registration(StationKind.DTU), is_proven=True)
    await standing.write(book, 0.0)
    assert await desk.dispatcher.turn() == 1
    (opened,) = await desk.flow.open(given[:1])
    assert (opened.concentrator, await desk.state(given[0])) == (number, ("sent", ""))
    assert (await desk.state(given[1]))[0] == "cancelled"

    word = CommandResponse(
        desk.town.tenant_id, meter_id, desk.now_us, link="confirmed", command_id=given[0], detail="already_done"
    )
    await desk.respond([word, word])
    assert await desk.state(given[0]) == ("confirmed", "already_done")
    expired = await desk.draft(meter_id, Kind.SET_CLOCK, {"platform_at": 2})
    await owner.execute("UPDATE command SET channel = 'gateway' WHERE command_id = $1", expired)
    await desk.take_in()
    await standing.begin(desk.now_us)  # the node was killed and begins again
    desk.later(RULES[Kind.SET_CLOCK].validity_s + 1)
    assert await desk.dispatcher.turn() == 0
    await sweep(desk.flow, desk.now_us)
    assert await desk.state(expired) == ("expired", "never_sent")


async def test_a_meter_with_a_module_behind_a_concentrator_is_told_when_it_is_heard(desk: Desk) -> None:
    """It sleeps, though a concentrator hands on its readings: not sent again and again, and called off while it waits. One without a module
    that is not asked either is reached by nothing: refused, not 'sent'."""
    owner, (asleep, mute, *_) = desk.town.owner, desk.town.meters
    number = f"{2_027_000_000_000_000 + desk.town.tenant_id:016d}"
    assert await put_concentrator(owner, desk.town.tenant_id, number, "", 60, []) == []
    await owner.execute(
        "INSERT INTO concentrator_meter SELECT m, concentrator_id, tenant_id FROM concentrator, unnest($1::bigint[]) m WHERE number = $2",
        [asleep, mute], number,
    )  # fmt: skip
    await owner.execute(
        "UPDATE meter SET imei = $2 WHERE meter_id = $1", asleep, imei_of(86_9100_0000_0000 + desk.town.tenant_id)
    )
    book, standing = StandingCache(lambda: desk.now_us), ConcentratorStanding(desk.pool, 3)
    book.connected(number, TenantId(desk.town.tenant_id), "198.51.100.7", Registration(StationKind.DTU), is_proven=True)
    await standing.write(book, 0.0)
    async with tenant_transaction(desk.api, desk.town.tenant_id) as connection:
        found = {
            each.meter_id: each for each in await Commands(connection, desk.town.tenant_id).targets([asleep, mute])
        }
    assert (found[asleep].channel, found[asleep].has_module) == (Channel.DIRECT, True)
    assert (found[mute].channel, found[mute].has_module) == (Channel.GATEWAY, False)
    given = {meter: await desk.draft(meter, Kind.READ_NOW) for meter in (asleep, mute)}
    await owner.execute("UPDATE command SET channel = 'gateway' WHERE command_id = $1", given[mute])
    await desk.take_in()
    assert await desk.dispatcher.turn() == 0
    assert await desk.state(given[asleep]) == ("queued", "")
    assert await desk.state(given[mute]) == ("failed", "not_reachable") and not desk.down.frames
    assert len(await desk.spoke(asleep)) == 1 and (await desk.state(given[asleep]))[0] == "sent"


async def test_a_gateway_carries_the_frames_of_its_meters(desk: Desk) -> None:
    """It said itself that it is one: its meters are told things though nobody asks them on a line, while it is connected."""
    owner, (carried, *_) = desk.town.owner, desk.town.meters
    number = f"{2_028_000_000_000_000 + desk.town.tenant_id:016d}"
    assert await put_concentrator(owner, desk.town.tenant_id, number, "", 60, []) == []
    await owner.execute(
        "INSERT INTO concentrator_meter SELECT $1, concentrator_id, tenant_id FROM concentrator WHERE number = $2",
        carried,
        number,
    )
    book, standing = StandingCache(lambda: desk.now_us), ConcentratorStanding(desk.pool, 3)
    book.gateway_connected(number, TenantId(desk.town.tenant_id), "broker.example", None)
    await standing.write(book, 0.0)
    async with tenant_transaction(desk.api, desk.town.tenant_id) as connection:
        (found,) = await Commands(connection, desk.town.tenant_id).targets([carried])
    assert (found.channel, found.has_module, found.is_carried) == (Channel.GATEWAY, False, True)
    given = await desk.draft(carried, Kind.READ_NOW)
    await owner.execute("UPDATE command SET channel = 'gateway' WHERE command_id = $1", given)
    await desk.take_in()
    assert await desk.dispatcher.turn() == 1
    assert (await desk.state(given))[0] == "sent"
    (frame,) = desk.down.frames
    assert (frame.concentrator, frame.imei) == (number, 0)
    book.left(number, "silent")
    await standing.write(book, 100.0)
    waiting = await desk.draft(carried, Kind.READ_STATUS)
    await owner.execute("UPDATE command SET channel = 'gateway' WHERE command_id = $1", waiting)
    await desk.take_in()
    assert await desk.dispatcher.turn() == 0
    assert await desk.state(waiting) == ("queued", "")
