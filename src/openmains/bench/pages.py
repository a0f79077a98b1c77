# SPDX-License-Identifier: Apache-2.0
"""``openmains bench pages``: how long a page of the console takes to open with a city registered, in a real browser.

The registry and the meter-days are those of ``bench query``, in a directory of their own. The system is served as always;
Chromium opens each page with an empty cache and waits for its content (``console/e2e/pages.mjs``).
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from openmains.bench import calibration
from openmains.bench.network_data import add_network
from openmains.bench.query import Sizes, build_in
from openmains.bench.system import free_port
from openmains.edges.postgres.db import connect
from openmains.edges.postgres.identity.tables import create_tenant_admin
from openmains.run.engines.engines import EngineOptions, Engines

WALK = Path(__file__).resolve().parents[3] / "console" / "e2e" / "pages.mjs"
READY_S = 180


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--meters", type=int, default=1_000_000)
    parser.add_argument("--meter-days", type=int, default=5_000_000)
    parser.add_argument("--opens", type=int, default=20, help="of each page")
    parser.add_argument("--json", action="store_true", help="only the JSON line on standard output")


def main(args: argparse.Namespace) -> int:
    """Build or reuse, serve, open pages, print; the last line is JSON."""
    node = shutil.which("node")
    if node is None or not WALK.is_file():
        print("openmains bench pages: needs Node.js and the source tree (console/e2e)", file=sys.stderr)
        return 2
    var = Path(args.var or "bench-pages-var").absolute()
    var.mkdir(parents=True, exist_ok=True, mode=0o711)
    password = asyncio.run(_prepare(args, var))
    machine = calibration.say(quiet=args.json)
    figures = _open_pages(args, var, node, password) | {"machine": machine}
    if not args.json:
        for page, figure in figures["pages"].items():
            print(
                f"{page:>26}  p50 {figure['p50_ms']:>6} ms  p95 {figure['p95_ms']:>6} ms  limit {figure['limit_ms']} ms"
                f"  {figure['calls']:>2} calls"
            )
    print(json.dumps(figures))
    return 0 if all(figure["p95_ms"] <= figure["limit_ms"] for figure in figures["pages"].values()) else 1


async def _prepare(args: argparse.Namespace, var: Path) -> str:
    """The data set and an administrator with a fresh password."""
    engines = Engines(var, EngineOptions(size="large"))
    urls = await engines.start()
    try:
        tenant_id = await build_in(Sizes(args.meters, args.meter_days), var, urls)
        connection = await connect(urls.postgres_owner, application="openmains-bench")
        try:
            code = await connection.fetchval("SELECT code FROM tenant WHERE tenant_id = $1", tenant_id)
            await connection.execute("DELETE FROM app_user WHERE tenant_id = $1", tenant_id)
            await add_network(connection, tenant_id)
        finally:
            await connection.close()
        _, _, password = await create_tenant_admin(
            urls.postgres_owner, tenant_code=code, tenant_name=code, must_change=False
        )
        assert password is not None  # noqa: S101 the user was just removed
        return password
    finally:
        await engines.stop()


def _open_pages(args: argparse.Namespace, var: Path, node: str, password: str) -> dict[str, Any]:
    http, coap = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    environment = {**os.environ, "OPENMAINS_HTTP_PORT": str(http), "OPENMAINS_COAP_PORT": str(coap)}
    served = subprocess.Popen(  # noqa: S603 our own program
        [sys.executable, "-m", "openmains.run.cli", "serve", "--var", str(var)],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{http}"
        _wait_ready(url, served)
        done = subprocess.run(  # noqa: S603 our own script
            [node, str(WALK), str(args.opens)],
            env={**os.environ, "OPENMAINS_E2E_URL": url, "OPENMAINS_E2E_PASSWORD": password},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return {"meters": args.meters, "meter_days": args.meter_days, "pages": json.loads(done.stdout.splitlines()[-1])}
    finally:
        served.send_signal(signal.SIGINT)
        served.wait(60)


def _wait_ready(url: str, served: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + READY_S
    while True:
        try:
            if httpx.get(f"{url}/api/v1/ready", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        if served.poll() is not None or time.monotonic() > until:
            raise SystemExit("openmains bench pages: the system did not become ready")
        time.sleep(0.5)
