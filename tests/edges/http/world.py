# SPDX-License-Identifier: Apache-2.0
"""An API over real engines with two utilities, for the tests of this folder."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from litestar import Litestar

from openmains.app.fleet.drivers import LoadedDriverCatalog
from openmains.app.ingest.uplink import Uplink
from openmains.app.notice.sealing import VaultSealer
from openmains.app.sealing.envelope import MasterKey, Masters
from openmains.app.security.keys.files import SealedFiles
from openmains.app.security.keys.vault import Vault
from openmains.app.system.model import LiveEvent, Metric, SystemSnapshot
from openmains.domain.fleet.identifiers import imei_of
from openmains.drivers.catalog import load
from openmains.edges.clickhouse.billed_days import BilledDays
from openmains.edges.clickhouse.bulk import ClickHouseBulk
from openmains.edges.clickhouse.changes import ClickHouseChanges
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.network import ClickHouseCellLoads
from openmains.edges.clickhouse.quantities import ClickHouseQuantities
from openmains.edges.clickhouse.readings import ClickHouseReadings
from openmains.edges.clickhouse.rule_history import ClickHouseRuleHistory
from openmains.edges.clickhouse.volumes import ClickHouseVolumes
from openmains.edges.http.app import build_app
from openmains.edges.http.deps import ApiDeps, ApiSettings
from openmains.edges.notify.guard import AddressGuard, networks_of
from openmains.edges.notify.web_push import PushAddresses
from openmains.edges.postgres.db import API_ROLE, PIPELINE_ROLE, Pool, create_pool
from openmains.edges.postgres.identity.tables import SignIn, create_tenant_admin
from openmains.edges.postgres.portal.tables import Lookups as CustomerLookups
from openmains.edges.postgres.security.keys import PostgresKeys
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.edges.signer.switch import FileSwitch
from openmains.edges.typeset.bills import TypstBills
from openmains.run.engines.engines import EngineUrls
from tests.support.command_meter import PlainDrivers
from tests.support.personal import personal_vault, photos_of

OWN = {"X-OpenMains-Request": "1"}
DRIVER, MEDIUM = "cjt188/gas-2004", "gas"  # by name: pages of other makers come before and after it
STRONG = "correct horse battery"


class Feed:
    """A live feed that a test fills."""

    def __init__(self) -> None:
        self.watchers: list[tuple[int, asyncio.Queue[LiveEvent]]] = []
        self.joined = asyncio.Event()

    def tell(self, tenant_id: int, event: LiveEvent) -> None:
        for wanted, queue in self.watchers:
            if wanted == tenant_id:
                queue.put_nowait(event)

    @asynccontextmanager
    async def subscribe(self, tenant_id: int) -> AsyncIterator[AsyncIterator[LiveEvent]]:
        queue: asyncio.Queue[LiveEvent] = asyncio.Queue()
        entry = (tenant_id, queue)
        self.watchers.append(entry)
        self.joined.set()

        async def events() -> AsyncIterator[LiveEvent]:
            while True:
                yield await queue.get()

        try:
            yield events()
        finally:
            self.watchers.remove(entry)


class System:
    """The system port, always the same; ``hosts``: the tenants that run the platform; ``still``: engines that stand still."""

    def __init__(self) -> None:
        self.hosts: set[int] = set()
        self.still: list[str] = []

    async def snapshot(self, tenant_id: int) -> SystemSnapshot:
        del tenant_id
        return SystemSnapshot("test", "platform", [], {"0": 0}, {"refused.unknown_device": 3}, {"postgres": "18"}, {})

    async def runs_platform(self, tenant_id: int) -> bool:
        return tenant_id in self.hosts

    async def not_ready(self) -> list[str]:
        return []

    def standing_still(self) -> Sequence[str]:
        return self.still

    async def metrics(self, tenant_id: int | None) -> list[Metric]:
        if tenant_id is not None and tenant_id not in self.hosts:
            return [Metric("openmains_tenant", "gauge", "Own.", 1, {"name": "meters"})]
        return [Metric("openmains_reports_total", "counter", "Reports.", 7, {"node": 'a"b'})]


class Stream:
    """What was replayed."""

    def __init__(self) -> None:
        self.uplinks: list[Uplink] = []

    async def replay(self, uplinks: Sequence[Uplink]) -> None:
        self.uplinks += uplinks


@dataclass
class Utility:
    """A tenant with an administrator, a product, an area, and one row of everything that can be listed."""

    tenant_id: int
    code: str
    login: str
    password: str
    token: str
    ids: dict[str, int] = field(default_factory=dict)


@dataclass
class World:
    """``owner``: a connection that sees all tenants."""

    app: Litestar
    deps: ApiDeps
    owner: "asyncpg.Connection[Any]"
    urls: EngineUrls
    feed: Feed
    stream: Stream
    a: Utility
    b: Utility
    pipeline: Pool

    def client(
        self, token: str | None = None, language: str = "en", *, address: str = "127.0.0.1"
    ) -> httpx.AsyncClient:
        headers = {"Accept-Language": language}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        transport = httpx.ASGITransport(app=self.app, client=(address, 1))  # type: ignore[arg-type]
        return httpx.AsyncClient(transport=transport, base_url="http://om.test/api/v1", headers=headers)

    @asynccontextmanager
    async def signed_in(self, utility: Utility) -> AsyncIterator[httpx.AsyncClient]:
        async with self.client() as client:
            body = {"tenant": utility.code, "login": utility.login, "password": utility.password}
            answer = await client.post("/session", json=body, headers=OWN)
            assert answer.status_code == 201, answer.text
            client.headers.update(OWN)
            yield client

    async def utility(self) -> Utility:
        """One more, for a test that uses up what is its own."""
        return await _utility(self, DRIVER, MEDIUM)

    async def user(self, utility: Utility, role: str, login: str | None = None, **reach: Any) -> str:
        """Token of a new user with this role; ``reach``: places, media, products that it is limited to."""
        async with self.client(utility.token) as administrator:
            login = login or f"u{secrets.token_hex(4)}"
            answer = await administrator.post(
                "/users", json={"login": login, "name": login, "role": role, "reason": "test", **reach}
            )
            assert answer.status_code == 201, answer.text
            made = answer.json()
        await self.owner.execute("UPDATE app_user SET must_change = false WHERE user_id = $1", made["user"]["user_id"])
        person = Utility(utility.tenant_id, utility.code, login, made["password"], "")
        async with self.signed_in(person) as client:
            answer = await client.post("/tokens", json={"name": "t", "role": role, "reason": "test"})
            assert answer.status_code == 201, answer.text
            return str(answer.json()["secret"])


async def make_world(urls: EngineUrls, clickhouse: ClickHouse, folder: Path) -> World:
    pool = await create_pool(urls.postgres_api, role=API_ROLE)
    pipeline = await create_pool(urls.postgres_pipeline, role=PIPELINE_ROLE)
    readings = ClickHouseReadings(clickhouse)
    feed, stream = Feed(), Stream()
    masters = Masters.of(MasterKey(secrets.token_bytes(32)))
    console = folder / "console"
    (console / "assets").mkdir(parents=True)
    (console / "index.html").write_text("<title>console</title>")
    (console / "assets" / "a-1.js").write_text("1")
    (console / "assets" / "long-1.js").write_text("long" * 1000)
    (folder / "secret.txt").write_text("secret")
    deps = ApiDeps(
        store=PostgresStore(pool),
        sign_in_store=SignIn(pool),
        settings=ApiSettings(
            session_hours=12,
            upload_dir=folder,
            console_dir=console,
            api_rate=(10_000.0, 100_000),
            sign_in_rate=(10_000.0, 100_000),
        ),
        now_us=lambda: time.time_ns() // 1000,
        drivers=LoadedDriverCatalog(load()),
        system=System(),
        live=feed,
        readings=readings,
        quantities=ClickHouseQuantities(clickhouse),
        rule_history=ClickHouseRuleHistory(clickhouse),
        changes=ClickHouseChanges(clickhouse),
        volumes=ClickHouseVolumes(clickhouse),
        billed_days=BilledDays(clickhouse),
        typeset=TypstBills(),
        bulk=ClickHouseBulk(clickhouse),
        dimensions=readings,
        replay=stream,
        key_files=SealedFiles(folder / "keyfiles", lambda: masters, secrets.token_bytes),
        personal=personal_vault(pool),
        photos=photos_of(pool),
        stop_switch=FileSwitch(folder / "stop"),
        command_drivers=PlainDrivers(),
        cell_loads=ClickHouseCellLoads(clickhouse),
        customer_lookups=CustomerLookups(pool),
        push_addresses=PushAddresses(AddressGuard(networks_of("127.0.0.0/8"))),
        sealer=VaultSealer(Vault(PostgresKeys(pipeline), lambda: masters, secrets.token_bytes)),
    )
    owner = await asyncpg.connect(urls.postgres_owner)
    world = World(build_app(deps), deps, owner, urls, feed, stream, None, None, pipeline)  # type: ignore[arg-type]
    world.a = await _utility(world, DRIVER, MEDIUM)
    world.b = await _utility(world, DRIVER, MEDIUM)
    return world


async def _utility(world: World, driver: str, medium: str) -> Utility:
    code = f"t{secrets.token_hex(4)}"
    tenant_id, user_id, password = await create_tenant_admin(
        world.urls.postgres_owner, tenant_code=code, tenant_name=code, must_change=False
    )
    assert password is not None
    utility = Utility(tenant_id, code, "admin", password, "", {"user_id": user_id})
    async with world.signed_in(utility) as client:
        made = (await client.post("/tokens", json={"name": "all", "role": "administrator", "reason": "test"})).json()
    utility.token = made["secret"]
    utility.ids["token_id"] = made["token"]["token_id"]
    async with world.client(utility.token) as client:
        area = await client.post("/areas", json={"code": "north", "name": "North"})
        product = await client.post(
            "/products", json={"code": "p", "name": "P", "maker": "M", "model": "1", "driver": driver}
        )
        assert area.status_code == product.status_code == 201, (area.text, product.text)
        utility.ids |= {"area_id": area.json()["area_id"], "product_id": product.json()["product_id"]}
        meter = await client.post("/meters", json=new_meter(utility))
        assert meter.status_code == 201, meter.text
        utility.ids["meter_id"] = meter.json()["meter_id"]
    await _rows(world, utility)
    return utility


def new_meter(utility: Utility, **values: Any) -> dict[str, Any]:
    """Body for a meter with a random number and IMEI."""
    return {
        "number": f"{secrets.randbelow(10**10):010d}",
        "imei": f"86{secrets.randbelow(10**13):013d}",
        "product_id": utility.ids["product_id"],
        "area_id": utility.ids["area_id"],
        "installed_on": "2024-01-02",
        "expected_from": "2024-01-02",  # moved here from elsewhere with its days
        "address": "人民路 12 号",
    } | values


async def _rows(world: World, utility: Utility) -> None:
    tenant, meter, product = utility.tenant_id, utility.ids["meter_id"], utility.ids["product_id"]
    insert = world.owner.fetchval
    utility.ids["alarm_id"] = await insert(
        "INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us)"
        " VALUES ($1, $2, 'magnetic', 'major', 1700000000, 1700000001000000, 1700000003000000, 1700000001000000)"
        " RETURNING alarm_id",
        tenant,
        meter,
    )
    utility.ids["exception_id"] = await insert(
        "INSERT INTO reading_exception (tenant_id, meter_id, version, rule, at, day, value, expected)"
        " VALUES ($1, $2, 1, 10, 1700000000, 19675, 5000, 100) RETURNING exception_id",
        tenant,
        meter,
    )
    utility.ids["dead_letter_id"] = await insert(
        "INSERT INTO dead_letter (tenant_id, meter_id, product_id, channel, path, received_us, payload, reason)"
        " VALUES ($1, $2, $3, 'coap', '/r', 1700000000123456, '\\x0102', 'crc') RETURNING dead_letter_id",
        tenant,
        meter,
        product,
    )
    utility.ids["unknown"] = imei_of(86_9000_0000_0000 + tenant)
    await world.owner.execute(
        "INSERT INTO onboarding (imei, tenant_id, first_us, last_us, address, proven)"
        " VALUES ($1, $2, 1700000000000000, 1700000001000000, '10.0.0.1', true)",
        utility.ids["unknown"],
        tenant,
    )
    await world.owner.execute(
        "INSERT INTO terminal (imei, tenant_id, meter_id, state, score, reasons)"
        " SELECT imei, tenant_id, meter_id, 'observe', 10000, '{\"sim_changed\": 1}' FROM meter WHERE meter_id = $1",
        meter,
    )
    await world.owner.execute(
        "INSERT INTO terminal_finding (tenant_id, meter_id, imei, kind, at_us, count, address, detail, score, state)"
        " SELECT tenant_id, meter_id, imei, 'sim_changed', 1700000000123456, 1, '10.0.0.1', '', 10000, 'observe'"
        " FROM meter WHERE meter_id = $1",
        meter,
    )
    await world.owner.execute("INSERT INTO access_policy (tenant_id) VALUES ($1)", tenant)
    utility.ids["job_id"] = await insert(
        "INSERT INTO job (tenant_id, kind) VALUES ($1, 'import_meters') RETURNING job_id", tenant
    )
