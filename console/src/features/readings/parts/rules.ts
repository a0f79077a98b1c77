// SPDX-License-Identifier: Apache-2.0
// The rules of validation with their names: those of domain/readings/quality.py; a test compares.
import type { Text } from "@/shared/i18n/bilingual";

export const RULES = {
  duplicate_same: ["重复（同值）", "Duplicate, same value"],
  duplicate_different: ["重复（异值）", "Duplicate, different value"],
  clock_ahead: ["时钟超前", "Clock ahead"],
  clock_behind: ["时钟滞后", "Clock behind"],
  before_installation: ["早于安装", "Before installation"],
  rollover: ["满量程回零", "Rollover"],
  meter_changed: ["换表", "Meter changed"],
  reverse_flow: ["反流", "Reverse flow"],
  impossible_back: ["不可能的倒退", "Impossible step back"],
  over_qmax: ["超过最大流量", "Over Qmax"],
  spike: ["突增", "Spike"],
  sum_mismatch: ["增量合计不符", "Sum mismatch"],
  dial_limit: ["超出字轮位数", "Beyond the dial"],
  unit_suspect: ["单位可疑", "Unit suspect"],
  history_mismatch: ["与历史不符", "History mismatch"],
  gap: ["缺数", "Gap"],
  out_of_order: ["乱序", "Out of order"],
  level_returned: ["回到原水平", "Former level returned"],
  level_doubt: ["水平存疑", "Level in doubt"],
  number_mismatch: ["表号不符", "Number does not fit"],
  manual_reading: ["人工抄表", "Manual reading"],
  manual_differs: ["人工抄表与表具不符", "Manual reading differs from the meter"],
} as const satisfies Record<string, Text>;

export const RULE_NAMES = Object.keys(RULES) as (keyof typeof RULES)[];
