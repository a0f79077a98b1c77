// SPDX-License-Identifier: Apache-2.0
// What a meter used today, this month and last month, from the days of both: exact sums of whole counts.
import type { Reading } from "@/features/readings/calls";
import { dayOf } from "@/shared/format/time";
import { isKnown } from "./readingBars";

export interface Use {
  /** Count of 10^exponent m³; null where nothing is known. */
  volume: number | null;
  /** Days of which a part was due and is missing. */
  holes: number;
}

export interface MonthUse {
  today: Use;
  month: Use;
  lastMonth: Use;
}

/** First day of the month before that of `day`: `2026-03-01` of `2026-04-15`. */
export function firstOfLastMonth(day: string): string {
  const [year = 0, month = 1] = day.split("-").map(Number);
  return month === 1 ? `${String(year - 1)}-12-01` : `${String(year)}-${String(month - 1).padStart(2, "0")}-01`;
}

function sum(rows: readonly Reading[]): Use {
  const known = rows.filter(isKnown);
  return { volume: known.length === 0 ? null : known.reduce((total, row) => total + row.volume, 0), holes: rows.filter((row) => row.missing_s > 0).length };
}

export function monthUse(rows: readonly Reading[], today: string, zone: string): MonthUse {
  const days = rows.map((row) => ({ day: dayOf(new Date(row.start), zone), row }));
  const month = today.slice(0, 7);
  return {
    today: sum(days.filter(({ day }) => day === today).map(({ row }) => row)),
    month: sum(days.filter(({ day }) => day.startsWith(month)).map(({ row }) => row)),
    lastMonth: sum(days.filter(({ day }) => !day.startsWith(month)).map(({ row }) => row)),
  };
}
