# SPDX-License-Identifier: Apache-2.0
"""The trail is read by people: each act and each kind of object the server writes into it has its words in the console."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import get_args

from openmains.app.command.model import BatchAction
from openmains.domain.alarm.life import AlarmStep
from openmains.domain.work_order.life import OrderStep
from tests.support.source_tree import naming, parsed

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/openmains"
WORDS = (ROOT / "console/src/features/identity/auditWords.ts").read_text("utf-8")
WRITERS = {
    "record": 1,
    "note": 1,
    "_record": 1,
}  # method: where the act stands among its arguments; the object's kind is next to it
BUILT = (
    {f"{action}_batch" for action in get_args(BatchAction)}
    | {  # `f"{action}_batch"`, `f"{step}_alarm"`, `f"{step}_alarm_group"`
        f"{step}_order" for step in OrderStep
    }
    | {f"{step}_{what}" for step in set(AlarmStep) - {AlarmStep.SHOW} for what in ("alarm", "alarm_group")}
    - {"reopen_alarm_group"}
)  # its members are, one by one


def words_of(group: str) -> set[str]:
    """Keys of one group of the console's words."""
    found = re.search(rf"^  {group}: {{\n(.*?)^  }},", WORDS, re.DOTALL | re.MULTILINE)
    assert found, group
    return set(re.findall(r'^    "?([\w -]+?)"?: \[', found[1], re.MULTILINE))


def constants(node: ast.expr) -> set[str]:
    """The strings an expression may be; nothing where a variable tells."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    return constants(node.body) | constants(node.orelse) if isinstance(node, ast.IfExp) else set()


@cache
def written() -> tuple[set[str], set[str]]:
    """Acts and kinds of objects in the server's code and statements."""
    acts, kinds = set(BUILT), set()
    for file in naming(SOURCE, [f".{method}(" for method in WRITERS]):
        for node in ast.walk(parsed(file)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            at = WRITERS.get(node.func.attr)
            if (
                at is None
                or len(node.args) < at + 2
                or not re.search("audit|trail|self|store", ast.unparse(node.func.value), re.I)
            ):
                continue
            acts |= constants(node.args[at])
            if node.func.attr != "_record":
                kinds |= constants(node.args[at + 1])
    for file in naming(SOURCE, ["_decided("]):
        acts |= set(re.findall(r'_decided\([^)]*"(\w+)"', file.read_text("utf-8")))
    for file in SOURCE.rglob("*.sql"):
        for actor, act, kind in re.findall(
            r"INTO audit [^;]*?VALUES \(:tenant_id, '([\w ]+)', (\S+), '?(\w+)", file.read_text("utf-8")
        ):
            assert actor in words_of("actors")
            acts |= {act.strip("'")} - {":action"}
            kinds |= {kind} - {"object_type"}
    return acts, kinds


def test_every_act_and_object_of_the_trail_has_words() -> None:
    acts, kinds = written()
    assert {
        "give_command",
        "approve_edit",
        "generate_keys",
        "create_user",
        "pause_batch",
        "create",
    } <= acts  # all ways of writing
    assert acts - words_of("actions") == set()
    assert kinds - words_of("objects") == set()


def test_no_words_for_what_is_never_done() -> None:
    acts, kinds = written()
    assert words_of("actions") - acts == set()
    assert (
        words_of("objects") - kinds - {"command", "command_batch"} == set()
    )  # these two also by a variable (`signing.approve`)
