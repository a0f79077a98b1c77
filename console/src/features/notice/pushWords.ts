// SPDX-License-Identifier: Apache-2.0
// Words of browser push. They come with the part that shows them.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  push: {
    title: ["浏览器通知", "Notices in browsers"],
    help: ["告警通知直接显示在这台设备上，控制台关着也能收到；点按即打开告警。内容端到端加密，推送服务看不到。公用电脑上请勿开启：通知在退出登录后仍会显示，直到在此移除。", "Notices show up on this device even while the console is closed; a click opens the alarm. They are sealed for this browser: the push service cannot read them. Leave it off on a shared computer: notices go on after you sign out, until it is taken off here."],
    none: ["还没有浏览器接收通知", "No browser takes notices yet"],
    add: ["在此浏览器接收", "Take notices in this browser"], added: ["此浏览器将接收通知", "This browser takes notices"],
    remove: ["移除", "Take off"], removed: ["已移除", "Taken off"], here: ["此浏览器", "this browser"],
    label: ["浏览器", "Browser"], since: ["自", "Since"],
    notOffered: ["本单位未启用浏览器推送：由管理员在“通知渠道”中新建。", "This utility has no browser push: somebody who manages notices adds it under Channels."],
    unable: ["此浏览器不支持推送，或控制台不是经 HTTPS 打开。", "This browser has no push, or the console was not opened over HTTPS."],
    denied: ["浏览器已禁止本站通知，请先在浏览器设置中允许。", "Notices of this site are blocked: allow them in the browser's settings first."],
    ended: ["此浏览器的订阅已失效（推送服务已取消，或渠道已重建），不再收到通知：请重新接收。", "This browser's subscription has ended – the push service gave it up, or the channel was made anew – and no notice comes here: take notices again."],
    failed: ["浏览器无法连接其推送服务，请检查网络后重试。", "The browser could not reach its push service: look at the network, then try again."],
  },
} satisfies Words;
