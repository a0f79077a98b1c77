# SPDX-License-Identifier: Apache-2.0
"""The demo utility: made once, its past sent through the real pipeline, then its meters live on real sockets.

Every step looks at what is there and goes on from it: a stopped demo continues with the same data, and the nights
missed meanwhile are sent first, as real meters' reports would still lie in the operator's queue.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from msgspec import structs

from openmains.app.fleet.driver_catalog import DriverIdentity
from openmains.app.fleet.imports.import_meters import import_meters
from openmains.app.fleet.model import NewProduct
from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import DAY_S, Zone, zone
from openmains.drivers import catalog as driver_catalog
from openmains.edges.nats.stream import StreamReplay, UplinkStream, connect
from openmains.edges.postgres.alarm.limits import Limits
from openmains.edges.postgres.db import create_pool, tenant_transaction
from openmains.edges.postgres.fleet.imports import PostgresImport
from openmains.edges.postgres.fleet.places import Areas
from openmains.edges.postgres.fleet.tables import Products
from openmains.edges.postgres.identity.tables import create_tenant_admin
from openmains.edges.postgres.queries import load
from openmains.emulator.device.secure_device import ReportTransport
from openmains.emulator.fleet import Fleet
from openmains.emulator.fleet_model import Commanded, Faults, MeterSpec, Secure
from openmains.emulator.meter.consumption import Consumption
from openmains.emulator.meter.frames import DriverFrames, immediate_events
from openmains.emulator.meter.memory import Memory
from openmains.emulator.meter.meter import Profile
from openmains.emulator.meter.piping import Cut, Flow
from openmains.emulator.meter.spreading import Period, Scheme
from openmains.emulator.meter.store import Held
from openmains.emulator.meter.valve import Position
from openmains.emulator.monitor.live import LiveMonitors
from openmains.emulator.monitor.monitor import Monitor
from openmains.emulator.monitor.network import Network
from openmains.run.care.faults import FaultFolder
from openmains.run.care.sqlite_files import damage_of, set_aside
from openmains.run.care.texts import demo_begun_anew
from openmains.run.demo import monitors, town
from openmains.run.demo.billing import bill_last_month
from openmains.run.demo.concentrators import (
    PRODUCT,
    RegisteredLineMeter,
    line_meters,
    line_night,
    live_concentrator,
    register_concentrator,
)
from openmains.run.demo.facts import sign_facts
from openmains.run.demo.gateways import live_gateways, register_gateways
from openmains.run.demo.history import SEED, Registered, battery_pct, measures_more, night, place_of
from openmains.run.demo.keys import command_keys, device_keys
from openmains.run.demo.lives import fill_registry
from openmains.run.demo.monitors import RegisteredMonitor, monitors_night, monitors_today
from openmains.run.demo.orders import fill_orders
from openmains.run.demo.phones import serve_phones
from openmains.run.demo.prepaid import fill_prepaid
from openmains.run.demo.rules import make_rules
from openmains.run.demo.story import SILENT, Story, is_nightly
from openmains.run.logs import say
from openmains.run.personal import personal_vault
from openmains.run.settings import Settings

log = logging.getLogger("openmains.demo")
WINDOW_S = 10  # a meter listens so long after each report
POST_EVERY = 10  # one meter in so many reports by POST to /r, the others by the operators' object 19
NIGHT_WINDOW_S = 180  # and one that reports once a night
NIGHT_FACTOR_S = 60  # spread over 200 minutes from midnight on (R2.1)
DATING_S, DATING_TURNS = 20.0, 60
ADDRESS_CHANGES = 0.003  # of the reports: every 20 s a meter somewhere comes from another address
PRESS_AFTER_S = 30  # until somebody opens a gas valve that may be opened, or resets one that shut itself
ALARMS_PER_DAY = 0.2  # causes of events at one meter: for the town one every few minutes
PACE = 48  # a battery that loses its charge for a week does so in three hours
ZONE = "Asia/Shanghai"

_QUERIES = load(__package__)


async def run_demo(settings: Settings, stop: asyncio.Event) -> None:
    """Until ``stop``; the supervisor starts it again if it fails."""
    urls = settings.urls()
    place = zone(ZONE)
    tenant_id = await found_utility(urls.postgres_owner, settings)
    pool = await create_pool(urls.postgres_pipeline, max_size=4)
    client = await connect(urls.nats, name="demo")
    memory = Memory(_memory_file(settings.var_path))
    try:
        await register_meters(pool, tenant_id, settings.var_path)
        await fill_registry(pool, tenant_id)
        await fill_orders(pool, tenant_id)
        await sign_facts(settings, tenant_id)
        fleet = await registered(pool, tenant_id, town.meters())
        on_radio = await registered(pool, tenant_id, town.radio_meters())
        watching = await registered_monitors(pool, tenant_id)
        await house_of_meters(urls.postgres_owner, tenant_id, settings)
        on_line = await registered_line(pool, tenant_id)
        stream = UplinkStream(client, max_bytes=settings.stream_max_mb << 20)
        story = await story_of(pool, tenant_id, place)
        if story is not None:
            tell_of_flows(memory, story, fleet)
        await send_history(
            pool,
            stream,
            settings.shards,
            tenant_id,
            fleet,
            watching,
            on_line,
            on_radio,
            place,
            memory.changed(),
            stop,
            story,
        )
        if stop.is_set():
            return
        imeis = [item.meter.imei for item in fleet] + [item.monitor.spec.imei for item in watching]
        psks = await device_keys(pool, tenant_id, imeis, settings.var_path)
        obeying = await command_keys(settings, [item.meter_id for item in fleet]) if settings.dtls_port else {}
        radio_keys = await command_keys(settings, [item.meter_id for item in on_radio])
        if story is not None:
            fleet = [item for item in fleet if item.meter.number not in SILENT]
        async with asyncio.TaskGroup() as all_of_them:
            if story is not None:
                all_of_them.create_task(date_alarms(pool, tenant_id, time.time_ns() // 1000, stop))
            use = Consumption(SEED, place.offset_s(int(time.time())))
            all_of_them.create_task(live_concentrator(settings, use, stop))
            radio_ids = {item.meter.number: item.meter_id for item in on_radio}
            all_of_them.create_task(
                live_gateways(settings, pool, client, stream, tenant_id, radio_ids, radio_keys, use, place, stop)
            )
            all_of_them.create_task(bill_last_month(settings, tenant_id, place, stop))
            all_of_them.create_task(make_rules(settings, tenant_id, stop))
            all_of_them.create_task(serve_phones(settings, tenant_id, stop))
            if obeying:
                all_of_them.create_task(fill_prepaid(settings, tenant_id, stop))
            if settings.dtls_port or settings.coap_port:
                all_of_them.create_task(live(settings, fleet, psks, obeying, memory, stop))
                all_of_them.create_task(live_monitors(settings, watching, psks, stop))
            else:
                say(
                    "两个接入端口均已关闭，模拟表不上报 / both ports for meters are off: the emulated meters do not report"
                )
    finally:
        memory.close()
        await client.close()
        await pool.close()


def _memory_file(var: Path) -> Path:
    """What the emulated meters keep; begun anew where it is damaged."""
    path = var / "demo" / "meters.sqlite"
    if path.exists() and (damage := damage_of(path)) is not None:
        moved = set_aside(path, var / "damaged")
        words = demo_begun_anew(path, damage.zh, damage.en, moved)
        FaultFolder(var).tell("demo.meters", f"demo/{path.name}", words, state="lost")
    return path


async def found_utility(owner_dsn: str, settings: Settings) -> TenantId:
    """Tenant, administrator, areas, products; prints the generated password the first time."""
    tenant_id, _, password = await create_tenant_admin(
        owner_dsn,
        tenant_code=town.TENANT_CODE,
        tenant_name=town.TENANT_NAME,
        zone=ZONE,
    )
    drivers = driver_catalog.load()
    pool = await create_pool(owner_dsn, max_size=1)
    try:
        async with tenant_transaction(pool, tenant_id) as connection:
            areas, products = Areas(connection, tenant_id), Products(connection, tenant_id)
            for code, name in town.AREAS:
                await areas.add(code, name, None)
            for code, name, medium, driver, qmax_l_h in (*town.PRODUCTS, PRODUCT):
                new = NewProduct(
                    code,
                    name,
                    "OpenMains",
                    code,
                    driver,
                    dial=100_000_000,
                    report_s=DAY_S,
                    qmax_l_h=qmax_l_h,
                    settings={"prepaid": True} if medium == "gas" else {},
                    report_mode="day",
                )
                await products.add(new, DriverIdentity(medium, drivers.driver(driver).kind))
            for code, name, medium, driver, _ in monitors.PRODUCTS:
                watching = NewProduct(code, name, "OpenMains", code, driver, report_s=DAY_S, report_mode="day")
                made = await products.add(watching, DriverIdentity(medium, drivers.driver(driver).kind))
                if made is not None and code in monitors.LIMITS:
                    limits = Limits(connection, tenant_id)
                    await limits.set_of_product(made.product_id, monitors.LIMITS[code], time.time_ns() // 1000)
    finally:
        await pool.close()
    if password is not None:
        url = f"http://127.0.0.1:{settings.http_port}"
        say(
            f"管理员 / administrator: {url}  tenant {town.TENANT_CODE}  user admin  password {password}\n"
            "  此密码只显示一次，请记下。/ This password is shown once; note it down."
        )
    return tenant_id


async def register_meters(pool: asyncpg.Pool, tenant_id: TenantId, var: Path) -> None:
    """Import the town's registry file, as an operator would; a second time changes nothing."""
    path = var / "demo-meters.csv"
    path.write_bytes(town.as_csv())
    async with PostgresImport(pool, personal_vault(var, pool)) as store:
        result = await import_meters(path, tenant_id, store, today=datetime.now(UTC).date())
    if result.error_count:
        raise RuntimeError(f"the demo registry is refused: {result.errors[0].text('en')}")
    if result.inserted:
        say(f"演示燃气水务：已登记 {result.inserted} 只表 / demo utility: {result.inserted} meters registered")


