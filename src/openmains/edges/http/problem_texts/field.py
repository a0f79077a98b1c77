# SPDX-License-Identifier: Apache-2.0
"""Work outside."""

from openmains.edges.http.problem_texts.text import Text

TEXTS: dict[str, Text] = {
    "route-name-taken": Text(
        409,
        "已有同名抄表册",
        "已有名为“{name}”的抄表册。请换一个名称，或修改那一册。",
        "There is a route of this name",
        "A reading route “{name}” exists already. Choose another name, or change that route.",
    ),
    "in-another-route": Text(
        409,
        "表已在另一抄表册",
        "有 {count} 只表（如 {number}）在另一册中；一只表同一时刻只属一册。确要移入本册，请带 take 再提交。",
        "A meter is in another route",
        "{count} meters, such as {number}, are in another route; a meter is in one at a time. Send it again with take to bring them over.",
    ),
    "not-heard-yet": Text(
        409,
        "还没有收到该表的报文",
        "按键之后尚未收到表 {number} 的报文。请按表上按键，等候一分钟再试；仍收不到时检查天线和位置。",
        "The meter was not heard yet",
        "Meter {number} has not reported since the press. Press its button, wait a minute and try again; then check the aerial and the place.",
    ),
    "weak-signal": Text(
        409,
        "信号不足",
        "该处 RSRP {rsrp} dBm、SINR {sinr} dB，要求 RSRP > -117.4 dBm 且 SINR > -3 dB。请换位置或天线后重试；确须在此安装的，写明理由。",
        "The signal is too weak",
        "Here are RSRP {rsrp} dBm and SINR {sinr} dB; needed are RSRP > -117.4 dBm and SINR > -3 dB."
        " Move the meter or its aerial and try again, or say why it must be here.",
    ),
    "valve-not-tested": Text(
        409,
        "阀门未试",
        "表 {number} 的关阀与开阀尚未都得到表的确认。请完成关、开各一次，或写明未试的理由。",
        "The valve was not tried",
        "Meter {number} has not confirmed both closing and opening. Do both once, or say why not.",
    ),
    "photo-too-large": Text(
        413,
        "照片过大",
        "照片不得超过 {most} kB。请缩小后再传。",
        "The photograph is too large",
        "A photograph has at most {most} kB. Make it smaller and send it again.",
    ),
    "photo-not-read": Text(
        400,
        "不是可接受的照片",
        "只接受 JPEG、PNG、WebP 图片。请重新拍照。",
        "This is no photograph that is taken",
        "JPEG, PNG and WebP pictures are taken. Take the photograph again.",
    ),
    "photo-unreadable": Text(
        409,
        "照片打不开",
        "照片的密文或其密钥已损坏或不在本机。请管理员检查主密钥与备份；照片原件可能仍在拍摄的手机上。",
        "The photograph does not open",
        "Its ciphertext or key is damaged or not here."
        " An administrator checks the master key and the backups; the phone that took it may still have it.",
    ),
    "too-many-photos": Text(
        409,
        "照片过多",
        "一人一天最多 {most} 张照片。照片留在手机上，请明天在“待传”中重发。",
        "Too many photographs",
        "One person sends at most {most} photographs a day. It stays on the phone: try again tomorrow.",
    ),
}
