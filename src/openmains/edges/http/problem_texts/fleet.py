# SPDX-License-Identifier: Apache-2.0
"""Areas, products, meters."""

from openmains.edges.http.problem_texts.text import Text

TEXTS: dict[str, Text] = {
    "code-taken": Text(
        409,
        "代码已被使用",
        "该代码已存在。请换一个，或修改已有的对象。",
        "Code taken",
        "This code exists already. Choose another or change the existing object.",
    ),
    "number-taken": Text(
        409,
        "表号或 IMEI 已被使用",
        "已有水表或燃气表使用该表号或 IMEI。请核对铭牌，或先拆除原来的表。",
        "Number or IMEI taken",
        "Another meter has this number or IMEI. Check the plate or remove the other meter first.",
    ),
    "concentrator-taken": Text(
        409,
        "终端号已登记",
        "该终端号已登记，可能属于其他单位。请核对铭牌；若已在本单位，请修改已有的集中器。",
        "Number registered already",
        "This number is registered already, perhaps by another utility. Check the plate; if it is yours, change the one that is there.",
    ),
    "meters-not-free": Text(
        409,
        "有表不能归入该集中器",
        "{count} 个表号不在台账中、已拆除、无法写入报文（应为至多 16 位数字），或已属于其他集中器，未作任何更改：{numbers}",
        "Meters that cannot be put behind it",
        "{count} numbers are no meters in use, fit no frame (16 digits at most), or are behind another one; nothing was changed: {numbers}",
    ),
    "meters-not-behind": Text(
        409,
        "有表不在该集中器之下",
        "{count} 个表号不在该集中器之下，未作任何更改：{numbers}",
        "Meters that are not behind it",
        "{count} numbers are not behind this concentrator; nothing was changed: {numbers}",
    ),
    "meters-alike": Text(
        409,
        "两个表号在报文中相同",
        "表号 {one} 与 {other} 在报文中相同（只差前导零），无法区分谁在上报，未作任何更改。",
        "Two numbers are the same in a frame",
        "The numbers {one} and {other} differ in leading zeros only, so nobody could tell which of them speaks. Nothing was changed.",
    ),
    "already-removed": Text(
        409,
        "表已拆除",
        "该表已拆除，不能再修改。新表请另行登记。",
        "Meter removed",
        "This meter was removed and cannot be changed any more. Register the new meter separately.",
    ),
}
