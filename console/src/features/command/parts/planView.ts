// SPDX-License-Identifier: Apache-2.0
// A plan of report times for the eye.
import type { ReportPlan } from "@/features/command/calls";
import type { Bar } from "@/shared/components/barPlot";

/** Minutes that a bar stands for: a day of bars fits on a screen, and each shows the fullest minute of its five. */
export const STEP_MIN = 5;
const DEADLINE_MIN = 480;

/** `485` → `08:05`. */
export function minuteText(minute: number): string {
  return `${String(Math.trunc(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}

/** A mean of reports: whole where it is whole, else with one digit. */
export function reportsText(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** One pair of bars for each five minutes: the fullest minute of them, after and before. To 08:00, or to the last report of the day. */
export function curveBars(before: readonly number[], after: readonly number[]): Bar[] {
  const bars: Bar[] = [];
  const isBusy = (value: number) => value > 0;
  const end = Math.max(Math.min(DEADLINE_MIN, before.length), before.findLastIndex(isBusy) + 1, after.findLastIndex(isBusy) + 1);
  for (let minute = 0; minute < end; minute += STEP_MIN) {
    const fullest = (curve: readonly number[]) => Math.round(Math.max(0, ...curve.slice(minute, minute + STEP_MIN)) * 10) / 10;
    bars.push({ label: minuteText(minute), value: fullest(after), colour: "--om-accent", other: fullest(before) });
  }
  return bars;
}

/** The fullest minute of each cell, the fullest cell first; at most `most` of them, the table has all. */
export function cellBars(plan: ReportPlan, most: number): Bar[] {
  return [...plan.cells]
    .sort((a, b) => b.peak_before - a.peak_before || a.cell - b.cell)
    .slice(0, most)
    .map((cell) => ({ label: String(cell.cell), value: cell.peak_after, colour: "--om-accent", other: cell.peak_before }));
}

export interface PlanTotals {
  /** Fullest minute of the fullest cell, as load in reports from good coverage. */
  peakBefore: number;
  peakAfter: number;
  /** Fullest minute of the town in reports. */
  townBefore: number;
  townAfter: number;
  /** Share in by 08:00 over all cells, weighted by meters, in millionths. */
  inBefore: number;
  inAfter: number;
}

export function totalsOf(plan: ReportPlan): PlanTotals {
  const weighted = (of: (cell: ReportPlan["cells"][number]) => number) =>
    plan.meters === 0 ? 1_000_000 : Math.trunc(plan.cells.reduce((sum, cell) => sum + of(cell) * cell.meters, 0) / plan.meters);
  const most = (values: readonly number[]) => values.reduce((fullest, value) => Math.max(fullest, value), 0);
  return {
    peakBefore: most(plan.cells.map((cell) => cell.peak_before)),
    peakAfter: most(plan.cells.map((cell) => cell.peak_after)),
    townBefore: most(plan.before_by_minute),
    townAfter: most(plan.after_by_minute),
    inBefore: weighted((cell) => cell.in_by_eight_before_ppm),
    inAfter: weighted((cell) => cell.in_by_eight_after_ppm),
  };
}

/** Minutes in which anything happens, for the table behind the chart. */
export function busyMinutes(plan: ReportPlan): { minute: number; before: number; after: number }[] {
  return plan.before_by_minute
    .map((before, minute) => ({ minute, before, after: plan.after_by_minute[minute] ?? 0 }))
    .filter((row) => row.before > 0 || row.after > 0);
}

/** Reasons with how many meters, the most frequent first. */
export function reasons(counts: Readonly<Record<string, number>>): [reason: string, count: number][] {
  return Object.entries(counts).filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
}
