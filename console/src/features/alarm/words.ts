// SPDX-License-Identifier: Apache-2.0
// Words of alarms.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  alarm: {
    title: ["告警", "Alarms"],
    event: ["事件", "Event"],
    severity: ["级别", "Severity"],
    severities: { critical: ["紧急", "Critical"], major: ["重要", "Major"], minor: ["次要", "Minor"], info: ["提示", "Info"] },
    status: ["状态", "Status"],
    statuses: { open: ["未清除", "Not cleared"], unacknowledged: ["未确认", "Not acknowledged"], acknowledged: ["已确认，未清除", "Acknowledged, not cleared"], cleared: ["已清除", "Cleared"] },
    acknowledgedAt: ["已确认", "Acknowledged"],
    counts: ["未清除 {open} 条，其中未确认 {unacknowledged} 条", "{open} not cleared, of these {unacknowledged} not acknowledged"],
    clearAct: {
      title: ["清除表具 {number} 的“{event}”告警？", "Clear “{event}” of meter {number}?"],
      gone: ["告警从未清除列表中消失，值班人员不再看到它。", "It leaves the list of alarms not cleared: nobody on shift sees it any more."],
      meter: ["表端状态不变：表具再次上报该事件时会重新告警。", "The meter is as it was: it is raised again when the meter reports it again."],
      back: ["不能恢复；记录保留在“已清除”中。", "It cannot be put back; it stays in the list of cleared ones."],
    },
    raised: ["发生时间", "Raised"],
    received: ["接收时间", "Received"],
    delay: ["可见延迟", "Delay"],
    occurrences: ["次数", "Times"],
    acknowledge: ["确认", "Acknowledge"],
    acknowledged: ["告警已确认", "Alarm acknowledged"],
    clear: ["清除", "Clear"],
    cleared: ["告警已清除", "Alarm cleared"],
    none: ["没有告警", "No alarms"],
  },
} satisfies Words;
