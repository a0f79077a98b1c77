// SPDX-License-Identifier: Apache-2.0
// Words of where subscriptions go. They come with their page: nobody needs them before.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  broker: {
    user: ["消息代理用户名", "User name at the broker"], password: ["密码", "Password"], target: ["推送地址", "Where to"],
    hint: ["https://主机/路径 · mqtts://主机/主题 · tls://主机/主题（NATS）", "https://host/path · mqtts://host/topic · tls://host/subject (NATS)"],
  },
} satisfies Words;
