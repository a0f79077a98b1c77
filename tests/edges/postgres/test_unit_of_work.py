# SPDX-License-Identifier: Apache-2.0
"""Every port that is asked of a transaction has its one adapter; a port without one is a fault that says so."""

import ast
from pathlib import Path
from typing import cast

import pytest

from openmains.app.identity.ports import UserStore
from openmains.edges.postgres.adapters import Bind, joined
from openmains.edges.postgres.db import Connection, Pool
from openmains.edges.postgres.identity.tables import Users
from openmains.edges.postgres.unit_of_work import PostgresStore, TenantWork
from tests.support.source_tree import naming, parsed

ROOT = Path(__file__).resolve().parents[3]
NO_POOL = cast(Pool, None)
NO_CONNECTION = cast(Connection, None)


def _asked_for() -> set[str]:
    """Names within ``work[…]`` anywhere in the source; a parameter that is a port (``type[…]``) is its caller's name for one."""
    found = set()
    for path in naming(ROOT / "src" / "openmains", ("work[",)):
        tree = parsed(path)
        given = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg) and _is_type(node.annotation)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "work":
                assert isinstance(node.slice, ast.Name), f"{path}:{node.lineno}: a port is asked for by its name"
                found.add(node.slice.id)
        found -= given
    return found


def _is_type(annotation: ast.expr | None) -> bool:
    return (
        isinstance(annotation, ast.Subscript)
        and isinstance(annotation.value, ast.Name)
        and annotation.value.id == "type"
    )


def test_every_port_asked_for_has_an_adapter_and_every_adapter_is_asked_for() -> None:
    assert _asked_for() == {port.__name__ for port in PostgresStore(NO_POOL).ports}


def test_a_port_without_an_adapter() -> None:
    with pytest.raises(LookupError, match="UserStore"):
        TenantWork(NO_CONNECTION, 1, {})[UserStore]


def test_a_port_with_two_adapters() -> None:
    users = dict([Bind(UserStore).to(Users)])
    with pytest.raises(ValueError, match="two adapters for UserStore"):
        joined([users, users])
