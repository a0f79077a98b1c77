# SPDX-License-Identifier: Apache-2.0
"""The console's files: hashed names for ever, ``index.html`` always fresh and for every page of it."""

import mimetypes
from pathlib import Path
from typing import Any

from litestar import Request, get
from litestar.exceptions import NotFoundException
from litestar.response import File

_FOR_EVER = "public, max-age=31536000, immutable"


def console_handlers(folder: Path | None) -> list[Any]:
    """Handlers for ``/`` and below; none without a console."""
    if folder is None:
        return []
    root = folder.resolve()

    @get(["/", "/{path:path}"], include_in_schema=False, operation_id="console", name="console")
    async def console(request: Request[Any, Any, Any], path: Path | None = None) -> File:
        wanted = str(path or "").lstrip("/")
        if wanted.startswith("api/"):
            raise NotFoundException
        target = (root / wanted).resolve() if wanted else root / "index.html"
        if not target.is_relative_to(root) or not target.is_file():
            if "." in wanted.rsplit("/", 1)[-1]:
                raise NotFoundException  # a missing asset; only pages fall back to the index
            target = root / "index.html"
        cache = _FOR_EVER if "assets" in target.relative_to(root).parts else "no-cache"
        kind = mimetypes.guess_type(target.name)[0] or "application/octet-stream"
        return File(
            target, media_type=kind, filename=target.name, content_disposition_type="inline",
            headers={"Cache-Control": cache},
        )  # fmt: skip

    return [console]
