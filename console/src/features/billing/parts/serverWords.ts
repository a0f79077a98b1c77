// SPDX-License-Identifier: Apache-2.0
// Words of charging at the server. They come with its pages and the counter, not with the frame: nobody needs them before.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  server: {
    balance: ["余额（元）", "Balance (CNY)"],
    held: ["已扣未出账（元）", "Deducted, not billed (CNY)"],
    stage: ["余额状态", "State"],
    stages: { enough: ["充足", "enough"], low: ["低于预警", "low"], below: ["低于可透支额", "below the limit"] },
    warn: ["预警余额（元）", "Warning level (CNY)"],
    limit: ["可透支（元）", "Credit limit (CNY)"],
    since: ["起始日", "Since"],
    ended: ["至 {day} 止", "until {day}"],
    last: ["最近扣费", "Newest deduction"],
    lastOf: ["{day} 扣 {amount} 元（{volume} m³）", "{amount} CNY for {day} ({volume} m³)"],
    none: ["还没有平台预付费的户", "No account is charged at the server"],
    noDays: ["还没有扣费", "Nothing was deducted yet"],
    open: ["未扣自", "Not deducted from"],
    inDoubt: ["只看有疑问未扣的", "Only those with a doubt"],
    whys: { "no-meter": ["户上没有表具", "No meter hangs at the account"] },
    days: ["扣费明细", "Deductions"],
    day: ["日期", "Day"],
    version: ["版本", "Version"],
    fen: ["本次（元）", "Booked (CNY)"],
    dayFen: ["当日合计（元）", "Of the day (CNY)"],
    volume: ["用量（m³）", "Volume (m³)"],
    estimated: ["估算", "estimated"],
    superseded: ["已更正", "corrected"],
    billed: ["已出账", "billed"],
    entry: ["分录", "Entry"],
    accounts: ["户号编号（逗号分隔）", "Accounts, with commas"],
    charge: ["设为平台预付费", "Charge at the server"],
    end: ["停用", "End"],
    bad: ["户号编号为数字；金额为元；可透支不小于 0，预警余额不低于负的可透支额", "Accounts are numbers, amounts in CNY; the warning level is not below the limit"],
    done: ["已办理 {count} 户", "{count} accounts"],
    actCharge: {
      title: ["{count} 户自 {day} 起按日扣费？", "Charge {count} accounts at the server from {day} on?"],
      what: ["每日读数按价目从余额扣费；低于预警余额时短信提醒，低于可透支额起算欠费。", "Each day that is read is deducted from the balance by the tariff; below the warning level the customer is told, below the limit it is a debt."],
      back: ["可停用；已扣的由下一张账单结转。", "It can be ended; the next bill takes the place of what was deducted."],
    },
    actEnd: {
      title: ["户号 {account} 停止按日扣费？", "End charging account {account} at the server?"],
      what: ["自今天起不再扣费；已扣的保留，由下一张账单结转，此后按账单缴费。", "No day from today on is deducted; what was deducted stays until the next bill, and bills are paid from then on."],
      back: ["可重新设为平台预付费。", "It can be charged so again."],
    },
  },
} satisfies Words;
