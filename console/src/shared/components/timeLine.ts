// SPDX-License-Identifier: Apache-2.0
// Points of a line on a true time axis: equal spans are equally wide, and where reports are missing the line has a hole.

/** Instant as ms on the wall clock of the tenant's zone (`wallMs`), and the value; null: nothing known. */
export type TimePoint = readonly [at: number, value: number | null];

const TIMES_USUAL = 3;
const LEAST_HOLE_MS = 36 * 3_600_000; // a daily report that is half a day late is no hole

/** The points in time's order, with an unknown one within every gap of more than three times the usual distance. */
export function withHoles(points: readonly TimePoint[]): TimePoint[] {
  const inTime = [...points].sort((a, b) => a[0] - b[0]);
  const steps = inTime.slice(1).map((point, place) => point[0] - (inTime[place]?.[0] ?? 0)).sort((a, b) => a - b);
  const most = Math.max(LEAST_HOLE_MS, TIMES_USUAL * (steps[Math.floor(steps.length / 2)] ?? 0));
  return inTime.flatMap((point, place) => {
    const before = inTime[place - 1];
    const isGap = before !== undefined && point[0] - before[0] > most;
    return isGap ? [[(before[0] + point[0]) / 2, null] as const, point] : [point];
  });
}

/** `05-01` or, within a few days, `05-01 07:30`; the wall clock as `wallMs` makes it. */
export function tickText(at: number, withClock: boolean): string {
  const text = new Date(at).toISOString();
  return withClock ? `${text.slice(5, 10)} ${text.slice(11, 16)}` : text.slice(5, 10);
}

/** The same in full, for what is pointed at: `2026-05-01 07:30:00`, or the day alone. */
export function pointText(at: number, isDay: boolean): string {
  const text = new Date(at).toISOString();
  return isDay ? text.slice(0, 10) : `${text.slice(0, 10)} ${text.slice(11, 19)}`;
}
