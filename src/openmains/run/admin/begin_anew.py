# SPDX-License-Identifier: Apache-2.0
"""``openmains begin-readings-anew``: a person says that the readings are lost and that there is no backup of them."""

import argparse
import os
import time

from openmains.run import messages, preflight
from openmains.run.engines.child import StartError
from openmains.run.roles.file_care import BEGIN_ANEW
from openmains.run.settings import Loaded


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--yes``."""
    parser.add_argument("--yes", action="store_true", help=messages.text("确认", "confirm"))


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Put what is there aside; the next start begins with empty readings."""
    if not args.yes:
        raise StartError(
            "之前的读数、原始报文与信号记录将显示为缺失;确认请加 --yes。",
            "the readings, frames and signals of before are then shown as missing: confirm with --yes.",
        )
    var = loaded.settings.var_path
    lock = preflight.open_var(loaded.settings)
    try:
        place = var / "clickhouse"
        moved = var / "damaged" / f"clickhouse.{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}"
        moved.parent.mkdir(mode=0o700, exist_ok=True)
        for path in (place, var / "definitions" / "clickhouse"):
            if path.exists():
                path.rename(moved if path == place else moved.with_name(f"{moved.name}.definitions"))
        (var / "definitions" / "clickhouse.parts").unlink(missing_ok=True)
        (var / "run" / BEGIN_ANEW).touch(mode=0o600)
    finally:
        os.close(lock)
    messages.show(
        f"原读数库保留在 {moved};下次启动时重新建立。",
        f"what was there is kept in {moved}; the next start begins anew.",
    )
    return 0
