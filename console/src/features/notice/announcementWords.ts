// SPDX-License-Identifier: Apache-2.0
// Words of announcements to customers. They come with their page: nobody needs them before.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  announcement: {
    topic: ["类型", "Topic"], topics: { outage: ["计划停供", "planned stop"], price: ["调价", "price change"], safety: ["安全", "safety"] },
    titleZh: ["标题（中文）", "Title, Chinese"], titleEn: ["标题（英文）", "Title, English"], textZh: ["内容（中文）", "Text, Chinese"], textEn: ["内容（英文）", "Text, English"],
    language: ["发送语言", "Sent in"], languages: { zh: ["中文", "Chinese"], en: ["英文", "English"], both: ["中英文", "both"] },
    area: ["区域", "Area"], everywhere: ["全部", "everywhere"], customerClass: ["用户类别", "Class"], allClasses: ["全部类别", "all classes"], medium: ["介质", "Medium"], allMedia: ["水和气", "water and gas"],
    classes: { resident: ["居民", "resident"], combined: ["合表", "combined meter"], non_resident: ["非居民", "non-resident"], special: ["特种", "special"] }, media: { water: ["水", "water"], gas: ["气", "gas"] },
    channel: ["短信渠道", "SMS channel"], choose: ["请选择", "choose"],
    help: ["先预览范围，再保存草稿；由另一人批准后发送。停供和调价只在 8 至 21 时发送，安全公告随时发送。短信模板变量最多 35 个字。", "Look at whom it reaches, save a draft; another person approves it, then it is sent: from 8 to 21 o'clock, what is about safety at any time. A variable of an SMS template takes 35 signs."],
    preview: ["预览", "Preview"], reaches: ["{customers} 位客户，其中 {reachable} 位有手机号", "{customers} customers, {reachable} of them with a phone"], customers: ["客户", "Customers"], reachable: ["有手机号", "With a phone"],
    save: ["保存草稿", "Save the draft"], saved: ["已保存，等待另一人批准", "Saved; another person approves it"], none: ["还没有公告", "No announcements yet"],
    state: ["状态", "State"], states: { draft: ["草稿", "draft"], approved: ["已批准", "approved"], cancelled: ["已取消", "cancelled"] },
    by: ["起草 / 批准", "Written / approved"], recipients: ["收件客户", "Recipients"], unreachable: ["无手机号", "Without a phone"], waiting: ["等待", "Waiting"], accepted: ["已送达", "Accepted"], failed: ["失败", "Failed"],
    approve: ["批准", "Approve"], cancel: ["取消", "Cancel"], done: ["完成", "Done"],
    actApprove: { title: ["批准并发送公告“{name}”？", "Approve and send “{name}”?"], what: ["范围内每位有手机号的客户收到一条短信，产生费用。", "Each customer it concerns who has a phone gets a text message, which costs money."], back: ["可以取消尚未发送的部分。", "What is not sent yet can be cancelled."], go: ["批准", "Approve"] },
    actCancel: { title: ["取消公告“{name}”？", "Cancel “{name}”?"], what: ["尚未发送的不再发送。", "What waits is not sent any more."], back: ["已发出的无法收回。", "What went out cannot be taken back."], go: ["取消公告", "Cancel it"] },
  },
} satisfies Words;
