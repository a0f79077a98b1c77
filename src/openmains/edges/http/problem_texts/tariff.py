# SPDX-License-Identifier: Apache-2.0
"""Tariffs, their plans and prices of meters."""

from openmains.edges.http.problem_texts.text import Text

TEXTS: dict[str, Text] = {
    "tariff-code-taken": Text(
        409,
        "价目编码已被使用",
        "编码 {taken} 已属于另一个价目。请换一个编码，或在该价目中起草新方案。",
        "Code taken",
        "Code {taken} belongs to another tariff. Choose another code, or draft a plan in that tariff.",
    ),
    "own-plan": Text(
        403,
        "不能批准自己起草的方案",
        "方案由您起草，须经起草人以外的审批人同意。您可以驳回（撤回）它。",
        "Not your own plan",
        "You drafted this plan yourself, so another person must approve it. You may reject it, which takes it back.",
    ),
    "simulate-first": Text(
        409,
        "尚未测算",
        "价目已有用户执行：批准前请先测算该方案（上月各户应缴的变化）。",
        "Not simulated yet",
        "Customers pay by this tariff: simulate the plan on last month before it is approved.",
    ),
    "plan-in-force": Text(
        409,
        "方案已生效",
        "方案自 {from_day} 起执行，账单以它为据，不能撤回。请起草一个新方案，从以后的日期起执行。",
        "The plan is in force",
        "The plan holds since {from_day} and bills rest on it, so it cannot be withdrawn. Draft another one for a later day.",
    ),
    "later-plan-approved": Text(
        409,
        "其后还有已批准的方案",
        "方案 {number}（自 {from_day} 起执行）已作为其后续获批准。请先撤回方案 {number}，再撤回本方案。",
        "A later plan is approved",
        "Plan {number}, which holds from {from_day}, was approved as what follows this one. Withdraw plan {number} first, then this one.",
    ),
    "nothing-to-compare": Text(
        409,
        "没有可比较的",
        "测算须有今天生效的方案和执行该价目的用户。请先登记用户；首个方案不需要测算。",
        "Nothing to compare with",
        "A simulation needs a plan in force today and meters that pay by it. Add members first; a tariff's first plan needs none.",
    ),
    "too-many-members": Text(
        409,
        "用户过多",
        "该价目的用户超过 {limit} 个，一次最多测算 {limit} 个。请按片区分设价目，或联系运维。",
        "Too many members",
        "More than {limit} meters pay by this tariff, the most that one simulation takes. Divide the tariff, or ask who runs the system.",
    ),
    "not-approved": Text(
        409,
        "方案未批准",
        "方案的状态是“{state}”。只有已批准的方案才能下发到表具。",
        "Not approved",
        "The plan is “{state}”. Only an approved plan is given to meters.",
    ),
    "not-for-meters": Text(
        409,
        "表具容纳不下该方案",
        "原因：{codes}。请由平台计费，或为这类表具起草较简单的方案。",
        "No meter can hold this plan",
        "Why: {codes}. Charge at the server, or draft a simpler plan for such meters.",
    ),
    "price-numbers-used": Text(
        409,
        "表具价格版本号已用尽",
        "本单位的 65535 个版本号都已使用。请联系运维。",
        "No price version is left",
        "All 65,535 version numbers of this utility are used. Ask who runs the system.",
    ),
}
