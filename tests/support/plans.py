# SPDX-License-Identifier: Apache-2.0
"""What a plan of PostgreSQL reads, for tests of queries that must use an index."""

from typing import Any


def read_plan(plan: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Indexes of a plan (EXPLAIN in JSON), and tables that it reads as a whole."""
    indexes, whole, nodes = set(), set(), [plan]
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", ())
        if "Index Name" in node:
            indexes.add(node["Index Name"])
        if node["Node Type"] == "Seq Scan":
            whole.add(node["Relation Name"])
    return indexes, whole
