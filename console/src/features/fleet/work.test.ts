// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { Problem } from "@/api/problem";
import type { Job, MeterDetail, Signal } from "@/api/types";
import { lineOf } from "./coverage";
import { reasonsOf } from "./diagnosis";
import { countsOf, isOver, percentDone, wasApplied } from "./importJob";
import { columnsFrom, toggled, USUAL } from "./meterColumns";
import { changesOf, emptyInputs, faultsOf, inputsOf, newMeter } from "./meterInputs";

const meter: MeterDetail = {
  meter_id: 7, number: "202600000001", product_id: 2, product_code: "W1", area_id: 3, area_name: "东区", imei: "490154203237518", imsi: "", iccid: "",
  bar_code: "", address: "人民路 1 号", place: "well", dn: 20, qmax_l_h: 4000, installed_on: "2026-01-02", removed_on: null, revision: 5, state: null,
  medium: "water", driver: "openmains/water-1", customer: null, customer_id: null, customer_name: null, created_at: "2026-01-02T00:00:00Z",
};

describe("meter form", () => {
  it("sends only what was changed, and never the number", () => {
    expect(changesOf(meter, inputsOf(meter))).toEqual({});
    expect(changesOf(meter, { ...inputsOf(meter), number: "x", address: " 新街 3 号 ", dn: "" })).toEqual({ address: "新街 3 号", dn: 0 });
    expect(changesOf(meter, { ...inputsOf(meter), imei: " " })).toEqual({ imei: null });
  });
  it("sends the customer's flags apart, and never with a new meter", () => {
    const customer = { customer_id: 1, code: "c", name: "n", phone: "", address: "", is_protected: true, is_critical: false };
    const owned = { ...meter, customer, customer_id: 1 };
    expect(changesOf(owned, inputsOf(owned))).toEqual({});
    expect(changesOf(owned, { ...inputsOf(owned), is_protected: false, is_critical: true })).toEqual({ is_protected: false, is_critical: true });
    expect(Object.keys(newMeter(inputsOf(owned)))).not.toContain("is_critical");
  });
  it("makes a new meter of the texts", () => {
    expect(newMeter({ ...emptyInputs("2026-05-01"), number: " 1 ", product_id: "2", area_id: "3" })).toMatchObject({ number: "1", product_id: 2, area_id: 3, imei: null, dn: 0, place: "room" });
  });
  it("puts the server's words beside their fields", () => {
    const refused = new Problem(400, { errors: [{ pointer: "/imei", code: "wrong-format", detail: "格式不正确" }] });
    expect(faultsOf(refused)).toEqual({ imei: "格式不正确" });
    expect(faultsOf(new Error("other"))).toEqual({});
  });
});

describe("import job", () => {
  const job: Job = { job_id: 1, kind: "meter_import", status: "running", done: 50, total: 200, error: "", params: {}, result: null, created_at: "", created_by: 1, started_at: null, finished_at: null };
  it("tells how far it is", () => {
    expect([percentDone(job), percentDone({ ...job, total: 0 }), percentDone({ ...job, status: "done", done: 0 })]).toEqual([25, null, 100]);
    expect([isOver(job), isOver({ ...job, status: "failed" })]).toEqual([false, true]);
  });
  it("tells what came out", () => {
    const over: Job = { ...job, status: "done", result: { rows: 3, inserted: 0, errors: 2, applied: false } };
    expect(countsOf(over)).toEqual([{ name: "rows", count: 3 }, { name: "errors", count: 2 }]);
    expect(wasApplied(over)).toBe(false);
  });
});

describe("signal history", () => {
  it("reads from old to new and leaves holes", () => {
    const signal: Signal = { received_at: "2026-05-02T00:00:00Z", rsrp_dbm: -101.3, sinr_db: null, battery_mv: null, battery_pct: 87, cell: 1, coverage: "CE0", earfcn: null, ecl: 0, pci: null };
    const line = lineOf([signal, { ...signal, received_at: "2026-05-01T00:00:00Z", rsrp_dbm: null }], "rsrp_dbm", "Asia/Shanghai");
    expect(line.labels).toEqual(["05-01 08:00", "05-02 08:00"]);
    expect(line.values).toEqual([null, -101.3]);
    expect(line.bands.map((band) => band.name)).toEqual(["CE0", "CE1", "CE2", ""]);
  });
});

describe("why data are missing", () => {
  const now = Date.parse("2026-05-10T12:00:00Z");
  const state = {
    register: null, register_m3: null, register_at: null, last_seen_at: "2026-05-10T11:00:00Z", events: [], valve: null, balance: null, battery_pct: 80,
    battery_mv: null, rsrp_ddbm: -950, sinr_ddb: 100, ecl: 0, pci: null, cell: null, earfcn: null,
  };
  it("is nothing for a meter that reports", () => {
    expect(reasonsOf({ state }, [], now)).toEqual([{ kind: "fine" }]);
  });
  it("names silence first, then what explains it", () => {
    const silent = { ...state, last_seen_at: "2026-05-08T11:00:00Z", rsrp_ddbm: -1253, sinr_ddb: -31, battery_pct: 4, events: ["low_battery"] };
    expect(reasonsOf({ state: silent }, [{ reason: "crc", byte_offset: 12 }], now)).toEqual([
      { kind: "silent", hours: 49 },
      { kind: "letters", count: 1, reason: "crc", offset: 12 },
      { kind: "weak", rsrp: "−125.3", sinr: "−3.1" },
      { kind: "battery", percent: 4 },
      { kind: "events", events: ["low_battery"] },
    ]);
    expect(reasonsOf({ state: { ...state, sinr_ddb: -31 } }, [], now)).toEqual([{ kind: "edge", rsrp: "−95.0", sinr: "−3.1" }]);
    expect(reasonsOf({ state: null }, [], now)).toEqual([{ kind: "never" }]);
  });
  it("names the days that rest on estimates, newest first", () => {
    const whole = { start: "2026-05-07T16:00:00Z", end: "", volume: 0, volume_m3: "0", measured_s: 86_400, estimated_s: 0, suspect_s: 0, edited_s: 0, missing_s: 0, rules: [] };
    const filled = { ...whole, start: "2026-05-08T16:00:00Z", measured_s: 0, estimated_s: 86_400, rules: ["gap"] };
    expect(reasonsOf({ state }, [], now, [whole, filled])).toEqual([{ kind: "day", day: "2026-05-08", basis: ["estimated"], rules: ["gap"] }]);
  });
});

describe("columns of the list", () => {
  it("come from the address in their own order, the usual ones for anything else", () => {
    expect(columnsFrom("imei,area,nonsense").map((column) => column.name)).toEqual(["area", "imei"]);
    expect(columnsFrom("usual").map((column) => column.name)).toEqual(USUAL);
  });
  it("are switched one by one; the usual choice needs no text", () => {
    const usual = columnsFrom("");
    const without = toggled(usual, "imei");
    expect(without.split(",")).toEqual(USUAL.filter((name) => name !== "imei"));
    expect(toggled(columnsFrom(without), "imei")).toBe("");
  });
});
