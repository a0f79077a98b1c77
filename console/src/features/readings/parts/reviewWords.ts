// SPDX-License-Identifier: Apache-2.0
// Words of the review of readings by groups; they come with the page, not with the frame.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  review: {
    group: ["分组", "Group"],
    by: ["分组方式", "Group by"],
    none: ["不分组", "No groups"],
    bys: { meter: ["表具", "Meter"], area: ["区域", "Area"], day: ["日期", "Day"] },
    findings: ["待审核", "Open"],
    meters: ["表具数", "Meters"],
    days: ["日期", "Days"],
    rules: ["规则", "Rules"],
    open: ["审核", "Review"],
    openOne: ["审核 {name}", "Review {name}"],
    more: ["只列出最大的 {n} 组；审核后其余的会列出。", "Only the {n} largest groups are listed; the others come when these were judged."],
    moreDays: ["只列出最近的 {n} 天；审核后其余的会列出。", "Only the newest {n} days are listed; the others come when these were judged."],
    curve: ["曲线", "Curve"],
    curveOf: ["表 {number} 在 {day} 前后的用量曲线", "Use of meter {number} around {day}"],
    close: ["关闭曲线", "Close the curve"],
    allOf: ["全部读数", "All readings"],
  },
} satisfies Words;
