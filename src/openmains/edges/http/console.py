# SPDX-License-Identifier: Apache-2.0
"""The console's files: hashed names for ever, ``index.html`` always fresh and for every page of it.

Text goes out as gzip where the client takes it; each file is compressed once and kept (about 400 kB for all).
"""

import asyncio
import gzip
import mimetypes
from functools import lru_cache
from pathlib import Path
from typing import Any

from litestar import Request, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import File, Response

_FOR_EVER = "public, max-age=31536000, immutable"
_TEXT = frozenset({"text/html", "text/css", "text/javascript", "application/javascript", "application/json",
                   "image/svg+xml"})  # fmt: skip
_KINDS = {
    ".js": "text/javascript",
    ".webmanifest": "application/manifest+json",
}  # whatever the machine's own table says
PHONE_APPS = ("field", "my")
_WORTH_BYTES = 1024  # below it the answer fits one packet either way


def console_handlers(folder: Path | None) -> list[Any]:
    """Handlers for ``/`` and below; none without a console."""
    if folder is None:
        return []
    root = folder.resolve()

    @get("/", include_in_schema=False, operation_id="console_index")
    async def console_index(request: Request[Any, Any, Any]) -> Response[Any]:
        return await _file(root, root / "index.html", request)

    @get("/{path:path}", include_in_schema=False, operation_id="console_file")
    async def console_file(request: Request[Any, Any, Any], path: FromPath[Path]) -> Response[Any]:
        wanted = str(path).lstrip("/")
        if wanted.split("/", 1)[0] in ("api", "metrics") or "\0" in wanted:
            raise NotFoundException
        target = (root / wanted).resolve()
        if not target.is_relative_to(root) or not target.is_file():
            if "." in wanted.rsplit("/", 1)[-1]:
                raise NotFoundException  # a missing asset; only pages fall back to the index
            app = wanted.split("/", 1)[0]
            phone = root / app / "index.html"  # the phone pages, of the staff and of customers, are apps of their own
            target = phone if app in PHONE_APPS and phone.is_file() else root / "index.html"
        return await _file(root, target, request)

    return [console_index, console_file]


async def _file(root: Path, target: Path, request: Request[Any, Any, Any]) -> Response[Any]:
    cache = _FOR_EVER if "assets" in target.relative_to(root).parts else "no-cache"
    kind = _KINDS.get(target.suffix) or mimetypes.guess_type(target.name)[0] or "application/octet-stream"
    headers = {"Cache-Control": cache}
    facts = await asyncio.to_thread(target.stat)
    if kind in _TEXT and facts.st_size >= _WORTH_BYTES:
        headers["Vary"] = "Accept-Encoding"
        if takes_gzip(request.headers.get("accept-encoding", "")):
            packed = await asyncio.to_thread(_packed, target, facts.st_mtime_ns, facts.st_size)
            headers["Content-Encoding"] = "gzip"
            return Response(packed, media_type=kind, headers=headers)
    return File(target, media_type=kind, filename=target.name, content_disposition_type="inline", headers=headers)


def takes_gzip(accepted: str) -> bool:
    """Whether an ``Accept-Encoding`` names gzip (or anything) without a weight of nought."""
    weights: dict[str, float] = {}
    for item in accepted.lower().split(","):
        name, _, weight = item.partition(";")
        try:
            weights[name.strip()] = float(weight.partition("=")[2] or 1)
        except ValueError:
            weights[name.strip()] = 0.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0


@lru_cache(maxsize=256)
def _packed(target: Path, changed_ns: int, size: int) -> bytes:
    """The file compressed; a file built anew has another time of change."""
    del changed_ns, size
    return gzip.compress(target.read_bytes(), 9, mtime=0)
