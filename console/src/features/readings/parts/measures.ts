// SPDX-License-Identifier: Apache-2.0
// What a finding's second figure is. A limit says whose: what was usual at this meter, or what its size lets through.
import type { Text } from "@/shared/i18n/bilingual";

export const MEASURES = {
  usual: ["限值：本表惯常用量的 5 倍（至少为 Qmax 一小时量的 ¼）", "limit: 5 times this meter's usual use (at least a quarter of an hour at Qmax)"],
  qmax: ["限值：本表 Qmax 允许的最大值", "limit: the most that this meter's Qmax lets through"],
  back: ["限值：本表可能的倒流", "limit: as far as this meter can run back"],
  dial: ["限值：本表量程", "limit: this meter's dial"],
  clock: ["接收时间", "received"],
  installation: ["本表安装时间", "this meter's installation"],
  since: ["应到时间", "was due"],
  registered: ["登记表号", "registered number"],
  own: ["表具自己上报的值", "the meter's own"],
  known: ["已知值", "known"],
} as const satisfies Record<string, Text>;
