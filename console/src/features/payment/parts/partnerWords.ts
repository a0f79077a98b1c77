// SPDX-License-Identifier: Apache-2.0
// Words of partners. They come with their page.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  partner: {
    name: ["名称", "Name"],
    path: ["接口路径", "Path"],
    refused: ["30 日内未采信的请求", "Requests of 30 days that were not believed"],
    faults: {
      "partner-unreadable": ["签名头缺失或格式不对", "headers lack"], "partner-signature": ["签名不符", "wrong signature"], "partner-other": ["另一合作方的密钥", "another partner's key"],
      "partner-stale": ["时间戳过旧或超前", "too old or too new"], "partner-replay": ["重放", "replayed"], "partner-off": ["已停用", "switched off"],
    },
    on: ["启用", "Switch on"],
    off: ["停用", "Switch off"],
    isOff: ["已停用", "off"],
    add: ["新增合作方", "Add a partner"],
    renew: ["更换密钥", "New key"],
    none: ["还没有合作方", "No partners yet"],
    key: ["{name} 的密钥（只显示这一次，请立即交给合作方）", "Key of {name} (shown this once; give it to the partner now)"],
    hide: ["已抄录，隐藏", "Taken down, hide it"],
    done: ["已保存", "Saved"],
    actAdd: { title: ["新增合作方“{name}”？", "Add partner {name}?"], what: ["它可以用自己的密钥报收款，立即入账。", "It reports payments with a key of its own; they are booked at once."], back: ["可随时停用。", "It can be switched off at any time."] },
    actOn: { title: ["启用“{name}”？", "Switch {name} on?"], what: ["它的请求重新受理。", "Its requests are taken again."], back: ["可再停用。", "It can be switched off again."] },
    actOff: { title: ["停用“{name}”？", "Switch {name} off?"], what: ["它的请求一律拒绝；已入账的不变。", "Its requests are refused; what is booked stays."], back: ["可再启用。", "It can be switched on again."] },
    actRenew: { title: ["更换“{name}”的密钥？", "A new key for {name}?"], what: ["旧密钥立即失效；新密钥只显示一次。", "The old key signs nothing from now on; the new one is shown once."], back: ["不能恢复旧密钥。", "The old key does not come back."] },
  },
} satisfies Words;
