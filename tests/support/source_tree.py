# SPDX-License-Identifier: Apache-2.0
"""Python files as syntax trees, each parsed once for all tests that look at them."""

import ast
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path


def naming(folder: Path, words: Collection[str]) -> Iterator[Path]:
    """Python files below ``folder`` in whose text one of ``words`` stands: parsing all of them takes seconds."""
    for path in folder.rglob("*.py"):
        text = path.read_text("utf-8")
        if any(word in text for word in words):
            yield path


@cache
def parsed(path: Path) -> ast.Module:
    """The tree of a file of this checkout; nobody changes it."""
    return ast.parse(path.read_text("utf-8"))
