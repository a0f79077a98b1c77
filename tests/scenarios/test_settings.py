# SPDX-License-Identifier: Apache-2.0
"""Settings whose effect lies far from where they are read: what a running system makes of them."""

import asyncio
import subprocess
import sys

from openmains.bench.system import engine_urls
from openmains.edges.postgres.identity.tables import create_tenant_admin
from tests.support.engines import new_var, remove_var
from tests.support.system import Systems

SHOW = """
import sys
from openmains.edges.clickhouse.client import ClickHouse
engine = ClickHouse(sys.argv[1])
print(engine.query_now("SHOW CREATE TABLE frame")[0][0])
engine.close()
"""


async def test_session_and_frame_log_last_as_set(systems: Systems) -> None:
    var = new_var()
    try:
        with systems(var, session_hours=3, frame_log_days=45) as system:
            _, _, password = await create_tenant_admin(
                engine_urls(var)["postgres_owner"], tenant_code="t", tenant_name="t", must_change=False
            )
            answer = system.api.post("/session", json={"tenant": "t", "login": "admin", "password": password})
            assert "max-age=10800" in answer.headers["set-cookie"].lower(), answer.text
        # the embedded engine belongs to one process: it is asked once the system has ended
        asked = [sys.executable, "-c", SHOW, engine_urls(var)["clickhouse"]]
        done = await asyncio.to_thread(subprocess.run, asked, capture_output=True, text=True, check=True)
        assert "TTL at + toIntervalDay(45)\n" in done.stdout
    finally:
        remove_var(var)
