# SPDX-License-Identifier: Apache-2.0
"""The console's files: hashed names for ever, ``index.html`` always fresh and for every page of it."""

import mimetypes
from pathlib import Path
from typing import Any

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import File

_FOR_EVER = "public, max-age=31536000, immutable"


def console_handlers(folder: Path | None) -> list[Any]:
    """Handlers for ``/`` and below; none without a console."""
    if folder is None:
        return []
    root = folder.resolve()

    @get("/", include_in_schema=False, operation_id="console_index")
    async def console_index() -> File:
        return _file(root, root / "index.html")

    @get("/{path:path}", include_in_schema=False, operation_id="console_file")
    async def console_file(path: FromPath[Path]) -> File:
        wanted = str(path).lstrip("/")
        if wanted.split("/", 1)[0] in ("api", "metrics") or "\0" in wanted:
            raise NotFoundException
        target = (root / wanted).resolve()
        if not target.is_relative_to(root) or not target.is_file():
            if "." in wanted.rsplit("/", 1)[-1]:
                raise NotFoundException  # a missing asset; only pages fall back to the index
            target = root / "index.html"
        return _file(root, target)

    return [console_index, console_file]


def _file(root: Path, target: Path) -> File:
    cache = _FOR_EVER if "assets" in target.relative_to(root).parts else "no-cache"
    kind = mimetypes.guess_type(target.name)[0] or "application/octet-stream"
    headers = {"Cache-Control": cache}
    return File(target, media_type=kind, filename=target.name, content_disposition_type="inline", headers=headers)
