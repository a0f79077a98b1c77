// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { ReportDay } from "./calls";
import { judgedDay } from "./reportDays";

const due = { expected: 10, received: 9, rate_ppm: 900_000, estimated: 0, partial: 0, missing: 1 };
const total = { ...due, key: "", name: "", received: 10, rate_ppm: 1_000_000, missing: 0, on_time: 9, late: 1, not_due: 0, as_due: due };
const day: ReportDay = { day: "2026-05-01", deadline: "2026-05-02T00:00:00Z", frozen_at: null, total, as_due: due, volumes: [] };

describe("a day of a span", () => {
  it("is judged as due where that was kept, else as of now, and by nothing where nobody was expected", () => {
    expect(judgedDay(day)?.rate_ppm).toBe(900_000);
    expect(judgedDay({ ...day, total: null })?.rate_ppm).toBe(900_000);
    expect(judgedDay({ ...day, as_due: null })?.rate_ppm).toBe(1_000_000);
    expect(judgedDay({ ...day, as_due: null, total: null })).toBeNull();
    expect(judgedDay({ ...day, as_due: null, total: { ...total, expected: 0 } })).toBeNull();
  });
});
