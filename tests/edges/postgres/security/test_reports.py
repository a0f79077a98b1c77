# SPDX-License-Identifier: Apache-2.0
"""From an edge's report to the terminal's step, its alarms, and back to every edge: over a real PostgreSQL."""

import time
from collections.abc import Sequence
from typing import Any

import pytest

from openmains.app.fleet.identities import Identities, Identity
from openmains.app.ingest.edge.admission import Admission, Refusal
from openmains.app.ingest.model import AlarmChange
from openmains.app.ingest.pipeline.process import Processor
from openmains.app.ingest.uplink import Uplink
from openmains.app.security.access_cache import AccessCache
from openmains.app.security.refusals import Refusals, RefusalStage
from openmains.app.security.report import finding_uplink, online_uplink, sim_uplink
from openmains.app.security.unknown import UnknownTerminals
from openmains.domain.fleet.identifiers import imei_of
from openmains.domain.period import zone
from openmains.domain.security.binding import Sim
from openmains.domain.security.findings import Finding, Kind, State
from openmains.domain.security.ladder import Thresholds
from openmains.drivers import catalog
from openmains.drivers.model import Kind as Frame
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from openmains.edges.postgres.security.access_cache import AccessFollower
from openmains.edges.postgres.security.decay import decay, forget_old
from tests.edges.postgres.fleet.registry_files import make_tenant

SHARD = 7_000  # of nobody else
CATALOG = catalog.load()
IMSI = "460040000000001"


