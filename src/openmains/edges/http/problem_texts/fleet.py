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
    "already-removed": Text(
        409,
        "表已拆除",
        "该表已拆除，不能再修改。新表请另行登记。",
        "Meter removed",
        "This meter was removed and cannot be changed any more. Register the new meter separately.",
    ),
}
