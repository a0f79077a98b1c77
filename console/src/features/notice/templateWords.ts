// SPDX-License-Identifier: Apache-2.0
// Words of notices' own words. They come with their page.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  template: {
    help: ["通知的用语，中英文各一份。花括号内为占位符，发送时填入；留空的占位符不显示。", "What notices say, in Chinese and in English. Names in braces are filled in when a notice is sent; what is not known is left empty."],
    facts: ["可用的占位符", "Names there are"], language: ["语言", "Language"], subject: ["标题", "Subject"], body: ["正文", "Text"], own: ["本单位用语", "our own words"], program: ["系统默认", "the program's words"],
    change: ["修改 {kind}（{language}）", "Change {kind} ({language})"], reset: ["恢复默认", "Take the program's words"],
    kinds: {
      raised: ["告警", "Alarm"], escalated: ["告警升级", "Alarm, escalated"], cleared: ["告警恢复", "Alarm is over"], digest: ["多条汇总", "Several at once"], test: ["测试", "Test"], order: ["派单", "Work order"], order_overdue: ["工单超时", "Work order overdue"],
      announcement: ["客户公告", "Announcement"], customer_code: ["登录验证码", "Customer's sign-in code"], arrears_warning: ["欠费提醒", "Arrears"], balance_low: ["余额提醒", "Low balance"],
    },
    act: { title: ["保存“{name}”的用语？", "Save the words of {name}?"], what: ["此后的通知按此发送。", "Notices say this from now on."], back: ["可随时恢复默认。", "The program's words can be taken again."], drop: ["本单位的用语将被删除。", "Our own words are removed."] },
  },
} satisfies Words;
