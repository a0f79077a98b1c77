# SPDX-License-Identifier: Apache-2.0
"""How the embedded ClickHouse is set up: a page of its settings for each ``engine_size``.

The engine's defaults are for a server of its own: caches of gigabytes, pools of hundreds of threads, merges of every few parts.
What a page leaves out is the engine's own.
"""

from pathlib import Path

SIZES = ("small", "large")


def options(size: str) -> dict[str, str]:
    """Options of a connection to the embedded engine; ``size``: one of ``SIZES``. The first connection of a process decides.

    ``pread``: a read is done by the thread that wants it. Handing it to a pool costs two wake-ups, more than the read.
    """
    if size not in SIZES:
        raise ValueError(f"the embedded ClickHouse has no size {size!r}")
    return {"config-file": str(Path(__file__).with_name(f"{size}.xml")), "local_filesystem_read_method": "pread"}
