# SPDX-License-Identifier: Apache-2.0
"""The console's files as they are served: pages fall back to their own app, the worker and the manifest are never stale."""

from pathlib import Path

import httpx
from litestar import Litestar

from openmains.edges.http.console import console_handlers


async def test_the_phone_pages_are_an_app_of_their_own(tmp_path: Path) -> None:
    files = {
        "index.html": "console", "field/index.html": "phone", "field-worker.js": "worker", "field.webmanifest": "{}",
        "assets/a-1.js": "code",
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    app = Litestar(console_handlers(tmp_path))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://om.test") as client:
        for path, text in (
            ("/", "console"), ("/meters/1", "console"), ("/fields", "console"), ("/field", "phone"), ("/field/", "phone"),
            ("/field/routes/1/meters/2", "phone"),
        ):  # fmt: skip
            answer = await client.get(path)
            assert (answer.text, answer.headers["cache-control"]) == (text, "no-cache"), path
            assert answer.headers["content-type"].startswith("text/html")
        worker, manifest = await client.get("/field-worker.js"), await client.get("/field.webmanifest")
        assert (worker.headers["content-type"].split(";")[0], worker.headers["cache-control"]) == (
            "text/javascript",
            "no-cache",
        )
        assert manifest.headers["content-type"].split(";")[0] == "application/manifest+json"
        assert "immutable" in (await client.get("/assets/a-1.js")).headers["cache-control"]
        assert (await client.get("/field/missing.js")).status_code == 404
