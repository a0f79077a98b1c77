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
    statuses: { open: ["未确认", "Not acknowledged"], acknowledged: ["已确认", "Acknowledged"], cleared: ["已清除", "Cleared"] },
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
