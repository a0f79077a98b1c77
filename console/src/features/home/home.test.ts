// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { countsByAge, visibility } from "./alarmAges";
import { nightsAt } from "./nights";
import { RateMeter, SHOWN_S } from "./rates";
import { byEngine, growthOf } from "./storageGrowth";

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

describe("reports that matter now", () => {
  it("change at 08:00 of the tenant's zone", () => {
    expect(nightsAt(new Date("2026-05-09T23:59:59Z"), "Asia/Shanghai")).toEqual({ finished: "2026-05-08", running: "2026-05-09" });
    expect(nightsAt(new Date("2026-05-10T00:00:00Z"), "Asia/Shanghai")).toEqual({ finished: "2026-05-09", running: "2026-05-10" });
  });
});

describe("messages a second", () => {
  it("are a mean of the last seconds and forget what is older than is shown", () => {
    const meter = new RateMeter();
    meter.add(30);
    meter.add(20);
    expect(meter.tick()).toEqual([50]);
    for (let second = 0; second < 4; second += 1) meter.tick();
    expect(meter.tick().slice(-2)).toEqual([10, 0]);
    for (let second = 0; second < 2 * SHOWN_S; second += 1) meter.tick();
    expect(meter.tick()).toHaveLength(SHOWN_S);
  });
});

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
