# SPDX-License-Identifier: Apache-2.0
"""API and worker of the core process."""

import asyncio
from typing import Any

from openmains.run.settings import Settings


async def run_api_and_worker(settings: Settings, stop: asyncio.Event, *_: Any) -> None:
    server = await asyncio.start_server(lambda r, w: w.close(), settings.http_host, settings.http_port)
    await stop.wait()
    server.close()
