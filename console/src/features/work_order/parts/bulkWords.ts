// SPDX-License-Identifier: Apache-2.0
// Words of several orders sent at once. They come with the part that shows them.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  orderBulk: {
    title: ["批量派单", "Send the selected"],
    reason: ["理由（技能、区域不符或处理中的须写）", "Reason, where skill or place do not fit or work has begun"],
    sent: ["已派 {n} 张工单", "{n} orders sent"],
    notAll: ["已派 {n} 张，{left} 张未派：{why}", "{n} sent, {left} not: {why}"],
  },
} satisfies Words;
