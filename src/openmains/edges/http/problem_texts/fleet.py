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
        "表号、条码或 IMEI 已被使用",
        "已有水表或燃气表使用该表号、条码或 IMEI。表号和条码一生不变；请核对铭牌，IMEI 须先拆除原来的表。",
        "Number, bar code or IMEI taken",
        "Another meter has this number, bar code or IMEI. Number and bar code are one meter's for life: check the plate; for the IMEI, remove"
        " the other meter first.",
    ),
    "concentrator-taken": Text(
        409,
        "终端号已登记",
        "该终端号已登记，可能属于其他单位。请核对铭牌；若已在本单位，请修改已有的集中器。",
        "Number registered already",
        "This number is registered already, perhaps by another utility. Check the plate; if it is yours, change the one that is there.",
    ),
    "driver-page-broken": Text(
        422,
        "驱动页有错",
        "第 {line} 行（0 表示无法定位到行）：{why}。未作任何更改；请改正后再提交。",
        "Driver page is broken",
        "Line {line} (0: no line can be named): {why}. Nothing was changed; mend it and give it again.",
    ),
    "driver-page-taken": Text(
        409,
        "驱动名已被占用",
        "驱动名 {name} 属于软件自带或其他单位的驱动页。请换一个名称（[driver] name）。",
        "Name of the driver is taken",
        "{name} is a page of the release or of another utility. Give yours another name ([driver] name).",
    ),
    "driver-page-differs": Text(
        409,
        "与已有版本不一致",
        "驱动页 {name} 的 {what} 原为 {was}，不能改为 {now}：已存的读数以此为准。请另起名称。",
        "Differs from its versions before",
        "{what} of the driver page {name} was {was} and cannot become {now}: stored readings count by it. Give the page another name.",
    ),
    "driver-page-in-use": Text(
        409,
        "驱动页正在使用",
        "有 {count} 个产品使用驱动页 {name}。请先把这些产品改用其他驱动。",
        "Driver page is in use",
        "{count} products are read by the driver page {name}. Give them another driver first.",
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
    "nothing-to-undo": Text(
        409,
        "没有可撤销的内容",
        "该次导入未写入任何内容、已经撤销，或已超过 30 天。个别表具请在其页面修改或拆除。",
        "Nothing to undo",
        "This import wrote nothing, was undone already, or is older than 30 days. Change or remove single meters on their pages.",
    ),
    "already-removed": Text(
        409,
        "表已拆除",
        "该表已拆除，不能再修改。新表请另行登记。",
        "Meter removed",
        "This meter was removed and cannot be changed any more. Register the new meter separately.",
    ),
    "wrong-order": Text(
        409,
        "次序不对",
        "表 {number} 目前{life}，不能“{act}”。请先办理前面的手续。",
        "Wrong order",
        "Meter {number} is {life}: it cannot be acted on by '{act}'. Do what comes before first.",
    ),
    "act-ahead": Text(
        400,
        "时刻未到",
        "表 {number}：办理时刻不能晚于现在。",
        "Not yet",
        "Meter {number}: the act cannot take effect after now. Give an instant that was.",
    ),
    "act-before-last": Text(
        409,
        "早于上一手续",
        "表 {number}（{life}）：办理时刻不能早于（拆换时须晚于）它的上一手续。请核对时刻。",
        "Before the last act",
        "Meter {number} ({life}): an act does not come before the one before it, and what ends an installation comes after its beginning."
        " Check the instant.",
    ),
    "other-medium-account": Text(
        409,
        "介质不符",
        "表 {number} 与户号 {account} 的介质不同。请核对户号。",
        "Other medium",
        "Meter {number} is of another medium than account {account}. Check the account.",
    ),
    "account-not-open": Text(
        409,
        "户号未开或已销",
        "户号 {account} 在该时刻尚未开立或已销户。请核对户号与时刻。",
        "Account not open",
        "Account {account} was not open then, or is closed. Check account and instant.",
    ),
    "account-has-meter": Text(
        409,
        "户号已有表",
        "户号 {account} 此时已挂一只计费表，不能再挂表 {number}。换表请用“换表”；同户的第二只表请先把角色设为“附加表”。",
        "Account has a meter",
        "Account {account} has its meter at that time; {number} cannot hang there too. Exchange the meter; a further one of the same"
        " household needs the role 'additional' first.",
    ),
    "meter-hangs-there": Text(
        409,
        "户号下仍挂有表",
        "户号 {number} 下仍挂着表 {meter}。请先拆除，或转到另一户号。",
        "A meter hangs there",
        "Meter {meter} still hangs at account {number}. Remove it, or move it to another account, first.",
    ),
    "not-hanging": Text(
        409,
        "表未挂在户号上",
        "表 {number} 目前没有挂在任何户号上。请核对表号。",
        "Hangs nowhere",
        "Meter {number} hangs at no account now. Check the number.",
    ),
    "same-meter": Text(
        409,
        "新旧表是同一只",
        "换表的新表与旧表都是 {number}。请核对两只表的条码。",
        "The same meter",
        "Both meters of the exchange are {number}. Check the bar codes of both.",
    ),
    "meter-there-already": Text(
        409,
        "表已在该户号",
        "表 {number} 已挂在户号 {account}。",
        "There already",
        "Meter {number} hangs at account {account} already. Choose another account.",
    ),
    "own-installation": Text(
        403,
        "不能验收自己录入的安装",
        "表 {number} 的安装由您录入，须由另一人验收。",
        "Not one's own installation",
        "You entered the installation of meter {number}; another person has to accept it.",
    ),
    "register-needed": Text(
        400,
        "缺读数",
        "表 {number} 须有读数；读不到时请估算并注明。",
        "Register needed",
        "Meter {number} needs a register; where it cannot be read, estimate it and say so.",
    ),
    "register-beyond-dial": Text(
        400,
        "读数超过量程",
        "表 {number} 的读数超过该表的量程。请核对读数。",
        "Beyond the dial",
        "The register of meter {number} is beyond its dial. Read it again.",
    ),
    "register-impossible": Text(
        409,
        "读数与表自己的读数不符",
        "表 {number} 自己上报的读数为 {known}（最小单位），所填为 {given}：倒退，或超过最大流量可能走过的量。"
        "请重新读表；若表已换或模块装错，请先查清。",
        "Contradicts the meter",
        "Meter {number} said {known} (its own units) itself, {given} was entered: that runs back, or is more than can have passed. Read it"
        " again; if it is another meter, or its module is another's, find that out first.",
    ),
    "pair-differs": Text(
        409,
        "表、模块与条码不是同一只",
        "表 {number}：登记为 {known}，现场或报文为 {given}。两者不是同一只表，未作任何改动。请核对条码、IMEI 与表内表号。",
        "Not one meter",
        "Meter {number}: registered is {known}, read or carried in its frames is {given}. These are not one meter; nothing was changed. Check"
        " bar code, IMEI and the number inside the meter.",
    ),
    "changed-meanwhile": Text(
        409,
        "刚被他人改动",
        "该表或户号刚由他人办理了别的手续。请重新查看后再办。",
        "Changed meanwhile",
        "Somebody else has just acted on this meter or account. Look at it again, then decide.",
    ),
    "not-to-issue": Text(
        409,
        "不能领用",
        "{name} 不能领用：不存在、型号不符、不在库（{life}）、入库较晚或重复。整张领用单未办理，请改正后重办。",
        "Cannot be issued",
        "{name} cannot be issued: there is no such meter, it is another model, not in stock ({life}), came in later, or is named twice."
        " Nothing was issued:"
        " correct the list and send it again.",
    ),
    "file-unreadable": Text(
        400,
        "文件无法读取",
        "{why}。请改正表头或内容后重新上传。",
        "File cannot be read",
        "{why}. Correct the headings or the content and send it again.",
    ),
    "too-many-issued": Text(
        400,
        "一次领用过多",
        "一次最多领用 {most} 只，所列 {count} 只。请分几次办理。",
        "Too many at once",
        "At most {most} meters are issued at once, these are {count}. Divide the list.",
    ),
}
