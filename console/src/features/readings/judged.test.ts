// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { CollectionRow } from "./calls";
import { hasChanged, judged, soFar } from "./judged";

const row: CollectionRow = { key: "", name: "", expected: 20_000, received: 948, rate_ppm: 47_400, on_time: 940, late: 8, estimated: 0, partial: 0, missing: 19_052, not_due: 0, as_due: null };
const due = { expected: 1000, received: 998, rate_ppm: 998_000, estimated: 0, partial: 0, missing: 2 };

describe("which figures of a report are judged", () => {
  it("are those as due where they were kept", () => {
    expect(judged(row).rate_ppm).toBe(47_400);
    expect(judged({ ...row, as_due: due }).rate_ppm).toBe(998_000);
    expect([hasChanged(row), hasChanged({ ...row, as_due: due }), hasChanged({ ...row, ...due, as_due: due })]).toEqual([false, true, false]);
  });
  it("are of all who will be asked while a day is not due", () => {
    expect(soFar({ ...row, expected: 400, received: 400, not_due: 600 })).toBe(400_000);
    expect(soFar({ ...row, expected: 0, received: 0, not_due: 0 })).toBeNull();
  });
});
