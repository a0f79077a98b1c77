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
    "no-registers": Text(
        409,
        "监测终端没有用量",
        "该设备是监测终端，没有累计量和用量。请查询其测点：/meters/〈编号〉/quantities 与 /series。",
        "A monitor has no registers",
        "This device is a monitor: it has neither registers nor volume. Ask for its quantities: /meters/<id>/quantities and /series.",
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
        "This period holds more than {limit} values. Ask for a shorter one, or for fewer quantities.",
    ),
    "unknown-meters": Text(
        400,
        "有表号不存在",
        "{count} 个表号不存在：{numbers} 等。请更正或删去后再查询。",
        "Numbers without a meter",
        "{count} of the numbers belong to no meter, among them {numbers}. Correct them or leave them out, then ask again.",
    ),
    "instant-ahead": Text(
        400,
        "时刻在将来",
        "该时刻尚未到来，没有读数。请给出现在或以前的时刻。",
        "An instant to come",
        "This instant has not come, so there are no readings of it. Name one that is past.",
    ),
    "too-many-rows": Text(
        400,
        "每份行数过多",
        "{form} 每份最多 {limit} 行。请减小 rows，其余用 Link 或 Next-Cursor 续取。",
        "Too many rows a part",
        "A part of form {form} holds at most {limit} rows. Ask for fewer by rows, and go on with Link or Next-Cursor.",
    ),
    "too-many-meter-days": Text(
        400,
        "表数与天数过多",
        "所选表具与天数的乘积超过 {limit} 表日。请缩短时段，或按区域、产品缩小范围。",
        "Too many meters and days",
        "The meters chosen times the days are more than {limit} meter-days. Take a shorter period, or fewer meters by area or product.",
    ),
    "too-many-groups": Text(
        400,
        "分组过多",
        "结果超过 {limit} 组。请缩小表具范围；文件（CSV、XLSX）可容纳一百万组。",
        "Too many groups",
        "The answer has more than {limit} groups. Choose fewer meters; files (CSV, XLSX) hold a million groups.",
    ),
    "name-taken": Text(
        409,
        "已有同名查询",
        "您已有名为“{name}”的查询。请换一个名称，或修改原来的查询。",
        "You have one of this name",
        "You keep a query named “{name}” already. Choose another name, or change that one.",
    ),
    "too-many-saved": Text(
        409,
        "保存的查询过多",
        "本单位最多保存 {limit} 个查询。请先删除不再使用的。",
        "Too many saved queries",
        "A utility keeps at most {limit} queries. Remove some that nobody uses.",
    ),
    "not-your-query": Text(
        403,
        "不是您的查询",
        "该查询由 {owner} 保存，只有本人和管理员可以修改。您可以用另一名称另存。",
        "Not your query",
        "{owner} keeps this query; only they and administrators change it. Save your own under another name.",
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
    "meter-unknown": Text(
        404,
        "没有此表",
        "没有表号或条码为“{name}”的表。请核对后重新填写。",
        "No such meter",
        "There is no meter with the number or bar code “{name}”. Check it and enter it again.",
    ),
    "bar-code-shared": Text(
        409,
        "条码不唯一",
        "有多块表使用条码“{name}”。请改填表号。",
        "Several meters have this bar code",
        "Several meters have the bar code “{name}”. Give the meter number instead.",
    ),
    "bar-code-differs": Text(
        409,
        "条码与表号不符",
        "条码“{name}”不属于表号 {number}。请核对是哪一块表，只填其中一项。",
        "Bar code and number are of two meters",
        "The bar code “{name}” does not belong to meter {number}. Check which one was read and give one of the two.",
    ),
    "reading-differs": Text(
        409,
        "该时刻已有不同的读数",
        "该表在 {at} 已录入读数 {known} m³（记录 {reading_id}），两者不能都对，原读数不变。请核对时刻与读数；若原读数有误，"
        "请在异常或日数据处修改。",
        "Another reading of this instant",
        "At {at} a register of {known} m³ was entered for this meter already (entry {reading_id}); both cannot be right, and that one stays."
        " Check instant and register; where the earlier one is wrong, correct the day by an edit.",
    ),
    "no-version": Text(
        404,
        "没有此版本",
        "{day} 没有版本 {version}，或它已超过保留期（设置 day_version_days）。现有版本见 /meters/〈编号〉/days/〈日期〉/versions。",
        "No such version",
        "There is no version {version} of {day}, or it is no longer kept (setting day_version_days). Those that are kept are listed by"
        " /meters/<id>/days/<day>/versions.",
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
