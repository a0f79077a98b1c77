// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { countsByAge, visibility } from "./alarmAges";

describe("open alarms", () => {
  it("are counted by age; the edge belongs to the older group", () => {
    const now = Date.parse("2026-05-10T00:00:00Z");
    const at = (ms: number) => ({ received_at: new Date(now - ms).toISOString() });
    expect(countsByAge([at(0), at(3_599_999), at(3_600_000), at(86_400_000), at(30 * 86_400_000)], now)).toEqual([2, 1, 1, 1]);
  });
  it("are seen in time or not", () => {
    expect(visibility([{ delay_ms: 20_000 }, { delay_ms: 20_001 }, { delay_ms: 300 }], 20_000)).toEqual({ inTime: 2, worstMs: 20_001 });
    expect(visibility([], 20_000)).toEqual({ inTime: 0, worstMs: 0 });
  });
});
