# SPDX-License-Identifier: Apache-2.0
"""What a process of its own finds: the embedded ClickHouse of an ended system, of which a process can open one only."""

import multiprocessing
from collections.abc import Callable
from typing import Any


def found_by_child(look: Callable[..., None], *args: object) -> Any:
    """What ``look`` sends on the connection that is its first argument."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=look, args=(theirs, *args), daemon=True)
    child.start()
    theirs.close()
    try:
        return ours.recv()
    finally:
        child.join()
        ours.close()
