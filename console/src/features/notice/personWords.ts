// SPDX-License-Identifier: Apache-2.0
// Words of who is reached how, and who is away. They come with their page.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  reached: {
    help: ["每人的联系方式由本人在“个人设置”中填写；不在岗期间由代班人收到通知，在此安排。", "Contacts are each person's own, under My settings. Who is away is told by a stand-in: that is arranged here."],
    contacts: ["联系方式", "Reached by"], quiet: ["免打扰 {from}–{until}", "quiet {from}–{until}"], away: ["不在岗", "Away"], standIn: ["{name} 代班", "stand-in {name}"], none: ["没有", "none"], add: ["增加一段", "Add a time"], change: ["安排 {name} 的代班", "When {name} is away"], instead: ["由谁代班", "Stand-in"],
    act: { title: ["保存 {name} 的代班安排？", "Save when {name} is away?"], what: ["期间的通知改发给代班人。", "In that time notices go to the stand-in."], back: ["可以再次修改。", "It can be changed again."] },
  },
} satisfies Words;
