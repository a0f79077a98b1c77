# SPDX-License-Identifier: Apache-2.0
"""Series and edits of readings."""

from openmains.edges.http.problem_texts.text import Text

TEXTS: dict[str, Text] = {
    "too-many-points": Text(
        400,
        "数据点过多",
        "该范围和步长会产生超过 {limit} 个点。请缩小范围或选更大的步长。",
        "Too many points",
        "This range and step give more than {limit} points. Choose a smaller range or a larger step.",
    ),
    "number-shared": Text(
        409,
        "表号不唯一",
        "报文中的表号 {number} 与多只在用表（{meters}）的登记表号相符。请先更正台账中的表号，再判断。",
        "Several meters under this number",
        "The number {number} in the frames fits several meters in use ({meters}). Correct their numbers in the registry, then judge.",
    ),
    "day-open": Text(
        409,
        "当日数据尚未到齐",
        "该表 {day} 的数据还没有到齐，之后的上报会覆盖修改。请在该表下次上报之后再修改。",
        "Day not complete yet",
        "The meter's data of {day} are not complete; its next report would take the place of the edit. Edit it after that.",
    ),
}
