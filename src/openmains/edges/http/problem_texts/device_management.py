# SPDX-License-Identifier: Apache-2.0
"""Reading and writing objects of a meter at once."""

from openmains.edges.http.problem_texts.text import Text

TEXTS: dict[str, Text] = {
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
}
