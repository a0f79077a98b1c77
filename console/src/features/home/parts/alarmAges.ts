// SPDX-License-Identifier: Apache-2.0
// Open alarms by how long they have waited, and how quickly they could be seen (R7.1: within 20 s).
import type { Alarm } from "@/features/alarm/calls";

const HOUR_MS = 3_600_000;
export const AGES = [
  { name: "hour", below: HOUR_MS },
  { name: "day", below: 24 * HOUR_MS },
  { name: "week", below: 7 * 24 * HOUR_MS },
  { name: "older", below: Infinity },
] as const;

/** Count of each age, in the order of `AGES`. */
export function countsByAge(alarms: readonly Pick<Alarm, "received_at">[], now: number): number[] {
  const counts = AGES.map(() => 0);
  for (const alarm of alarms) {
    const age = now - Date.parse(alarm.received_at);
    const index = AGES.findIndex(({ below }) => age < below);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

export function visibility(alarms: readonly Pick<Alarm, "delay_ms">[], targetMs: number): { inTime: number; worstMs: number } {
  let inTime = 0;
  let worstMs = 0;
  for (const { delay_ms: delay } of alarms) {
    if (delay <= targetMs) inTime += 1;
    worstMs = Math.max(worstMs, delay);
  }
  return { inTime, worstMs };
}
