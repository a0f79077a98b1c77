// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { byEngine, growthOf } from "./storageGrowth";

describe("storage", () => {
  const now = Date.parse("2026-05-10T12:00:00Z");
  it("grows by day once there is a day, and is not guessed before", () => {
    expect(growthOf([], 5, now)).toEqual({ kind: "young" });
    expect(growthOf([{ at: "2026-05-10T11:30:00Z", bytes: 1 }], 5, now)).toEqual({ kind: "young" });
    expect(growthOf([{ at: "2026-05-10T10:00:00Z", bytes: 1 }], 5, now)).toEqual({ kind: "since", at: "2026-05-10T10:00:00Z", bytes: 4 });
    expect(growthOf([{ at: "2026-05-08T12:00:00Z", bytes: 100 }, { at: "2026-05-09T12:00:00Z", bytes: 0 }], 300, now)).toEqual({ kind: "perDay", bytes: 100 });
  });
  it("is summed by engine", () => {
    expect(byEngine({ postgresql: 3, "clickhouse.frame": 2, "clickhouse.signal": 2 })).toEqual([{ name: "clickhouse", bytes: 4 }, { name: "postgresql", bytes: 3 }]);
  });
});
