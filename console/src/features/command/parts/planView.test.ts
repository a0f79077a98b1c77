// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { ReportPlan } from "@/features/command/calls";
import { busyMinutes, cellBars, curveBars, minuteText, reasons, reportsText, totalsOf } from "./planView";

describe("report times", () => {
  const cell = {
    cell: 7, network: "46000", meters: 30, moved: 20, unplaced: 0, limit_per_min: 10, peak_before: 30, peak_after: 3, in_by_eight_before_ppm: 100_000,
    in_by_eight_after_ppm: 1_000_000,
  };
  const plan: ReportPlan = {
    meters: 40, moved: 20, unplaced: 0, moved_for: { crowded: 15, late: 5 }, left_out: {}, busiest: [],
    before_by_minute: [0, 30, 0], after_by_minute: [3, 3.25, 0], cells: [{ ...cell, cell: 9, meters: 10, peak_before: 5 }, cell],
  };
  it("show the fullest minute of each five, and the fullest cells first", () => {
    expect(minuteText(485)).toBe("08:05");
    expect(curveBars([0, 30, 0, 0, 0, 2], [3, 3.25, 0]).map((bar) => [bar.label, bar.value, bar.other])).toEqual([["00:00", 3.3, 30], ["00:05", 0, 2]]);
    expect(cellBars(plan, 1)).toMatchObject([{ label: "7", value: 3, other: 30 }]);
    expect(busyMinutes(plan).map((row) => row.minute)).toEqual([0, 1]);
    expect([reportsText(3), reportsText(3.25)]).toEqual(["3", "3.3"]);
  });
  it("weigh cells by their meters", () => {
    expect(totalsOf(plan)).toEqual({ peakBefore: 30, peakAfter: 3, townBefore: 30, townAfter: 3.25, inBefore: 100_000, inAfter: 1_000_000 });
    expect(totalsOf({ ...plan, meters: 0, cells: [] })).toMatchObject({ peakBefore: 0, peakAfter: 0, inBefore: 1_000_000, inAfter: 1_000_000 });
  });
  it("name the most frequent reason first", () => {
    expect(reasons({ late: 5, crowded: 15, not_heard: 0 })).toEqual([["crowded", 15], ["late", 5]]);
  });
});
