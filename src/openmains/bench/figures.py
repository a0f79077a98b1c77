# SPDX-License-Identifier: Apache-2.0
"""What a bench says at its end: its figures for people, and as one line of JSON with the machine's calibration."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def tell_keys(figures: Mapping[str, Any], keys: Sequence[str], machine: object, *, as_json: bool) -> None:
    """In one line, in the order of ``keys``; a figure that was not taken is left out, and null in the JSON."""
    print(", ".join(f"{key} {figures[key]}" for key in keys if key in figures), flush=True)
    if as_json:
        print(json.dumps({key: figures.get(key) for key in keys} | {"machine": machine}), flush=True)


def tell_table(figures: Mapping[str, Any], *, only_json: bool) -> None:
    """A line each, unless ``only_json``; the last line is JSON."""
    if not only_json:
        for key, value in figures.items():
            print(f"{key:>22}  {value}")
    print(json.dumps(figures))