async def registered(pool: asyncpg.Pool, tenant_id: TenantId, meters: Iterable[town.DemoMeter]) -> list[Registered]:
    """Meters of the town with their identities."""
    drivers = driver_catalog.load()
    rows = {row["number"]: row for row in await _QUERIES["meters_in_use"].fetch(pool, tenant_id=tenant_id)}
    return [
        Registered(meter, row["meter_id"], row["tenant_id"], row["product_id"], drivers.driver(row["driver"]))
        for meter in meters
        if (row := rows.get(str(meter.number))) is not None
    ]


async def registered_monitors(pool: asyncpg.Pool, tenant_id: TenantId) -> list[RegisteredMonitor]:
    """The town's monitors with their identities."""
    rows = {row["number"]: row for row in await _QUERIES["meters_in_use"].fetch(pool, tenant_id=tenant_id)}
    return [
        RegisteredMonitor(each, row["meter_id"], row["tenant_id"], row["product_id"])
        for each in monitors.monitors()
        if (row := rows.get(str(each.spec.number))) is not None
    ]


async def house_of_meters(owner_dsn: str, tenant_id: TenantId, settings: Settings) -> None:
    """The concentrator and what is behind it, registered as ``openmains concentrator add`` does."""
    owner = await create_pool(owner_dsn, max_size=1)
    try:
        await register_concentrator(owner, tenant_id, settings)
        await register_gateways(owner, tenant_id)
    finally:
        await owner.close()


