// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { Reading } from "@/features/readings/calls";
import { firstOfLastMonth, monthUse } from "./monthUse";

const day = (start: string, volume: number, more: Partial<Reading> = {}): Reading => ({
  start, end: start, volume, volume_m3: "", measured_s: 86_400, estimated_s: 0, suspect_s: 0, edited_s: 0, missing_s: 0, not_due_s: 0, not_expected_s: 0,
  rules: [], partial: false, start_register: null, end_register: null, ...more,
});

describe("use of today and of months", () => {
  it("is summed by the tenant's days and says what is not complete", () => {
    const rows = [
      day("2026-04-29T16:00:00Z", 100), // 30 April in Shanghai
      day("2026-04-30T16:00:00Z", 20, { missing_s: 3600, measured_s: 82_800 }),
      day("2026-05-01T16:00:00Z", 3),
      day("2026-05-02T16:00:00Z", 0, { measured_s: 0, not_due_s: 86_400 }),
    ];
    expect(monthUse(rows, "2026-05-03", "Asia/Shanghai")).toEqual({
      today: { volume: null, holes: 0 },
      month: { volume: 23, holes: 1 },
      lastMonth: { volume: 100, holes: 0 },
    });
  });
  it("begins with the month before, also in January", () => {
    expect([firstOfLastMonth("2026-01-31"), firstOfLastMonth("2026-10-01")]).toEqual(["2025-12-01", "2026-09-01"]);
  });
});
