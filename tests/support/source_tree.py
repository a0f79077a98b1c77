# SPDX-License-Identifier: Apache-2.0
"""Python files as syntax trees, each parsed once for all tests that look at them."""

import ast
from functools import cache
from pathlib import Path


@cache
def parsed(path: Path) -> ast.Module:
    """The tree of a file of this checkout; nobody changes it."""
    return ast.parse(path.read_text("utf-8"))
