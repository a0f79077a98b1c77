// SPDX-License-Identifier: Apache-2.0
// Words of the counter.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  payment: {
    orders: ["支付订单", "Payment orders"],
    order: ["支付订单", "Payment order"],
    refunds: ["渠道退款", "Refunds"],
    payChannels: ["支付渠道", "Payment channels"],
    comparison: ["对账", "Comparison"],
    partners: ["合作方", "Partners"],
    debitFiles: ["银行代扣", "Direct debit"],
    debitFile: ["代扣文件", "Debit file"],
    authorisations: ["代扣授权", "Debit authorisations"],
    counter: ["柜台收费", "Counter"],
    receipts: ["收据与退回", "Receipts and returns"],
  },
} satisfies Words;
