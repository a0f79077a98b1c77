// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { wallMs } from "@/shared/format/time";
import { pointText, tickText, withHoles } from "./timeLine";

const DAY = 86_400_000;

describe("a line over time", () => {
  it("stands by the wall clock of the tenant, whatever the browser's zone is", () => {
    expect(wallMs("2026-05-01T16:30:00Z", "Asia/Shanghai")).toBe(Date.UTC(2026, 4, 2, 0, 30));
    expect(wallMs("2026-05-01T16:30:00Z", "America/New_York")).toBe(Date.UTC(2026, 4, 1, 12, 30));
    expect(wallMs("none", "Asia/Shanghai")).toBeNull();
    expect(pointText(Date.UTC(2026, 4, 2, 0, 30), false)).toBe("2026-05-02 00:30:00");
    expect(pointText(Date.UTC(2026, 4, 2), true)).toBe("2026-05-02");
    expect([tickText(Date.UTC(2026, 4, 2, 7, 5), true), tickText(Date.UTC(2026, 4, 2), false)]).toEqual(["05-02 07:05", "05-02"]);
  });
  it("has its points in time's order and a hole where reports are missing", () => {
    const points = [[5 * DAY, 3], [0, 1], [DAY, 2], [6 * DAY, 4]] as const;
    expect(withHoles(points)).toEqual([[0, 1], [DAY, 2], [3 * DAY, null], [5 * DAY, 3], [6 * DAY, 4]]);
  });
  it("has no hole where reports are merely seldom", () => {
    expect(withHoles([[0, 1], [7 * DAY, 2], [14 * DAY, 3]])).toHaveLength(3);
    expect(withHoles([])).toEqual([]);
    expect(withHoles([[1, 2]])).toEqual([[1, 2]]);
  });
});
