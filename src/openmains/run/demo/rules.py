# SPDX-License-Identifier: Apache-2.0
"""The demo utility's rules: half a dozen that a utility would have, each tried on the history and switched on. What is there stays."""

import asyncio
import contextlib
import logging
from typing import Any, Final

import asyncpg

from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.run.demo.chief import chief_of
from openmains.run.demo.over_api import OverApi
from openmains.run.logs import say
from openmains.run.settings import Settings

log = logging.getLogger("openmains.demo")
REASON: Final = "演示 demo"
AGAIN_S: Final = 5.0
RULES: Final[dict[str, dict[str, Any]]] = {
    "电池电压低 Battery low": {"condition": {"value": "battery_mv", "below": 3100}, "severity": "minor"},
    "一天半没有消息 Silent for 36 h": {"condition": {"silent_h": 36}, "severity": "major", "work_order": "communication"},
    "磁干扰 Magnetic interference": {"condition": {"event": "magnetic"}, "severity": "critical", "work_order": "meter_fault"},
    "信号弱持续一小时 Weak signal for an hour": {
        "condition": {"value": "rsrp_ddbm", "below": -1174}, "held_s": 3600, "severity": "info"
    },
    "缺三天数据 Three days missing": {"condition": {"missing_days": 3}, "severity": "minor", "work_order": "reading_visit"},
    "同小区五分之一失联 A fifth of a radio cell silent": {
        "condition": {"meters": 5, "percent": 20, "within": "cell", "of": {"silent_h": 26}}, "severity": "major"
    },
}  # fmt: skip


async def make_rules(settings: Settings, tenant_id: TenantId, stop: asyncio.Event) -> None:
    """When the core answers. What goes wrong is told, and the demo goes on without it."""
    pool = await create_pool(settings.urls().postgres_api, max_size=2)
    owner = await create_pool(settings.urls().postgres_owner, max_size=1)
    try:
        made = await _make(settings, PostgresStore(pool), owner, tenant_id, stop)
        if made:
            say(f"已启用 {made} 条规则 / {made} rules are on")
    except Exception:
        log.exception("the demo's rules were not made")
        say("演示规则未能建立,详见日志 / the demo's rules were not made; the log says why")
    finally:
        await owner.close()
        await pool.close()


async def _make(
    settings: Settings, store: PostgresStore, owner: asyncpg.Pool, tenant_id: TenantId, stop: asyncio.Event
) -> int:
    actor = await chief_of(owner, tenant_id)
    if actor is None:
        return 0
    made: set[str] = set()
    async with OverApi(store, actor, settings.http_port, REASON) as api:
        while not stop.is_set():
            try:
                await _switch_on(api, made)
                break
            except OSError:  # nobody answers yet, or works off the demo's past first: gone on with where it stopped
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), AGAIN_S)
    return len(made)


async def _switch_on(api: OverApi, made: set[str]) -> None:
    known = {rule["name"]: rule for rule in (await api.get("/rules?limit=100"))["items"]}
    for name, said in RULES.items():
        rule = known.get(name)
        if rule is not None and (rule["is_on"] or name not in made):
            continue  # there since an earlier start: whoever switched it off had a reason
        draft = dict(said)
        if rule is None:
            made.add(name)
            draft["cases"] = (await api.post("/rules/check", draft))["cases"]
            rule = await api.post("/rules", {"name": name, "draft": draft})
        await api.post("/rules/trial", draft)
        await api.post(f"/rules/{rule['rule_id']}/switch", {"is_on": True, "reason": REASON})