async def registered_line(pool: asyncpg.Pool, tenant_id: TenantId) -> list[RegisteredLineMeter]:
    """The meters behind the concentrator with their identities."""
    rows = {row["number"]: row for row in await _QUERIES["meters_in_use"].fetch(pool, tenant_id=tenant_id)}
    return [
        RegisteredLineMeter(each, row["meter_id"], row["tenant_id"], row["product_id"])
        for each in line_meters()
        if (row := rows.get(str(each.number))) is not None
    ]


async def live_monitors(
    settings: Settings, watching: Sequence[RegisteredMonitor], psks: Mapping[int, bytes], stop: asyncio.Event
) -> None:
    """Emulated monitors, each reporting about once in ``demo_report_s`` what it felt minute by minute."""
    if not watching or not settings.dtls_port:
        return
    network = Network(zone(ZONE).offset_s(int(time.time())))
    host = "127.0.0.1" if settings.coap_host in ("0.0.0.0", "::") else settings.coap_host  # noqa: S104 - compared
    emulated = LiveMonitors(
        [Monitor(item.monitor.spec, network) for item in watching],
        (host, settings.dtls_port),
        psks,
        {item.monitor.spec.imei: item.monitor.imsi for item in watching},
        every_s=settings.demo_report_s,
        seed=SEED,
    )
    say(f"{len(watching)} 台模拟监测终端开始实时上报 / {len(watching)} emulated monitors report too")
    await emulated.run(stop)


