// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { reasonsOf } from "./diagnosis";

describe("why data are missing", () => {
  const now = Date.parse("2026-05-10T12:00:00Z");
  const state = {
    register: null, register_m3: null, register_at: null, last_seen_at: "2026-05-10T11:00:00Z", events: [], valve: null, balance: null, balance_kind: null, battery_pct: 80,
    battery_mv: null, rsrp_ddbm: -950, sinr_ddb: 100, ecl: 0, pci: null, cell: null, earfcn: null,
  };
  it("is nothing for a meter that reports", () => {
    expect(reasonsOf({ report_mode: "day", state }, [], now)).toEqual([{ kind: "fine" }]);
  });
  it("names silence first, then what explains it", () => {
    const silent = { ...state, last_seen_at: "2026-05-08T11:00:00Z", rsrp_ddbm: -1253, sinr_ddb: -31, battery_pct: 4, events: ["low_battery"] };
    expect(reasonsOf({ report_mode: "day", state: silent }, [{ reason: "crc", byte_offset: 12 }], now)).toEqual([
      { kind: "silent", hours: 49 },
      { kind: "letters", count: 1, reason: "crc", offset: 12 },
      { kind: "weak", rsrp: "−125.3", sinr: "−3.1" },
      { kind: "battery", percent: 4 },
      { kind: "events", events: ["low_battery"] },
    ]);
    expect(reasonsOf({ report_mode: "day", state: { ...state, sinr_ddb: -31 } }, [], now)).toEqual([{ kind: "edge", rsrp: "−95.0", sinr: "−3.1" }]);
    expect(reasonsOf({ report_mode: "day", state: null }, [], now)).toEqual([{ kind: "never" }]);
  });
  it("names the days that rest on estimates, newest first", () => {
    const whole = { start: "2026-05-07T16:00:00Z", end: "", volume: 0, volume_m3: "0", measured_s: 86_400, estimated_s: 0, suspect_s: 0, edited_s: 0, missing_s: 0, not_due_s: 0, not_expected_s: 0, rules: [], partial: false, start_register: null, end_register: null };
    const filled = { ...whole, start: "2026-05-08T16:00:00Z", measured_s: 0, estimated_s: 86_400, rules: ["gap"] };
    expect(reasonsOf({ report_mode: "day", state }, [], now, [whole, filled])).toEqual([{ kind: "day", day: "2026-05-08", basis: ["estimated"], rules: ["gap"] }]);
  });
  it("names no day before the meter was there, and none that is not due", () => {
    const day = { start: "2026-05-07T16:00:00Z", end: "", volume: 0, volume_m3: "0", measured_s: 0, estimated_s: 0, suspect_s: 0, edited_s: 0, missing_s: 0, not_due_s: 0, not_expected_s: 0, rules: [], partial: false, start_register: null, end_register: null };
    expect(reasonsOf({ report_mode: "day", state }, [], now, [{ ...day, not_expected_s: 86_400 }, { ...day, not_due_s: 86_400 }])).toEqual([{ kind: "fine" }]);
  });
  it("calls a meter that reports by the month silent after a month", () => {
    const quiet = { ...state, last_seen_at: "2026-04-20T11:00:00Z" };
    expect(reasonsOf({ report_mode: "month", state: quiet }, [], now)).toEqual([{ kind: "fine" }]);
    expect(reasonsOf({ report_mode: "ten_days", state: quiet }, [], now)).toEqual([{ kind: "silent", hours: 481 }]);
  });
});
