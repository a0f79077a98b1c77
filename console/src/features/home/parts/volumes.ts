// SPDX-License-Identifier: Apache-2.0
// Volumes of days as the first page shows them. The exact text is shown; numbers only draw the line and the comparison.
import type { ReportDay } from "@/features/readings/calls";
import { addDays } from "@/shared/format/time";
import { decimalText } from "@/shared/format/volume";

export interface MediumUse {
  medium: "gas" | "water";
  /** Exact, in m³. */
  text: string;
  /** How many meters are known that day. */
  meters: number;
  /** Against the same weekday a week before, `+3.2%`; null where that is not known or was nothing. */
  change: string | null;
  values: number[];
  times: number[];
}

const WEEK = 7;
const find = (days: readonly ReportDay[], day: string, medium: string) => days.find((one) => one.day === day)?.volumes.find((volume) => volume.medium === medium);

/** `+3.2%` of one against another; null where there is nothing to compare with. */
export function changeText(now: number, before: number | null): string | null {
  if (before === null || before <= 0) return null;
  const tenths = Math.round(((now - before) * 1000) / before);
  return `${tenths < 0 ? "−" : "+"}${(Math.abs(tenths) / 10).toFixed(1)}%`;
}

/** What each medium used on `day`, and on the days up to it. */
export function volumesOf(days: readonly ReportDay[], day: string): MediumUse[] {
  const upTo = days.filter((one) => one.day <= day);
  return (["gas", "water"] as const).flatMap((medium) => {
    const on = find(days, day, medium);
    if (on === undefined) return [];
    const before = find(days, addDays(day, -WEEK), medium);
    const line = upTo.flatMap((one) => one.volumes.filter((volume) => volume.medium === medium).map((volume) => [Date.parse(`${one.day}T00:00:00Z`), Number(volume.volume_m3)] as const));
    return [{
      medium,
      text: decimalText(on.volume_m3),
      meters: on.meters,
      change: changeText(Number(on.volume_m3), before === undefined ? null : Number(before.volume_m3)),
      values: line.map(([, value]) => value),
      times: line.map(([at]) => at),
    }];
  });
}
