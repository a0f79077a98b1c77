# SPDX-License-Identifier: Apache-2.0
"""Files that people upload for the worker: what they are, and where they wait."""

import hashlib
import shutil
from pathlib import Path
from typing import Literal

from litestar.datastructures import UploadFile

from openmains.app.problems import Problem

LARGEST_IMPORT = 512 * 1024 * 1024  # a million rows are about 150 MB


async def kind_of(upload: UploadFile) -> Literal["csv", "xlsx"]:
    """By its first bytes, not the name alone. Raises ``invalid-input``."""
    head = await upload.read(4096)
    await upload.seek(0)
    if head[:4] == b"PK\x03\x04":
        return "xlsx"
    if head and b"\x00" not in head and (upload.filename or "").lower().endswith((".csv", ".txt")):
        return "csv"
    raise Problem("invalid-input", fields=(("/data", "not-csv-or-xlsx"),))


def keep_upload(upload: UploadFile, folder: Path, kind: str) -> tuple[str, Path]:
    """Store the upload under its own hash, whole or not at all; returns hash and path."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    upload.file.seek(0)
    digest = hashlib.sha256()
    while block := upload.file.read(1 << 20):
        digest.update(block)
    path = folder / f"{digest.hexdigest()}.{kind}"
    if path.exists():
        path.touch()  # it is kept from now on
    else:
        upload.file.seek(0)
        part = path.with_suffix(".part")
        with part.open("wb") as target:
            shutil.copyfileobj(upload.file, target, 1 << 20)
        part.replace(path)
    return digest.hexdigest(), path
