# SPDX-License-Identifier: Apache-2.0
"""Commands, the signer, the stop switch."""

from openmains.edges.http.problem_texts.text import Text

TEXTS: dict[str, Text] = {
    "no-such-command": Text(
        409,
        "该表不支持此命令",
        "该产品的驱动没有这种命令。可用的命令见该表的 command-kinds。",
        "Not a command of this meter",
        "The driver of this product has no such command. The meter's command-kinds lists those it has.",
    ),
    "gateway-parameter": Text(
        400,
        "网关参数不可接受",
        "{name}：{why}。没有写入任何内容，请更正后重试。",
        "Not a value of this parameter",
        "{name} {why}. Nothing was written; correct it and try again.",
    ),
    "gateway-not-settable": Text(
        409,
        "该网关不能远程设置",
        "{number} 从未上报过自己的参数：它不是本系统的网关，或程序版本较旧，或尚未连接过。请升级网关程序或等它上线后再试。",
        "This gateway cannot be set from afar",
        "{number} has never said its parameters: it is no gateway of ours, has an older program, or was not connected yet. Upgrade its program,"
        " or try again once it was heard.",
    ),
    "gateway-commands-open": Text(
        409,
        "该网关未完成的命令过多",
        "该网关已有 {limit} 条命令未完成，没有写入。请等其完成，或取消尚未下发的命令。",
        "Too many commands of this gateway are open",
        "{limit} commands of this gateway have no end yet; nothing was written. Wait for them, or call off those that were not sent.",
    ),
    "own-gateway-command": Text(
        403,
        "须由另一人审批",
        "这条命令由您下发，须由另一位有审批权限的人同意或拒绝。",
        "Another person decides",
        "You gave this command yourself; another person who may approve commands agrees to it or rejects it.",
    ),
    "not-reachable": Text(
        409,
        "命令无法送达该表",
        "表 {number} 没有自己的通信模块，所在集中器只转发它主动上报的内容，不能向它提问。没有写入任何内容。"
        "请到现场操作；若该表有模块，请先在资料中登记其 IMEI。",
        "No command reaches this meter",
        "Meter {number} has no module of its own, and its concentrator only hands on what the meter says unasked. Nothing was written. Act at"
        " the meter; where it does have a module, register its IMEI first.",
    ),
    "beyond-meter": Text(
        400,
        "数值超过表具的可能范围",
        "{number}：{name} = {value} {unit}，超过其最大流量所允许的 {bound} {unit}。请核对单位与小数位；若最大流量登记有误，请先更正资料。",
        "Beyond what the meter can measure",
        "{name} = {value} {unit} is more than the Qmax of {number} allows: at most {bound} {unit}. Check unit and decimals; where that Qmax is"
        " registered wrongly, correct it first.",
    ),
    "other-meter-named": Text(
        409,
        "参数中的表号不是这只表",
        "meter_number 应为本表登记的表号 {number}，或填 0 由平台取登记的表号。没有写入任何内容。",
        "The parameters name another meter",
        "meter_number is the registered number {number}, or 0, which leaves it to the registry. Nothing was written.",
    ),
    "key-used": Text(
        409,
        "唯一键已用于其他内容",
        "同一 unique_key 已用于另一条命令。重发请保持内容不变；新命令请用新的键。",
        "Key already used",
        "This unique_key stands for another command. Repeat with the same content, or use a new key for a new command.",
    ),
    "nothing-chosen": Text(
        409,
        "没有选中任何表",
        "筛选条件下没有在用的表，或没有可恢复的原值。请调整后重试。",
        "Nothing chosen",
        "No meter in use is chosen, or no earlier value is known to put back. Change the choice and try again.",
    ),
    "daily-share-used": Text(
        409,
        "今日配置数量已满",
        "一天最多配置本单位一定比例的表（默认 2%，至少 20 只），单条和批量一并计算；今日已满，没有写入。请明天再试，或用批量任务分日下发。",
        "Share of the day is used",
        "A day configures a share of the utility's meters (2 % unless set otherwise, at least 20), one by one and by batches together; it "
        "is used for today and nothing was written. Try again tomorrow, or draft a batch, which goes on day by day.",
    ),
    "safety-closing-incomplete": Text(
        400,
        "安全关阀内容不完整",
        "安全关阀须写明原因（1 泄漏、2 火灾、3 水淹、4 消防要求、5 爆管、6 地震、7 管道抢修）和依据（5 至 500 字，如谁在何时何地发现什么）；"
        "可附告警编号和工单号。请补全后重试。",
        "Safety closing not complete",
        "A safety closing needs its reason (1 leak, 2 fire, 3 flood, 4 request of the fire brigade, 5 burst, 6 earthquake, 7 emergency "
        "pipe works) and evidence (5 to 500 letters: who saw what, when and where); an alarm's number and a work order may be "
        "added. Complete it and try again.",
    ),
    "not-in-batches": Text(
        409,
        "不能批量下发",
        "安全关阀须逐表下发，每只表写明原因和依据。整片危险请关闭管网阀门。",
        "Not in a batch",
        "A safety closing is given meter by meter, each with its reason and evidence. What endangers a whole quarter is shut at a "
        "valve of the mains.",
    ),
    "safety-closing-under-way": Text(
        409,
        "安全关阀仍在执行",
        "命令 {command} 仍可能被表具执行，此时登记现场检查会与之矛盾。请等其结束；尚未发送的可先取消。",
        "The safety closing is still under way",
        "The meter may still carry out command {command}; an inspection recorded now would contradict it. Wait for its end, or call it "
        "off if it was not sent.",
    ),
    "commands-stopped": Text(
        409,
        "命令已停止",
        "命令已被紧急停止，没有下发。查明原因后由审批人恢复。",
        "Commands are stopped",
        "Commands were stopped in an emergency; nothing was sent. An approver resumes them once the cause is known.",
    ),
    "signer-needed": Text(
        403,
        "需要签名登录",
        "阀门、充值、价格等命令须用签名账户登录（signer）。账户由维护人员在服务器上办理。",
        "Signing sign-in needed",
        "Valve, top-up and price commands need a sign-in at the signer (signer). Accounts are made at the server itself.",
    ),
    "signer-refused": Text(
        403,
        "签名进程拒绝",
        "签名进程没有接受：{why}。没有签发任何命令。",
        "Refused by the signer",
        "The signer did not accept it: {why}. Nothing was signed.",
    ),
    "signer-administrator-needed": Text(
        403,
        "需要管理员的签名账户",
        "价格、平台地址、计费参数等命令只接受在签名进程登记为管理员的账户。"
        "请由维护人员在服务器上办理：openmains signer enrol 租户 登录名 --administrator。",
        "A signing account of an administrator is needed",
        "Prices, platform addresses, parameters of credit and the like are taken only from people enrolled as administrators at the signer. "
        "At the server: openmains signer enrol TENANT LOGIN --administrator.",
    ),
    "facts-changed": Text(
        409,
        "依据已变化",
        "自列出以来台账又有变化，没有登记任何内容。请重新查看差异，再签名。",
        "The facts have changed",
        "The registry has changed since the list was shown; nothing was signed. Look at the differences again, then sign.",
    ),
    "facts-busy": Text(
        429,
        "正在比对",
        "本单位已有几个人同时在比对依据与台账，请稍后再试；没有登记任何内容。",
        "Somebody is looking already",
        "Several look at what differs in this utility just now. Try again in a moment; nothing was signed.",
    ),
    "facts-need-two": Text(
        403,
        "须两人签名",
        "其中有放宽规则的变化，或一天内一人签名的新表超过 20 只，须由审批人同时签名（second）。没有登记任何内容。",
        "Two persons must sign",
        "It loosens a rule or brings one person above 20 new meters within a day: an approver must sign as well (second). Nothing was signed.",
    ),
    "signer-away": Text(
        503,
        "签名进程无应答",
        "签名进程未运行或无法读取台账，没有签发任何命令。请稍后用同一 unique_key 重试。",
        "The signer does not answer",
        "The signer is not running or cannot read the registry; nothing was signed. Try again with the same unique_key.",
    ),
}
