# SPDX-License-Identifier: Apache-2.0
"""What is wrong with one field, by short code. Codes are stable; texts may change."""

from openmains.edges.http.language import Language

FIELDS: dict[str, tuple[str, str]] = {
    "required": ("必填", "is required"),
    "wrong-type": ("类型不正确", "has the wrong type"),
    "not-accepted": ("取值不被接受", "has a value that is not accepted"),
    "out-of-range": ("超出允许范围", "is out of range"),
    "wrong-format": ("格式不正确", "has the wrong format"),
    "unknown-field": ("没有这个字段", "is not a known field"),
    "unknown-reference": ("所指对象不存在", "refers to something that does not exist"),
    "unknown-driver": ("驱动目录中没有这个驱动", "is not in the driver catalogue"),
    "other-medium": ("介质与产品不符", "is for the other medium"),
    "other-kind": (
        "表计与监测终端不能互改，监测种类也不能改",
        "is of another kind of device: meters and monitors stay what they are",
    ),
    "monitor-without-customer": ("监测终端没有用户", "cannot be given: a monitor has no customer"),
    "quantity-not-said": ("该产品不上报此测点", "is no quantity that this product's messages say"),
    "not-of-this-level": ("不属于该级别，请留空", "does not belong to this level: leave it out"),
    "says-nothing": ("至少填写一项要求", "or another part: a task says at least one"),
    "in-the-past": ("不能早于今天", "is in the past"),
    "before-the-first": ("早于起始日期", "is before the first day"),
    "twice": ("重复", "is there twice"),
    "clock-says-how-long": (
        "请填 0：这一条件本身已说明多久（静默小时数、缺报天数、未应答小时数）",
        "must be 0: this condition says by itself for how long (hours of silence, days, hours without an answer)",
    ),
    "case-fires": (
        "该用例会触发，但填写为不触发：请改条件或用例",
        "fires, though it is said not to: change the condition or the case",
    ),
    "case-does-not-fire": (
        "该用例不会触发，但填写为触发：请改条件或用例",
        "does not fire, though it is said to: change the condition or the case",
    ),
    "one-of-each": ("至少需要一个触发的用例和一个不触发的用例", "need one that fires and one that does not, at least"),
    "always-the-same": (
        "无论上报什么结果都一样：请检查各条件是否互相矛盾",
        "comes out the same whatever is said: look whether its parts contradict each other",
    ),
    "stands-alone": (
        "静默、缺报、未应答、聚集条件只能单独使用，不能放进“并且/或者/非”",
        "stands alone: silence, missing days, unanswered commands and gathered meters are not joined with others",
    ),
    "one-comparison": ("需要且只能填写一种比较", "needs one comparison, and one only"),
    "too-deep-or-many": (
        "条件过多（最多 50 个）或嵌套过深（最多 6 层）",
        "has more than 50 parts, or more than 6 levels",
    ),
    "product-for-command": (
        "提出命令的规则必须指定产品：命令由该产品的驱动决定",
        "is needed: what a meter can be told is its product's to say",
    ),
    "bound-needed": ("上限和下限至少填一个", "or high: at least one bound is needed"),
    "below-low": ("上限低于下限", "is below low"),
    "hysteresis-too-wide": (
        "回差过大：不得超过上下限之差的一半",
        "is too wide: at most half of what lies between the bounds",
    ),
    "run-ends": ("号段不够长", "is longer than the run of numbers goes"),
    "no-such-meter": ("没有这只表", "is no meter's number or bar code"),
    "other-product": ("型号与该表不符", "is another model than this meter's"),
    "before-stock": ("该表在此之后才入库", "is a meter that came into the warehouse after that"),
    "not-in-stock": ("该表不在库", "is a meter that is not in stock"),
    "hangs-now": (
        "该表正挂在户号上，其用量按现有角色计：请先拆除，改角色后再安装",
        "cannot change while the meter hangs and counts by it: remove the meter, change it, install it again",
    ),
    "other-unit": (
        "介质或读数单位与已有安装的读数不符，历史读数会被误读：请拆除后以另一产品的新表登记",
        "is of another medium or counts in another unit than registers of installations: remove the meter and register it anew",
    ),
    "would-loop": ("上级区域不能是自己或下级", "would make the area its own ancestor"),
    "too-deep": ("层级过深：最多 64 层", "would make the tree deeper than 64 levels"),
    "before-installation": ("不能早于安装日期", "is before the installation"),
    "without-customer": ("该表没有用户", "the meter has no customer"),
    "in-the-future": ("不能晚于今天", "is in the future"),
    "masked": (
        "是脱敏显示，不是完整的值；请填写完整的值，或不改此项",
        "is a mask: give the whole value, or leave the field out",
    ),
    "bad-phone": ("不是电话号码", "is no phone number"),
    "bad-bank-account": ("不是银行账号（8 至 30 位数字）", "is no bank account (8 to 30 digits)"),
    "bad-identity-number": (
        "不是证件号码（身份证、统一社会信用代码的校验位不符，或格式不对）",
        "is no identity number: its check digit or form is wrong",
    ),
    "not-of-this-act": ("该业务不需要此项，请留空", "does not belong to this act: leave it out"),
    "without-zone": ("须带时区（如 +08:00）", "needs its offset from UTC, such as +08:00"),
    "after-removal": ("晚于该表拆除", "is after the meter was removed"),
    "beyond-dial": ("超过该表的量程", "is beyond the meter's dial"),
    "too-many-decimals": ("小数位数超过该表的最小单位", "has more decimals than the meter shows"),
    "bad-instant": (
        "应为 年-月-日 时:分，可带时差",
        "is no date and time (2026-11-29 10:05, with an offset or without)",
    ),
    "serial-date": ("是表格软件的日期序号，应为日期和时刻", "is a spreadsheet's number of a day: write date and time"),
    "time-needed": ("只有日期没有时刻", "is a date without a time of day"),
    "time-twice": ("因夏令时结束出现两次，请写明时差", "comes twice as summer time ends: write its offset"),
    "time-never": ("因夏令时开始并不存在", "does not exist: summer time begins"),
    "before-1950": ("不能早于 1950 年", "is before 1950"),
    "too-far-ahead": ("不能晚于今天起一年", "is more than a year ahead"),
    "not-this-period": ("与上报周期 report_s 不符", "does not fit report_s"),
    "too_short": ("太短", "is too short"),
    "too_long": ("太长", "is too long"),
    "like_login": ("与登录名太相近", "resembles the login"),
    "common": ("太常见", "is too common"),
    "same-as-before": ("与当前的相同", "is the same as the current one"),
    "not-csv-or-xlsx": ("不是 CSV 或 XLSX 文件", "is neither CSV nor XLSX"),
    "not-csv": ("不是 CSV 文件", "is not CSV"),
    "hidden-sign": (
        "含有看不见的字符（控制、书写方向或零宽字符）：请删去后重新输入",
        "has a sign that nobody sees (control, direction or zero width): type it anew without",
    ),
    "formula-sign": (
        "以 = + - 或 @ 开头，表格软件会当作公式：请以文字或数字开头",
        "begins with = + - or @ and would be a formula in a spreadsheet: begin it with a letter or a digit",
    ),
    "blank": ("只有空白：请填写内容", "is blank: write something"),
    "not-rising": ("须为正数且逐个增大", "must be above 0 and rise from one to the next"),
    "one-for-each-tier": ("每个阶梯须有一个价格（比上限多一个）", "needs a price for each tier: one more than bounds"),
    "one-for-each-bound": ("每个上限须有一个值", "needs one entry for each bound"),
    "too-long": ("条目过多", "has too many entries"),
    "too-many-digits": ("小数位或位数超出保留的精度", "has more digits than are kept exactly"),
    "overlaps": ("与另一季节重叠", "overlaps another season"),
    "same-bounds-or-own-count": (
        "与年度共用累计时，季节的上限须与年度相同；否则请单独累计",
        "must be the year's where its volume is counted with the year; else let it count for itself",
    ),
    "not-after": ("须晚于已批准的最新方案", "must be after the newest approved plan"),
    "not-after-today": ("须晚于今天", "must be after today"),
    "cycle-differs": ("周期改变时累计量不能结转：请选清零", "cannot be carried into another cycle: choose cleared"),
    "document-or-plan": ("方案内容与方案编号须且只须给一个", "or plan_id: exactly one of both is needed"),
    "no-plan": ("当日没有生效的方案", "lies before the first plan"),
    "not-in-order": ("用量须首尾相接，止日晚于起日", "must follow the use before it, and end after it begins"),
    "no-heat": ("按热值计价须填热值", "needs a heat value: prices are by heat"),
    "unknown-fact": (
        "有不认识的占位符：只能用页面列出的名称",
        "names a fact that is not known: use those that the page lists",
    ),
    "open-brace": ("花括号不成对：占位符写成 {number}", "has a brace without its pair: a fact is written {number}"),
    "unknown-service": (
        "不是支持的服务：网址须以支持的服务名开头，如 tgram://",
        "is no service that is supported: the URL begins with one of them, such as tgram://",
    ),
    "both-or-neither": ("起止须都填写或都留空", "and its pair: give both or neither"),
    "not-after-begin": ("须晚于开始时刻", "must be after the beginning"),
    "not-hex": ("不是十六进制", "is not hexadecimal"),
}


def field_text(code: str, language: Language) -> str:
    """Text of a field code; the code itself where it has none."""
    found = FIELDS.get(code)
    return code if found is None else found[0 if language == "zh" else 1]
