# SPDX-License-Identifier: Apache-2.0
"""The name under which a pipeline process holds leases: kept, so that the one started in place of a killed one goes on at once."""

import secrets
from pathlib import Path


def holder_of(var: Path, process: str) -> str:
    """``core-1f0c…``: of this process of this ``var``, whose lock the caller holds (``roles/main.py``), made at its first start."""
    file = var / "run" / f"{process}.holder"
    try:
        kept = file.read_text("ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        kept = ""
    if not kept.isalnum() or len(kept) != 16:  # lost or damaged: a new name, and the old leases run out
        kept = secrets.token_hex(8)
        file.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        file.write_text(kept, "ascii")
    return f"{process}-{kept}"
