# SPDX-License-Identifier: Apache-2.0
"""Alarms and what people do with them."""

from openmains.edges.http.problem_texts.text import Text

TEXTS: dict[str, Text] = {
    "alarm-step": Text(
        409,
        "告警不能这样处理",
        "该告警的状态是“{state}”，不能执行“{step}”。请刷新后按其当前状态处理。",
        "Not a step of this alarm",
        "The alarm is '{state}': '{step}' is no step from there. Reload and go on from where it stands.",
    ),
    "alarm-open-again": Text(
        409,
        "同一告警已重新发生",
        "该表具的同一事件已有未清除的新告警。请处理那一条。",
        "Raised again already",
        "Another alarm about the same event of this meter is open. Handle that one.",
    ),
    "alarm-too-old": Text(
        409,
        "清除已超过 24 小时",
        "清除超过 24 小时的告警不能重新打开。表具再次上报时会产生新告警；或新建工单。",
        "Cleared more than 24 h ago",
        "An alarm cleared more than 24 h ago is not reopened. The meter raises a new one when it reports again.",
    ),
}
