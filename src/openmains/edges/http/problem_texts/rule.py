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
    "rule-not-tried": Text(
        409,
        "规则尚未试算",
        "启用规则，或修改已启用的规则之前，须在最近 30 天的数据上试算它现在的条件与范围。请点“在最近 30 天试算”，看过结果后再做。",
        "The rule was not tried",
        "Before a rule is switched on, or one that is on is changed, what it asks and for whom is tried on the last 30 days."
        " Try it, look at what it would have done, then do this again.",
    ),
    "rule-second-person": Text(
        403,
        "须由另一人启用",
        "第 {version} 版由您编写，且会建议命令，须由另一人启用。",
        "Another person switches it on",
        "You wrote version {version}, which proposes commands, so another person must switch the rule on.",
    ),
    "rule-changes-when-off": Text(
        409,
        "请先停用规则",
        "会建议命令的规则，启用期间不能修改，否则一人即可使之生效。请先停用，修改并试算，再由另一人启用。",
        "Switch the rule off first",
        "A rule that proposes commands is not changed while it is on, since one person alone would put it in force."
        " Switch it off, change it, try it, and let another person switch it on.",
    ),
    "too-many-rules": Text(
        409,
        "规则过多",
        "每个单位最多 {most} 条规则。请修改已停用的规则，而不是新建。",
        "Too many rules",
        "A utility has at most {most} rules. Change one that is off instead of adding another.",
    ),
}
