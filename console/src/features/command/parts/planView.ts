// SPDX-License-Identifier: Apache-2.0
// A plan of report times for the eye.
import type { ReportPlan } from "@/features/command/calls";
import type { Bar } from "@/shared/components/barPlot";

/** `485` → `08:05`. */
export function minuteText(minute: number): string {
  return `${String(Math.trunc(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}

/** One pair of bars a minute, from midnight to eight. */
export function minuteBars(plan: ReportPlan): Bar[] {
  return plan.after_by_minute.map((value, minute) => ({ label: minuteText(minute), value, colour: "--om-accent", other: plan.before_by_minute[minute] ?? 0 }));
}

/** The fullest minute of each cell, the fullest cell first; at most `most` of them, the table has all. */
export function cellBars(plan: ReportPlan, most: number): Bar[] {
  return [...plan.cells]
    .sort((a, b) => b.peak_before - a.peak_before || a.cell - b.cell)
    .slice(0, most)
    .map((cell) => ({ label: String(cell.cell), value: cell.peak_after, colour: "--om-accent", other: cell.peak_before }));
}

export interface PlanTotals {
  peakBefore: number;
  peakAfter: number;
  /** Share in by 08:00 over all cells, weighted by meters, in millionths. */
  inBefore: number;
  inAfter: number;
}

export function totalsOf(plan: ReportPlan): PlanTotals {
  const weighted = (of: (cell: ReportPlan["cells"][number]) => number) =>
    plan.meters === 0 ? 1_000_000 : Math.trunc(plan.cells.reduce((sum, cell) => sum + of(cell) * cell.meters, 0) / plan.meters);
  return {
    peakBefore: Math.max(0, ...plan.cells.map((cell) => cell.peak_before)),
    peakAfter: Math.max(0, ...plan.cells.map((cell) => cell.peak_after)),
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