async def story_of(pool: asyncpg.Pool, tenant_id: TenantId, place: Zone) -> Story | None:
    """What happened before the first start; none in a town whose history was made without."""
    marked = await _QUERIES["history_mark"].fetchval(pool, tenant_id=tenant_id)
    if marked is None:
        return Story(place.day_of(int(time.time())) - town.HISTORY_DAYS, place)
    return Story(marked["began"], place) if "began" in marked else None


def tell_of_flows(memory: Memory, story: Story, fleet: Sequence[Registered]) -> None:
    """Into what the emulated meters keep: what leaked stays on their registers. Where they know of it already it stays."""
    known, of_number = memory.changed(), {item.meter.number: item for item in fleet}
    for number, (cuts, flows) in story.flows().items():
        if number in of_number and number not in known and memory.recall(number) is None:
            memory.keep(number, Held(account=town.account(of_number[number].meter)))
            memory.keep_valve(number, Position.OPEN, cuts, flows)


async def date_alarms(pool: asyncpg.Pool, tenant_id: TenantId, before_us: int, stop: asyncio.Event) -> None:
    """Alarms of the past are shown as they came: nobody waited for them till today. Looks for a while, for the pipeline is still reading."""
    for _ in range(DATING_TURNS):
        await _QUERIES["date_alarms"].execute(pool, tenant_id=tenant_id, before_us=before_us)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), DATING_S)
            return


async def send_history(
    pool: asyncpg.Pool,
    stream: UplinkStream,
    shards: int,
    tenant_id: TenantId,
    fleet: list[Registered],
    watching: Sequence[RegisteredMonitor],
    on_line: Sequence[RegisteredLineMeter],
    on_radio: Sequence[Registered],
    place: Zone,
    changed: Mapping[int, tuple[Sequence[Cut], Sequence[Flow]]],
    stop: asyncio.Event,
    story: Story | None,
) -> None:
    """The nights up to yesterday that were not sent yet, oldest first."""
    today = place.day_of(int(time.time()))
    marked = await _QUERIES["history_mark"].fetchval(pool, tenant_id=tenant_id)
    first = max((marked or {}).get("day", 0) + 1, today - town.HISTORY_DAYS)
    use = Consumption(SEED, place.offset_s(int(time.time())))
    replay = StreamReplay(stream, shards)
    numbers = {item.meter_id: item.meter.number for item in fleet}
    battery = None if story is None else story.battery_pct
    for day in range(first, today):
        if stop.is_set():
            return
        uplinks = await asyncio.to_thread(list, night(fleet, day, place, use, changed, battery))
        if story is not None:
            uplinks = [item for item in uplinks if not story.is_lost(numbers[item.meter_id], day)]
            uplinks += story.alarms(fleet, day, use)
        uplinks += [structs.replace(item, channel="mqtt", path="gateway") for item in night(on_radio, day, place, use)]
        uplinks += monitors_night(watching, day, place)
        if marked is None:  # later nights nobody read the line: it was the platform's to ask
            uplinks += line_night(on_line, day, place, use)
        now_us = time.time_ns() // 1000
        await replay.replay([item for item in uplinks if item.received_us <= now_us])
        await _QUERIES["mark_history"].execute(
            pool, tenant_id=tenant_id, mark={"day": day} | ({} if story is None else {"began": story.began})
        )
        done = day - first + 1
        if done % 15 == 0 or day == today - 1:
            say(f"历史数据 {done}/{today - first} 天 / history: {done} of {today - first} days handed to the pipeline")
    await replay.replay(monitors_today(watching, int(time.time()), place))


