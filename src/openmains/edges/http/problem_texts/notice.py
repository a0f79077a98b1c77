# SPDX-License-Identifier: Apache-2.0
"""Notices and subscriptions."""

from openmains.edges.http.problem_texts.text import Text

TEXTS: dict[str, Text] = {
    "notice-name-taken": Text(
        409,
        "名称已被使用",
        "已有名为“{name}”的渠道、值班表、策略或订阅。请换一个名称。",
        "The name is taken",
        "There is a channel, calendar, policy or subscription named “{name}” already. Choose another name.",
    ),
    "one-inbox": Text(
        409,
        "收件箱不能新增或删除",
        "每个单位有且只有一个控制台收件箱。不需要时可以停用。",
        "There is one inbox",
        "Each utility has exactly one inbox of its console. Switch it off where nobody is to use it.",
    ),
    "one-web-push": Text(
        409,
        "浏览器推送渠道已存在",
        "每个单位只有一个浏览器推送渠道：浏览器按它的密钥订阅。请修改现有渠道，或先将其删除。",
        "There is a channel of browser push already",
        "Each utility has one channel of browser push, for browsers subscribe by its key. Change that one, or remove it first.",
    ),
    "no-web-push": Text(
        409,
        "本单位未启用浏览器推送",
        "请由管理员在“通知渠道”中新建并启用“浏览器推送”渠道，然后再订阅。",
        "This utility has no browser push",
        "Somebody who manages notices adds a channel of browser push under Channels and switches it on; then subscribe.",
    ),
    "push-address-refused": Text(
        409,
        "服务器不能访问该浏览器的推送服务",
        "原因：{reason}。推送地址须为公网 HTTPS；内网地址须由管理员列入 notify_networks，服务器还须能解析其域名。",
        "The server may not call this browser's push service",
        "Reason: {reason}. It must be HTTPS on a public address; one on the premises stands in notify_networks, and its name must resolve.",
    ),
    "too-many-browsers": Text(
        409,
        "浏览器数量已达上限",
        "一人最多在 {most} 个浏览器中接收通知。请先移除不再使用的。",
        "As many browsers as a person may have",
        "A person takes notices in at most {most} browsers. Take one off that is not used any more.",
    ),
    "channel-in-use": Text(
        409,
        "渠道仍被通知策略使用",
        "渠道“{name}”用于策略：{policies}。请先在这些策略中换用别的渠道。",
        "Policies still use the channel",
        "The channel “{name}” is used by: {policies}. Give these policies another channel first.",
    ),
    "calendar-in-use": Text(
        409,
        "值班表仍被通知策略使用",
        "值班表“{name}”用于策略：{policies}。请先修改这些策略。",
        "Policies still use the calendar",
        "The calendar “{name}” is used by: {policies}. Change these policies first.",
    ),
    "channel-off": Text(
        409,
        "渠道已停用",
        "渠道“{name}”已停用，不会发送。请先启用，再测试。",
        "The channel is off",
        "The channel “{name}” is off and sends nothing. Switch it on, then test it.",
    ),
    "not-failed": Text(
        409,
        "该通知没有失败",
        "只有已失败、且有渠道的通知才能重发。等待中的通知会自动重试。",
        "The notice has not failed",
        "Only a notice that failed, and that has a channel, is sent again. One that waits is tried by itself.",
    ),
    "replay-too-far": Text(
        409,
        "超出保留期",
        "保留的最早事件为 {oldest}。请从该时刻或以后重放。",
        "Further back than events are kept",
        "The oldest event that is kept is of {oldest}. Replay from then or later.",
    ),
    "own-announcement": Text(
        403,
        "不能批准自己的公告",
        "该公告由您起草，须由另一人批准后发送。您可以取消它。",
        "Not your own announcement",
        "You wrote this announcement yourself, so another person must approve it before it is sent. You may cancel it.",
    ),
    "announcement-state": Text(
        409,
        "公告已不处于该状态",
        "只有草稿可以批准；草稿和已批准的公告可以取消。请刷新后查看。",
        "The announcement is further on",
        "Only a draft is approved; a draft or an approved one is cancelled. Reload to see where it stands.",
    ),
    "nobody-reached": Text(
        409,
        "没有可通知的客户",
        "该范围内没有登记手机号的客户（无手机号：{count}）。请修改范围，或先登记手机号。",
        "It would reach nobody",
        "Nobody it concerns has a phone here ({count} without one). Choose another place or class, or enter phones first.",
    ),
}
