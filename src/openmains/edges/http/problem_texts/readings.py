# SPDX-License-Identifier: Apache-2.0
"""Series and edits of readings."""

from openmains.edges.http.problem_texts.text import Text

TEXTS: dict[str, Text] = {
    "tasks-overlap": Text(
        409,
        "已有计划中的任务",
        "同一对象已有自 {first} 起的任务。请先结束它，或把新任务的末日定在其之前。",
        "A task is planned already",
        "The same target has a task that begins on {first}. End that one first, or let the new one end before it.",
    ),
    "task-over": Text(
        409,
        "任务已结束",
        "该任务已不再有效，不能再结束。请刷新列表。",
        "The task is over",
        "This task is no longer in force, so it cannot be ended. Load the list again.",
    ),
    "too-many-tasks": Text(
        409,
        "单表任务过多",
        "单独设置任务的表已达 {most} 只。请改按区域或产品设置。",
        "Too many tasks of single meters",
        "{most} meters have a task of their own already. Set it for an area or a product instead.",
    ),
    "no-visit": Text(
        409,
        "无需上门",
        "该表没有等待上门的日期，可能刚刚补到。请刷新列表。",
        "No visit is waiting",
        "No day of this meter waits for a visit; it may just have come. Load the list again.",
    ),
    "too-many-points": Text(
        400,
        "数据点过多",
        "该范围和步长会产生超过 {limit} 个点。请缩小范围或选更大的步长。",
        "Too many points",
        "This range and step give more than {limit} points. Choose a smaller range or a larger step.",
    ),
    "no-registers": Text(
        409,
        "监测终端没有用量",
        "该设备是监测终端，没有累计量和用量。请查询其测点：/meters/〈编号〉/quantities 与 /series。",
        "A monitor has no registers",
        "This device is a monitor: it has neither registers nor volume. Remedy for its quantities: /meters/<id>/quantities and /series.",
    ),
    "unknown-quantity": Text(
        400,
        "没有这个测点",
        "不存在可查询的测点“{name}”。该表有哪些测点，见 /meters/〈编号〉/quantities。",
        "No such quantity",
        "There is no quantity “{name}” to ask for. Those of a meter are listed by /meters/<id>/quantities.",
    ),
    "too-many-values": Text(
        400,
        "数值过多",
        "该时段的数值超过 {limit} 个。请缩短时段或减少测点。",
        "Too many values",
        "This period holds more than {limit} values. Remedy for a shorter one, or for fewer quantities.",
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
    "edit-over-bound": Text(
        400,
        "用量超过表具可能值",
        "{volume} m³ 超过该表在 {hours} 小时内的最大可能用量 {bound} m³（最大流量 {qmax} m³/h × 时间，且小于表盘量程）。"
        "请核对单位与小数位；若表具最大流量登记有误，请先更正表具资料。",
        "More than the meter can measure",
        "{volume} m³ is more than can have passed the meter in {hours} h: at most {bound} m³ (Qmax {qmax} m³/h × time, and less than"
        " its dial). Check unit and decimals; where the meter's Qmax is registered wrongly, correct that first.",
    ),
    "edit-waits": Text(
        409,
        "该日已有待复核的修改",
        "{day} 的修改 {edit_id} 正等待另一人复核。请先批准或驳回它，再处理这一天。",
        "An edit of this day waits",
        "Edit {edit_id} of {day} waits for a second person. Have it approved or rejected before you go on with this day.",
    ),
    "own-edit": Text(
        403,
        "不能复核自己的修改",
        "修改 {edit_id} 由您提出，须由另一人批准。您可以驳回（撤回）它。",
        "Not your own edit",
        "You asked for edit {edit_id} yourself, so another person must approve it. You may reject it, which takes it back.",
    ),
    "edit-not-newest": Text(
        409,
        "其上还有更新的修改",
        "修改 {edit_id} 之后，修改 {newer} 又改了同一时段。请先撤销 {newer}。",
        "A newer edit lies over it",
        "After edit {edit_id}, edit {newer} changed the same part of the day. Undo {newer} first.",
    ),
    "edit-on-its-way": Text(
        409,
        "上一次修改尚未生效",
        "修改 {edit_id} 已提交，正在写入 {day}。请几秒后重试。",
        "The last edit is on its way",
        "Edit {edit_id} of {day} is accepted and not stored yet. Try again in a few seconds.",
    ),
    "version-gone": Text(
        409,
        "修改前的版本已不在",
        "修改 {edit_id} 之前 {day} 的版本已超过保留期（设置 day_version_days），无法撤销。请以新的修改填入正确用量。",
        "The version before is gone",
        "The version of {day} before edit {edit_id} is no longer kept (setting day_version_days), so it cannot be put back. Set the right"
        " volume by a new edit.",
    ),
}