async def live(
    settings: Settings,
    fleet: list[Registered],
    psks: dict[int, bytes],
    command_keys: dict[MeterId, bytes],
    memory: Memory,
    stop: asyncio.Event,
) -> None:
    """Emulated meters on UDP sockets, each about once in ``demo_report_s``, with an alarm now and then."""
    profiles = {
        driver: Profile(
            Period.EVERY,
            settings.demo_report_s,
            today=True,
            scheme=Scheme.MOD200,
            heartbeats_s=(),
            window_s=WINDOW_S,
            log_days=10,
            utc_offset_s=zone(ZONE).offset_s(int(time.time())),
            immediate=immediate_events(driver),
        )
        for driver in {item.driver.name for item in fleet}
    }
    nightly = {
        driver: replace(
            every,
            period=Period.DAY,
            every_s=DAY_S,
            today=False,
            spread_factor_s=NIGHT_FACTOR_S,
            window_s=NIGHT_WINDOW_S,
        )
        for driver, every in profiles.items()
    }  # as the nights before, which they go on from
    today = zone(ZONE).day_of(int(time.time()))
    specs = [
        MeterSpec(
            imei_text(item.meter.imei),
            item.meter.number,
            item.meter.medium,
            DriverFrames(
                item.driver.name,
                item.meter.number,
                series=measures_more(item.meter.number),
                place=place_of(item.meter.number),
            ),
            (nightly if is_nightly(item.meter.number) else profiles)[item.driver.name],
            Held(account=town.account(item.meter)),
            used_permille=1000 - battery_pct(item.meter.number, today) * 10,
            place=place_of(item.meter.number),
            energy_share_ppm=1_000_000
            if is_nightly(item.meter.number)
            else settings.demo_report_s * 1_000_000 // DAY_S,
        )
        for item in fleet
    ]
    secure = Secure(
        {imei_text(item.meter.imei): psks[item.meter.imei] for item in fleet},
        {imei_text(item.meter.imei): item.meter.imsi for item in fleet},
        transports={imei_text(item.meter.imei): ReportTransport.POST for item in fleet[::POST_EVERY]},
        address_changes=ADDRESS_CHANGES,
    )
    host = "127.0.0.1" if settings.coap_host in ("0.0.0.0", "::") else settings.coap_host  # noqa: S104 - compared
    emulated = Fleet(
        specs,
        (host, settings.dtls_port or settings.coap_port),
        start=int(time.time()),
        speed=1.0,
        town=Consumption(SEED, zone(ZONE).offset_s(int(time.time()))),
        faults=Faults(alarms_per_day=ALARMS_PER_DAY, pace=PACE),
        attach_spread_s=settings.demo_report_s,
        seed=SEED,
        secure=secure if settings.dtls_port else None,
        commanded=Commanded(
            {
                imei_text(item.meter.imei): command_keys[item.meter_id]
                for item in fleet
                if item.meter_id in command_keys
            },
            memory,
            PRESS_AFTER_S,
        ),
    )
    slow = sum(is_nightly(item.meter.number) for item in fleet)
    say(
        f"{len(specs)} 只模拟表开始实时上报，其中 {slow} 只每夜一次 / "
        f"{len(specs)} emulated meters now report live, each about once a minute, {slow} of them once a night"
    )
    watcher = asyncio.create_task(_stop_with(stop, emulated))
    try:
        await emulated.run(None, None)
    finally:
        watcher.cancel()


async def _stop_with(stop: asyncio.Event, fleet: Fleet) -> None:
    await stop.wait()
    fleet.stop()
