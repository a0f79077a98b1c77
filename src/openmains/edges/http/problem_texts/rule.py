# SPDX-License-Identifier: Apache-2.0
"""Rules that people make."""

from openmains.edges.http.problem_texts.text import Text

TEXTS: dict[str, Text] = {
    "rule-name-taken": Text(
        409,
        "规则名称已被使用",
        "已有名为“{name}”的规则。请换一个名称，或修改那条规则。",
        "The name is taken",
        "There is a rule named “{name}” already. Choose another name, or change that rule.",
    ),
    "too-many-rules": Text(
        409,
        "规则过多",
        "每个单位最多 {most} 条规则。请修改已停用的规则，而不是新建。",
        "Too many rules",
        "A utility has at most {most} rules. Change one that is off instead of adding another.",
    ),
}
