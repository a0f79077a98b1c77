# SPDX-License-Identifier: Apache-2.0
"""Layouts of direct-debit files: each page of TOML in this folder is one. A page that is not whole stops the start."""

import tomllib
from collections.abc import Mapping
from importlib import resources

from openmains.domain.payment.debit_layout import DebitLayout, layout_of


def _all() -> Mapping[str, DebitLayout]:
    found = {}
    for page in sorted(resources.files(__package__).iterdir(), key=lambda one: one.name):
        if page.name.endswith(".toml"):
            layout = layout_of(tomllib.loads(page.read_text("utf-8")))
            if f"{layout.name}.toml" != page.name:
                raise ValueError(f"layout {layout.name} stands in {page.name}")
            found[layout.name] = layout
    return found


LAYOUTS = _all()
OURS = "openmains-1"
