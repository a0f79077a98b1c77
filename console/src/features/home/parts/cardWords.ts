// SPDX-License-Identifier: Apache-2.0
// Words of the choice of cards. They come with the page that shows it.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  cards: {
    choose: ["卡片", "Cards"],
    names: {
      due: ["最近到期的日报", "Last report due"], running: ["正在采集", "Being collected"], use: ["用量", "Volumes"], meters: ["表具状态", "How meters stand"], ages: ["告警时长", "Alarms by age"],
      work: ["我的待办", "What waits for me"], trend: ["近 30 日抄表率", "Rate of 30 days"], areas: ["各区域未抄", "Missing by area"], alarms: ["未清除告警", "Alarms not cleared"],
    },
  },
} satisfies Words;
