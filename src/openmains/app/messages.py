# SPDX-License-Identifier: Apache-2.0
"""The texts of all problems in Chinese and English: what is wrong and what to do next."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]
DEFAULT_LANGUAGE: Language = "zh"


@dataclass(frozen=True, slots=True)
class Text:
    """One problem: HTTP status, title and detail in both languages; details may hold ``{values}``."""

    status: int
    zh_title: str
    zh: str
    en_title: str
    en: str

    def title(self, language: Language) -> str:
        return self.zh_title if language == "zh" else self.en_title

    def detail(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


PROBLEMS: dict[str, Text] = {
    "bad-request": Text(
        400,
        "请求无法读取",
        "请求的格式不正确。请对照接口文档检查后重试。",
        "Request not readable",
        "The request is malformed. Check it against the API reference and try again.",
    ),
    "invalid-input": Text(
        400,
        "输入有误",
        "有些内容不符合要求。请按 errors 中列出的字段修改后重试。",
        "Input not valid",
        "Some of the input is not accepted. Correct the fields listed in errors and try again.",
    ),
    "bad-cursor": Text(
        400,
        "翻页标记无效",
        "翻页标记不是本接口给出的，或与当前的排序不符。请从第一页重新开始。",
        "Page cursor not valid",
        "The cursor was not issued by this operation or for this sort order. Start again from the first page.",
    ),
    "bad-range": Text(
        400,
        "时间范围无效",
        "结束时间必须晚于开始时间，且范围不能超过 {limit}。请缩小范围后重试。",
        "Time range not valid",
        "The end must be after the start and the range at most {limit}. Choose a smaller range and try again.",
    ),
    "too-many-points": Text(
        400,
        "数据点过多",
        "该范围和步长会产生超过 {limit} 个点。请缩小范围或选更大的步长。",
        "Too many points",
        "This range and step give more than {limit} points. Choose a smaller range or a larger step.",
    ),
    "weak-password": Text(
        400,
        "密码不够安全",
        "密码至少 10 个字符、最多 256 个字符，不能是常见密码，也不能与登录名相近。请换一个密码。",
        "Password too weak",
        "A password has 10 to 256 characters, is not a common one and does not resemble the login. Choose another.",
    ),
    "sign-in-needed": Text(
        401,
        "请先登录",
        "本操作需要登录，或登录已过期。请登录，或在 Authorization 头中带上有效的 API 令牌。",
        "Sign in first",
        "This operation needs a sign-in, or the session has ended. Sign in or send an API token in Authorization.",
    ),
    "sign-in-refused": Text(
        401,
        "登录失败",
        "登录名或密码不正确。请检查后重试；忘记密码请联系本单位的管理员。",
        "Sign-in refused",
        "Login or password is not right. Check and try again; if you forgot the password, ask your administrator.",
    ),
    "wrong-password": Text(
        403,
        "当前密码不正确",
        "没有修改密码。请输入正确的当前密码。",
        "Current password not right",
        "The password was not changed. Enter the right current password.",
    ),
    "sign-in-locked": Text(
        429,
        "尝试次数过多",
        "失败次数过多，该登录名暂时锁定。请在 {seconds} 秒后重试，或请管理员重设密码。",
        "Too many attempts",
        "Too many failures; this login is refused for now. Try again in {seconds} s or ask for a reset.",
    ),
    "not-allowed": Text(
        403,
        "没有权限",
        "本操作需要“{needed}”角色。请联系管理员授权。",
        "Not allowed",
        "This operation needs the role '{needed}'. Ask an administrator for it.",
    ),
    "role-too-high": Text(
        403,
        "不能授予更高的角色",
        "令牌的角色不能高于您自己的角色。请选择相同或更低的角色。",
        "Role too high",
        "A token's role cannot be above your own. Choose the same or a lower one.",
    ),
    "change-password-first": Text(
        403,
        "请先修改密码",
        "首次登录或密码被重设后必须先修改密码。请用 POST /api/v1/session/password 设置新密码。",
        "Change the password first",
        "After a first sign-in or a reset the password must be changed: POST /api/v1/session/password.",
    ),
    "session-only": Text(
        403,
        "仅限登录会话",
        "本操作不能用 API 令牌进行。请用密码登录后再试。",
        "Session only",
        "This operation is not open to API tokens. Sign in with the password and try again.",
    ),
    "foreign-origin": Text(
        403,
        "来源不受信任",
        "用 Cookie 登录的修改请求必须来自本站，或带有 X-OpenMains-Request 头。请从控制台操作，或改用 API 令牌。",
        "Origin not trusted",
        "Changes with the session cookie must come from this site or carry the header X-OpenMains-Request. "
        "Use the console or an API token.",
    ),
    "local-only": Text(
        403,
        "仅限本机",
        "没有令牌时只能从本机读取指标。请在 Authorization 头中带上 API 令牌。",
        "Local only",
        "Without a token the metrics are read from this machine only. Send an API token in Authorization.",
    ),
    "not-found": Text(
        404,
        "未找到",
        "没有这个对象，或您无权查看它。请检查编号。",
        "Not found",
        "There is no such object, or it is not yours to see. Check the identifier.",
    ),
    "no-such-path": Text(
        404,
        "没有这个地址",
        "没有这个接口。请对照接口文档检查路径。",
        "No such path",
        "There is no such operation. Check the path against the API reference.",
    ),
    "method-not-allowed": Text(
        405,
        "方法不适用",
        "这个地址不支持该方法。允许的方法见 Allow 头。",
        "Method not allowed",
        "This path does not take that method. The header Allow lists those it takes.",
    ),
    "not-acceptable": Text(
        406,
        "格式不支持",
        "无法按 Accept 给出的格式回答。请接受 application/json。",
        "Format not offered",
        "None of the formats in Accept is offered. Accept application/json.",
    ),
    "login-taken": Text(
        409,
        "登录名已被使用",
        "已有用户使用该登录名。请换一个。",
        "Login taken",
        "Another user has this login. Choose another.",
    ),
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
    "last-administrator": Text(
        409,
        "不能去掉最后一名管理员",
        "本单位至少要有一名可用的管理员。请先指定另一名管理员。",
        "Last administrator",
        "A tenant keeps at least one enabled administrator. Appoint another first.",
    ),
    "already-done": Text(
        409,
        "已经处理过",
        "该对象的状态是“{state}”，不能再这样处理。请刷新后查看。",
        "Already handled",
        "This object is '{state}' and cannot be handled like this any more. Reload and look again.",
    ),
    "day-open": Text(
        409,
        "当日数据尚未到齐",
        "该表 {day} 的数据还没有到齐，之后的上报会覆盖修改。请在该表下次上报之后再修改。",
        "Day not complete yet",
        "The meter's data of {day} are not complete; its next report would take the place of the edit. Edit it after that.",
    ),
    "already-removed": Text(
        409,
        "表已拆除",
        "该表已拆除，不能再修改。新表请另行登记。",
        "Meter removed",
        "This meter was removed and cannot be changed any more. Register the new meter separately.",
    ),
    "revision-stale": Text(
        412,
        "内容已被他人修改",
        "您读取之后该对象又被修改过。请重新读取，再提交修改。",
        "Changed by someone else",
        "The object was changed after you read it. Read it again and repeat your change.",
    ),
    "revision-needed": Text(
        428,
        "缺少 If-Match",
        "修改前请先读取对象，并把其 ETag 放入 If-Match 头，以免覆盖他人的修改。",
        "If-Match missing",
        "Read the object first and send its ETag in If-Match, so that no one else's change is overwritten.",
    ),
    "too-large": Text(
        413,
        "内容过大",
        "请求内容超过上限。请拆分成较小的部分后重试。",
        "Too large",
        "The request is larger than allowed. Split it into smaller parts and try again.",
    ),
    "media-type": Text(
        415,
        "内容类型不支持",
        "不支持这种内容类型。请使用 application/json；导入请使用 multipart/form-data 的 CSV 或 XLSX 文件。",
        "Media type not supported",
        "This content type is not taken. Use application/json; for imports multipart/form-data with CSV or XLSX.",
    ),
    "too-many-requests": Text(
        429,
        "请求过于频繁",
        "请求超过了限速。请在 {seconds} 秒后重试。",
        "Too many requests",
        "The rate limit is reached. Try again in {seconds} s.",
    ),
    "key-file-gone": Text(
        410,
        "密钥文件已不存在",
        "密钥文件只能下载一次，且只保留一天。如未妥善保存，请重新生成密钥。",
        "Key file gone",
        "A key file can be taken once and is kept for a day. If nobody has it, make new keys.",
    ),
    "internal": Text(
        500,
        "内部错误",
        "服务器出错，未作任何修改。请稍后重试；若再次出现，请把请求编号告诉维护人员。",
        "Internal error",
        "Something failed; nothing was changed. Try again later; if it happens again, report the request id.",
    ),
    "engine-away": Text(
        503,
        "存储暂不可用",
        "后台的存储暂时不可用，未作任何修改。请稍后重试。",
        "Store not available",
        "A store behind the API is not available; nothing was changed. Try again shortly.",
    ),
    "not-ready": Text(
        503,
        "尚未就绪",
        "系统正在启动或某个引擎不可用：{why}。请稍后重试。",
        "Not ready",
        "The system is starting or an engine is away: {why}. Try again shortly.",
    ),
    "no-such-command": Text(
        409,
        "该表不支持此命令",
        "该产品的驱动没有这种命令。可用的命令见该表的 command-kinds。",
        "Not a command of this meter",
        "The driver of this product has no such command. The meter's command-kinds lists those it has.",
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
    "commands-stopped": Text(
        409,
        "命令已停止",
        "命令已被紧急停止，没有下发。查明原因后由批准人恢复。",
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
    "signer-away": Text(
        503,
        "签名进程无应答",
        "签名进程未运行或无法读取台账，没有签发任何命令。请稍后用同一 unique_key 重试。",
        "The signer does not answer",
        "The signer is not running or cannot read the registry; nothing was signed. Try again with the same unique_key.",
    ),
    "meter-not-connected": Text(
        409,
        "表具没有会话",
        "没有接入节点持有该表的会话：该表未登记模块，或还没有以 DTLS 接入。请等它下次上报。",
        "The meter has no session",
        "No edge holds a session of this meter: no module is registered for it, or it has not connected over DTLS yet.",
    ),
    "meter-not-registered": Text(
        409,
        "表具未作 LwM2M 注册",
        "该表有会话但没有 LwM2M 注册（例如只以 POST 上报），无法按对象读写。",
        "The meter is not registered",
        "The meter has a session but no LwM2M registration (it may report by POST only), so it has no objects to operate on.",
    ),
    "meter-asleep": Text(
        409,
        "表具休眠中",
        "该表最近一次通信在 {heard}，此后已休眠，现在听不到，没有发送任何内容。请在它下次上报后立即操作，或改用命令（会等到它醒来）。",
        "The meter is asleep",
        "Last heard {heard}; since then it sleeps and hears nothing, so nothing was sent. Try right after its next report, or "
        "give a command, which waits until it wakes.",
    ),
    "meter-no-answer": Text(
        504,
        "表具没有应答",
        "在限定时间内没有收到应答，最近一次通信在 {heard}。操作可能已生效，请再读一次确认。",
        "The meter does not answer",
        "No answer came in time; last heard {heard}. The operation may have had its effect: read again to be sure.",
    ),
    "terminal-held": Text(
        409,
        "终端被隔离或封锁",
        "被隔离或封锁的终端不接收任何操作。请先在终端安全页查明并放行。",
        "The terminal is held",
        "A quarantined or blocked terminal is sent nothing. Find out why and release it first.",
    ),
    "signed-command-only": Text(
        403,
        "只能以签名命令进行",
        "阀门、余额、价格、累计量、固件、账户、重启等不能直接读写，只能作为命令下发：命令有签名、审批、限额和记录。",
        "Only as a signed command",
        "Valve, balance, price, register, program, accounts and restarts are not operated directly. They go as commands, with "
        "signature, approval, limits and a record.",
    ),
    "secret-object": Text(
        403,
        "对象含密钥",
        "对象 0 含密钥，不能读取。",
        "This object holds keys",
        "Object 0 holds keys and is not read.",
    ),
    "operation-not-sent": Text(
        409,
        "操作没有发出",
        "没有发送任何内容：{why}。请检查取值类型，或稍后再试。",
        "Not sent",
        "Nothing was sent: {why}. Check the type of the value, or try again later.",
    ),
    "not-offered": Text(
        501,
        "本部署未提供",
        "这一功能在当前部署中没有启用。请检查启动的角色和设置。",
        "Not offered here",
        "This function is not enabled in this deployment. Check the roles started and the settings.",
    ),
}

# What is wrong with one field, by short code. Codes are stable; texts may change.
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
    "would-loop": ("上级区域不能是自己或下级", "would make the area its own ancestor"),
    "before-installation": ("不能早于安装日期", "is before the installation"),
    "without-customer": ("该表没有用户", "the meter has no customer"),
    "in-the-future": ("不能晚于今天", "is in the future"),
    "too_short": ("太短", "is too short"),
    "too_long": ("太长", "is too long"),
    "like_login": ("与登录名太相近", "resembles the login"),
    "common": ("太常见", "is too common"),
    "same-as-before": ("与当前的相同", "is the same as the current one"),
    "not-csv-or-xlsx": ("不是 CSV 或 XLSX 文件", "is neither CSV nor XLSX"),
    "not-csv": ("不是 CSV 文件", "is not CSV"),
    "not-hex": ("不是十六进制", "is not hexadecimal"),
}


def field_text(code: str, language: Language) -> str:
    """Text of a field code; the code itself where it is not in the catalogue."""
    found = FIELDS.get(code)
    return code if found is None else found[0 if language == "zh" else 1]


def choose_language(accept_language: str | None) -> Language:
    """The better of zh and en by Accept-Language (RFC 9110 12.5.4); zh where neither is wanted."""
    best: Language = DEFAULT_LANGUAGE
    weight = 0.0
    for part in (accept_language or "")[:200].split(","):
        tag, _, rest = part.strip().partition(";")
        primary = tag.split("-")[0].strip().lower()
        if primary not in ("zh", "en"):
            continue
        try:
            quality = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            quality = 0.0
        if quality > weight:
            best, weight = ("zh" if primary == "zh" else "en"), quality
    return best