class Fleet:
    """A tenant's meters and a pipeline that takes their uplinks."""

    def __init__(self, pool: Pool, owner: Pool, tenant: int) -> None:
        self.pool, self.owner, self.tenant = pool, owner, tenant
        self.store = PostgresPipelineStore(pool)
        self.meters: dict[int, Identity] = {}
        self.alarms: Sequence[AlarmChange] = ()

    async def add(self, serial: int, imsi: str = IMSI) -> int:
        imei = imei_of(35_1000_0000_0000 + self.tenant * 1000 + serial)
        meter_id, product_id = await self.owner.fetchrow(
            "INSERT INTO meter (tenant_id, number, imei, imsi, product_id, area_id, installed_on)"
            " SELECT $1, $2, $3, $4, product_id, (SELECT area_id FROM area WHERE tenant_id = $1), '2024-01-01'"
            " FROM product WHERE tenant_id = $1 RETURNING meter_id, product_id",
            self.tenant, f"n{serial}", imei, imsi,
        )  # fmt: skip
        await self.owner.execute("INSERT INTO meter_state (meter_id, tenant_id) VALUES ($1, $2)", meter_id, self.tenant)
        await self.owner.execute(
            "INSERT INTO identity_change (tenant_id, meter_id) VALUES ($1, $2)", self.tenant, meter_id
        )
        self.meters[imei] = Identity(meter_id, self.tenant, product_id)
        return imei

    async def take(self, *uplinks: Uplink) -> Any:
        """Process and commit; returns the effects. What alarms changed is in ``alarms``."""
        products = await self.store.products()
        processor = Processor(CATALOG, products, {key: zone(name) for key, name in (await self.store.zones()).items()})
        records = await self.store.load(list({uplink.meter_id for uplink in uplinks}))
        effects = processor.run(uplinks, records)
        position = await self.store.position(SHARD)
        self.alarms = await self.store.commit(SHARD, position, position + 1, effects, time.time_ns() // 1000)
        return effects

    async def terminal(self, imei: int) -> Any:
        return await self.owner.fetchrow("SELECT * FROM terminal WHERE imei = $1", imei)

    async def open_alarms(self, imei: int) -> dict[str, str]:
        rows = await self.owner.fetch(
            "SELECT event, severity FROM alarm WHERE meter_id = $1 AND cleared_us IS NULL", self.meters[imei].meter_id
        )
        return dict(rows)

    def found(self, imei: int, kind: Kind, now: int) -> Uplink:
        return finding_uplink(self.meters[imei], Finding(imei, kind, now, 3, "10.0.0.9", "x"), now * 1_000_000)


@pytest.fixture
async def fleet(pipeline: Pool, owner: Pool, request: pytest.FixtureRequest) -> Fleet:
    return Fleet(pipeline, owner, await make_tenant(owner, f"access-{abs(hash(request.node.name)) % 10**9}"))


NOW = 1_800_000_000


async def test_a_clone_is_quarantined_then_blocked_and_every_edge_refuses_it(fleet: Fleet) -> None:
    imei = await fleet.add(1)
    other = await fleet.add(2)
    book = AccessCache()
    follower = AccessFollower(fleet.pool, book)
    await follower.load()
    identities = Identities()
    for one, identity in fleet.meters.items():
        identities.change(one, identity)
    admission = Admission(identities, CATALOG, is_blocked=book.is_blocked)
    effects = await fleet.take(fleet.found(imei, Kind.CLONED, NOW))
    assert effects.alarms == []  # judged within the commit, which changes no argument
    assert [(change.event, change.action) for change in fleet.alarms] == [
        ("terminal_cloned", "raised"), ("terminal_quarantined", "raised"),
    ]  # fmt: skip
    assert await follower.follow() == [(imei, State.QUARANTINE)]
    assert not book.may_command(imei)
    assert not isinstance(admission.admit(f"{imei:015d}", b"x", "coap", "r", 0), Refusal)
    await fleet.take(fleet.found(imei, Kind.CLONED, NOW + 600))
    assert await follower.follow() == [(imei, State.BLOCKED)]
    assert admission.admit(f"{imei:015d}", b"x", "coap", "r", 0) is Refusal.UNKNOWN_METER
    assert not isinstance(admission.admit(f"{other:015d}", b"x", "coap", "r", 0), Refusal)
    assert admission.counters["blocked"] == 1
    assert await fleet.open_alarms(imei) == {
        "terminal_cloned": "critical", "terminal_quarantined": "major", "terminal_blocked": "critical",
    }  # fmt: skip
    again = AccessCache()
    await AccessFollower(fleet.pool, again).load()
    assert again.state(imei) is State.BLOCKED
    rows = await fleet.owner.fetch(
        "SELECT kind, state, score, count FROM terminal_finding WHERE imei = $1 ORDER BY 1, 2", imei
    )
    assert [(row[0], row[1], row[3]) for row in rows] == [("cloned", "blocked", 3), ("cloned", "quarantine", 3)]


async def test_the_same_reports_once_more_after_a_crash_count_once(fleet: Fleet) -> None:
    imei = await fleet.add(1)
    uplinks = [fleet.found(imei, Kind.MESSAGE_FLOOD, NOW + i) for i in range(2)]
    await fleet.take(*uplinks)
    before = await fleet.terminal(imei)
    # The commit did not happen: the whole transaction is undone and the batch comes again from the old position.
    records = await fleet.store.load([fleet.meters[imei].meter_id])
    effects = Processor(CATALOG, await fleet.store.products(), {fleet.tenant: zone("Asia/Shanghai")}).run(
        uplinks, records
    )
    position = await fleet.store.position(SHARD)
    with pytest.raises(Exception, match="no longer at"):
        await fleet.store.commit(SHARD, position - 1, position, effects, 0)
    assert await fleet.terminal(imei) == before
    assert before["reasons"] == {"message_flood": 2}
    assert before["score"] == 40_000


async def test_a_wrong_sim_raises_an_alarm_the_right_one_clears_it_and_an_option_blocks(fleet: Fleet) -> None:
    imei = await fleet.add(1)
    identity = fleet.meters[imei]
    await fleet.take(sim_uplink(identity, imei, Sim(IMSI), "10.0.0.1", NOW * 1_000_000))
    assert await fleet.open_alarms(imei) == {}
    await fleet.take(sim_uplink(identity, imei, Sim("460040000000009"), "10.0.0.2", NOW * 1_000_000))
    assert await fleet.open_alarms(imei) == {"sim_separated": "major"}
    terminal = await fleet.terminal(imei)
    assert (terminal["state"], terminal["seen_imsi"], terminal["address"]) == ("observe", "460040000000009", "10.0.0.2")
    await fleet.take(sim_uplink(identity, imei, Sim(IMSI), "10.0.0.1", (NOW + 9) * 1_000_000))
    assert await fleet.open_alarms(imei) == {}
    await fleet.owner.execute("INSERT INTO access_policy VALUES ($1, 'quarantine')", fleet.tenant)
    await fleet.take(sim_uplink(identity, imei, Sim("460040000000009"), "", (NOW + 10) * 1_000_000))
    assert (await fleet.terminal(imei))["state"] == "quarantine"
    await fleet.owner.execute(
        """UPDATE product SET settings = '{"on_sim_separated": "block"}' WHERE tenant_id = $1""", fleet.tenant
    )
    await fleet.take(sim_uplink(identity, imei, Sim("460040000000009"), "", (NOW + 11) * 1_000_000))
    assert (await fleet.terminal(imei))["state"] == "blocked"


async def test_what_anybody_can_send_in_a_meters_name_never_stops_the_meter(fleet: Fleet) -> None:
    imei = await fleet.add(1)
    for kind in (Kind.WRONG_KEY, Kind.MAC_FLOOD, Kind.REPLAY_FLOOD):
        await fleet.take(*(fleet.found(imei, kind, NOW + i) for i in range(50)))
    assert (await fleet.terminal(imei))["state"] == "observe"


async def test_a_registered_terminal_appears_with_its_first_handshake(fleet: Fleet) -> None:
    imei = await fleet.add(1)
    identity = fleet.meters[imei]
    for i in range(3):
        await fleet.take(online_uplink(identity, imei, f"10.0.0.{i}", (NOW + i) * 1_000_000))
    row = await fleet.terminal(imei)
    assert (row["state"], row["handshakes"], row["address"]) == ("allowed", 3, "10.0.0.2")
    assert (row["online_since_us"], row["last_handshake_us"]) == (NOW * 1_000_000, (NOW + 2) * 1_000_000)
    assert await fleet.open_alarms(imei) == {}


async def test_handshakes_from_two_addresses_in_turn_are_found_whatever_edge_they_came_to(fleet: Fleet) -> None:
    imei = await fleet.add(1)
    identity = fleet.meters[imei]
    for i in range(8):
        host = "10.0.0.1" if i % 2 else "198.51.100.7"
        await fleet.take(online_uplink(identity, imei, host, (NOW + 60 * i) * 1_000_000))
    row = await fleet.terminal(imei)
    assert (row["state"], row["reasons"], row["handshakes"]) == ("observe", {"handshake_turns": 1}, 8)
    assert await fleet.open_alarms(imei) == {"terminal_cloned": "critical"}


def report(seq: int, base: int, day: int) -> bytes:
    """A day's report of the reference driver."""
    at = day * 86_400 + 64_800
    return CATALOG.driver("openmains/water-1").encode(
        Frame.REPORT,
        {"frame_seq": seq, "device_at": at, "meter_number": 1, "events": [], "valve": 0, "balance_kind": 2,
         "start_at": at - 86_400, "interval_s": 1800, "base": base, "increments": [2] * 48, "register": base + 96,
         "history": [], "rsrp_ddbm": -900},
    )  # fmt: skip


async def test_a_register_that_goes_back_is_a_finding_and_readings_in_quarantine_are_marked(fleet: Fleet) -> None:
    imei = await fleet.add(1)
    identity = fleet.meters[imei]

    def uplink(seq: int, base: int, day: int) -> Uplink:
        received_us = (day * 86_400 + 64_860) * 1_000_000
        return Uplink(
            identity.meter_id, fleet.tenant, identity.product_id, "coap", "r", received_us, report(seq, base, day)
        )

    first = await fleet.take(uplink(1, 100_000, 20_000))
    assert not any(8 & flags for item in first.days for flags in item.row.quality)
    back = await fleet.take(uplink(2, 500, 20_001))
    assert [entry.what for entry in back.access] == ["register_back"]
    assert await fleet.open_alarms(imei) == {"register_back": "minor"}
    await fleet.take(fleet.found(imei, Kind.CLONED, NOW))
    marked = await fleet.take(uplink(3, 596, 20_002))
    measured = [flags for item in marked.days for flags in item.row.quality if not flags & 1]
    assert measured
    assert all(flags & 8 for flags in measured)


async def test_a_step_belongs_to_meter_and_module_together(fleet: Fleet) -> None:
    imei = await fleet.add(1)
    await fleet.take(fleet.found(imei, Kind.CLONED, NOW), fleet.found(imei, Kind.CLONED, NOW + 1))
    book = AccessCache()
    follower = AccessFollower(fleet.pool, book)
    await follower.load()
    assert book.is_blocked(imei)
    old = fleet.meters[imei]
    await fleet.owner.execute(
        "UPDATE meter SET imei = NULL, removed_on = '2026-01-01' WHERE meter_id = $1", old.meter_id
    )
    await fleet.owner.execute(
        "INSERT INTO identity_change (tenant_id, meter_id) VALUES ($1, $2)", fleet.tenant, old.meter_id
    )
    assert await follower.follow() == [(imei, State.ALLOWED)]
    late = fleet.found(imei, Kind.CLONED, NOW + 2)
    moved = await fleet.owner.fetchval(
        "INSERT INTO meter (tenant_id, number, imei, product_id, area_id, installed_on)"
        " SELECT tenant_id, 'new', $2, product_id, area_id, installed_on FROM meter WHERE meter_id = $1 RETURNING meter_id",
        old.meter_id, imei,
    )  # fmt: skip
    await fleet.take(late)  # of the former meter, out of the stream
    assert await follower.follow() == []
    await fleet.take(online_uplink(Identity(moved, fleet.tenant, old.product_id), imei, "", NOW * 1_000_000))
    row = await fleet.terminal(imei)
    assert (row["meter_id"], row["state"], row["reasons"]) == (moved, "allowed", {})


async def test_bad_reports_are_dead_letters_and_stop_nothing(fleet: Fleet) -> None:
    imei = await fleet.add(1)
    identity = fleet.meters[imei]
    bad = [Uplink(identity.meter_id, fleet.tenant, identity.product_id, "access", path, 1, payload)
           for path, payload in (("cloned", b"\xff"), ("nonsense", b"\x90"))]  # fmt: skip
    effects = await fleet.take(*bad, fleet.found(imei, Kind.MESSAGE_FLOOD, NOW))
    assert [letter.reason for letter in effects.dead_letters] == ["access_report"] * 2
    assert (await fleet.terminal(imei))["reasons"] == {"message_flood": 1}


async def test_observed_terminals_calm_down_and_blocked_ones_do_not(fleet: Fleet) -> None:
    one, two = await fleet.add(1), await fleet.add(2)
    await fleet.take(fleet.found(one, Kind.SIM_CHANGED, NOW), fleet.found(two, Kind.CLONED, NOW))
    await decay(fleet.pool, Thresholds(), NOW + 60)
    assert (await fleet.terminal(one))["state"] == "observe"
    assert await fleet.open_alarms(one) == {"sim_separated": "major"}
    await decay(fleet.pool, Thresholds(), NOW + 30 * 86_400)
    assert (await fleet.terminal(one))["state"] == "allowed"
    assert await fleet.open_alarms(one) == {}
    assert (await fleet.terminal(two))["state"] == "quarantine"
    assert set(await fleet.open_alarms(two)) == {"terminal_cloned", "terminal_quarantined"}


async def test_refusals_go_to_the_tenant_whose_meter_it_is_and_repeats_count(fleet: Fleet) -> None:
    imei, nobody = await fleet.add(1), f"meter {fleet.tenant}\0"
    follower = AccessFollower(fleet.pool, AccessCache())
    refusals = Refusals()
    for at in (1, 2):
        refusals.note(f"urn:imei:{imei}", imei, RefusalStage.HANDSHAKE, "no_key", "", "a", NOW * 1_000_000 + at)
        refusals.note(nobody, None, RefusalStage.HANDSHAKE, "identity_form", "", "b", NOW * 1_000_000 + at)
        await follower.note_refusals(refusals.drain())
    rows = await fleet.owner.fetch(
        "SELECT tenant_id, name, imei, reason, attempts, last_us - first_us AS took FROM access_refusal"
        " WHERE name = ANY ($1::text[]) ORDER BY refusal_id",
        [f"urn:imei:{imei}", f"meter {fleet.tenant}\\x00"],
    )
    assert [tuple(row) for row in rows] == [
        (fleet.tenant, f"urn:imei:{imei}", imei, "no_key", 2, 1),
        (0, f"meter {fleet.tenant}\\x00", None, "identity_form", 2, 1),
    ]
    await forget_old(fleet.pool, NOW + 40 * 86_400)
    assert await fleet.owner.fetchval("SELECT count(*) FROM access_refusal WHERE imei = $1", imei) == 0


async def test_unknown_terminals_go_to_the_tenant_whose_key_they_know(fleet: Fleet) -> None:
    key_of = imei_of(35_2000_0000_0000 + fleet.tenant * 1000)
    stranger, registered = imei_of(35_3000_0000_0000 + fleet.tenant * 1000), await fleet.add(1)
    await fleet.owner.execute("INSERT INTO tenant_key VALUES ($1, 1, 'm', 'n', 'w')", fleet.tenant)
    await fleet.owner.execute("INSERT INTO device_key (imei, tenant_id, key_id, nonce, sealed) VALUES ($1, $2, 1, '', '')",
                              key_of, fleet.tenant)  # fmt: skip
    follower = AccessFollower(fleet.pool, AccessCache())
    unknown = UnknownTerminals()
    for round_ in range(2):
        unknown.note(f"{key_of:015d}", "a", NOW * 1_000_000 + round_, proven=True)
        unknown.note(f"{stranger:015d}", "b", NOW * 1_000_000 + round_)
        unknown.note(f"{registered:015d}", "c", NOW * 1_000_000)
        await follower.note_unknown(unknown.drain())
    rows = await fleet.owner.fetch(
        "SELECT imei, tenant_id, attempts, proven FROM onboarding WHERE imei = ANY ($1::bigint[]) ORDER BY imei",
        [key_of, stranger, registered],
    )
    assert [tuple(row) for row in rows] == [(key_of, fleet.tenant, 2, True), (stranger, 0, 2, False)]
    assert await follower.bindings([registered, stranger]) == {registered: Sim(IMSI, "")}
    await forget_old(fleet.pool, NOW + 40 * 86_400)
    assert await fleet.owner.fetchval("SELECT count(*) FROM onboarding WHERE imei = $1", stranger) == 0
    assert await fleet.owner.fetchval("SELECT count(*) FROM onboarding WHERE imei = $1", key_of) == 1
    await fleet.owner.execute("DELETE FROM device_key WHERE imei = $1", key_of)
    await fleet.owner.execute("DELETE FROM tenant_key WHERE tenant_id = $1", fleet.tenant)
