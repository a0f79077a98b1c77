// SPDX-License-Identifier: Apache-2.0
// Words of invoices. They come with the page of a bill.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  invoice: {
    title: ["发票（数电票）", "Invoices"],
    none: ["该账单还没有开票", "No invoice was asked for"],
    states: { asked: ["已申请，结果未知", "asked for, not known yet"], issued: ["已开具", "issued"], refused: ["被拒绝", "refused"], red_asked: ["已申请红冲，结果未知", "red letter asked for, not known yet"], red_lettered: ["已红冲", "taken back by a red letter"] },
    number: ["发票号码", "Number"],
    buyer: ["购买方名称", "Buyer"],
    buyerTax: ["购买方纳税人识别号（个人留空）", "Buyer's tax number (empty for a person)"],
    amount: ["价税合计（元）", "With tax (CNY)"],
    tax: ["税额（元）", "Tax (CNY)"],
    state: ["状态", "State"],
    by: ["申请人", "Asked for by"],
    ask: ["申请开票", "Ask for an invoice"],
    again: ["查询结果", "Ask what became of it"],
    red: ["红冲", "Take it back (red letter)"],
    done: ["已办理", "Done"],
    settings: ["开票设置", "Invoice settings"],
    component: ["价格构成", "Component"],
    item: ["项目名称（*简称*名称）", "Item"],
    taxCode: ["税收分类编码（19 位）", "Tax code (19 digits)"],
    rate: ["税率（%，最多两位小数）", "Rate (%, two decimals at most)"],
    add: ["增加一行", "Add a row"],
    remove: ["删除", "Remove"],
    save: ["保存", "Save"],
    hint: ["销售方取自单位名称和账单抬头。税目与税率请按税务机关核定填写；本系统只自带模拟开票，不产生真实发票。", "The seller is the utility with its letterhead. Enter items and rates as your tax office has set them. The only adapter that comes along emulates: no invoice counts."],
    actAsk: { title: ["向“{buyer}”开票 {amount} 元？", "Invoice {amount} CNY to {buyer}?"], what: ["按账单各构成的税目税率开具；同一账单只能有一张有效发票。", "By the items and rates of the bill's components; a bill has one invoice that stands."], back: ["由另一人红冲后可重开。", "When another person has taken it back, it can be asked for again."] },
    actRed: { title: ["红冲发票 {number}？", "Take back invoice {number}?"], what: ["开具全额红字发票；账单和账务不变。", "A red-letter invoice over all of it is issued; bill and ledger stay."], back: ["不能撤销；可对账单重新开票。", "It cannot be undone; another invoice can be asked for."] },
    actSettings: { title: ["保存开票设置？", "Save the invoice settings?"], what: ["此后开具的发票按这些税目和税率；已开具的不变。", "Invoices go by these items and rates from now on; those issued stay."], back: ["可再次修改。", "They can be changed again."] },
  },
} satisfies Words;
