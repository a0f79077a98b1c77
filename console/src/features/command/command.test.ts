// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { readFileSync } from "node:fs";
import type { CommandParameter, ReportPlan } from "@/api/commandCalls";
import { zh } from "@/shared/i18n/zh";
import { actionsOf, groupsOf, numbersOf, percentEnded, sizesOf } from "./batchView";
import { impactKey, isSigned, KINDS, warningsOf } from "./impact";
import { canCancel, hasEnded, STATES, stationsOf } from "./life";
import { emptyEntries, faultsOf, firstText, localAt, offsetMinutes, paramsOf, paramsText, secondsAt, spoken } from "./paramForm";
import { busyMinutes, cellBars, minuteBars, minuteText, totalsOf } from "./planView";
import { freshKey } from "./uniqueKey";

const SHANGHAI = "Asia/Shanghai";

function parameter(name: string, more: Partial<CommandParameter> = {}): CommandParameter {
  return { name, form: "int", unit: "", low: 0, high: 100, title_zh: name, title_en: name, default: null, most: 1, ...more };
}

describe("parameters", () => {
  it("take instants in the tenant's zone", () => {
    expect(secondsAt("2026-11-24T08:00", SHANGHAI)).toBe(Date.parse("2026-11-24T00:00:00Z") / 1000);
    expect(secondsAt("2026-07-01T08:00", "Europe/Madrid")).toBe(Date.parse("2026-07-01T06:00:00Z") / 1000);
    expect(secondsAt("soon", SHANGHAI)).toBeNull();
    expect(localAt(new Date("2026-11-24T00:00:00Z"), SHANGHAI)).toBe("2026-11-24T08:00");
    expect([offsetMinutes(new Date("2026-11-24T00:00:00Z"), SHANGHAI), offsetMinutes(new Date("2026-01-01T00:00:00Z"), "America/St_Johns")]).toEqual([480, -210]);
  });

  it("are refused where the driver would refuse them, and named", () => {
    const asked = [parameter("amount", { low: 1, high: 1_000_000_000 }), parameter("host", { form: "text", low: 1, high: 5 }), parameter("prices", { form: "list", most: 2 }), parameter("kind", { default: 0, high: 1 })];
    const entries = { ...emptyEntries(), texts: { amount: "1.5", host: "表", prices: "1 2 3" } };
    expect(faultsOf(asked, [], entries, SHANGHAI)).toEqual({ amount: "whole", host: "text", prices: "many" });
    expect(faultsOf(asked, [], { ...entries, texts: { amount: "0", host: "abc", prices: "1, 101", kind: "" } }, SHANGHAI)).toEqual({ amount: "range", prices: "range" });
    expect(faultsOf(asked, [], emptyEntries(), SHANGHAI)).toEqual({ amount: "missing", host: "missing", prices: "missing" });
  });

  it("become the request's numbers; what is left empty is the driver's default", () => {
    const asked = [parameter("since", { unit: "instant", high: 2 ** 32 }), parameter("amount", { high: 10 ** 9 }), parameter("prices", { form: "list", most: 3 }), parameter("host", { form: "text" }), parameter("kind", { default: 0 })];
    const texts = { since: "2026-11-24T08:00", amount: " 1250 ", prices: "1，2;3", host: "a.example", kind: "" };
    expect(paramsOf(asked, { ...emptyEntries(), texts }, SHANGHAI)).toEqual({ since: 1795478400, amount: 1250, prices: [1, 2, 3], host: "a.example" });
  });

  it("hold settings by name, each within its own range", () => {
    const asked = [parameter("values", { form: "settings", most: 2 })];
    const settings = [parameter("report_time", { unit: "s", high: 86_399, default: 0 }), parameter("low_battery", { high: 20_000, default: 3300 })];
    expect(faultsOf(asked, settings, emptyEntries(), SHANGHAI)).toEqual({ values: "missing" });
    expect(faultsOf(asked, settings, { ...emptyEntries(), settings: { report_time: "86400", low_battery: "" } }, SHANGHAI)).toEqual({ report_time: "range", low_battery: "missing" });
    expect(paramsOf(asked, { ...emptyEntries(), settings: { report_time: "3600" } }, SHANGHAI)).toEqual({ values: { report_time: 3600 } });
    expect(paramsOf([parameter("names", { form: "names", default: 0 })], emptyEntries(), SHANGHAI)).toEqual({});
  });

  it("begin with what is nearly always meant", () => {
    const now = new Date("2026-11-24T00:00:00Z");
    expect(firstText(parameter("since", { unit: "instant" }), now, SHANGHAI)).toBe("2026-11-23T08:00");
    expect(firstText(parameter("until", { unit: "instant" }), now, SHANGHAI)).toBe("2026-11-24T08:00");
    expect(firstText(parameter("effective_at", { unit: "instant", default: 0 }), now, SHANGHAI)).toBe("");
    expect(firstText(parameter("utc_offset_min"), now, SHANGHAI)).toBe("480");
    expect(firstText(parameter("amount"), now, SHANGHAI)).toBe("");
  });

  it("are read aloud exactly", () => {
    expect([spoken("amount", "fen or L", 1205), spoken("balance", "fen", -5), spoken("report_time", "s", 0), spoken("report_every", "s", 86_400), spoken("x", "mV", 5)]).toEqual(["¥ 12.05", "¥ −0.05", "00:00:00", "24:00:00", ""]);
    expect(paramsText({ values: { report_time: 5 }, prices: [1, 2] })).toBe("report_time = 5, prices = 1 2");
  });
});

describe("the life of a command", () => {
  const at = "2026-11-24T00:00:00Z";
  it("has the server's states, each named and explained", () => {
    const source = readFileSync("../src/openmains/domain/command/life.py", "utf8").split("class State")[1]?.split("class ")[0] ?? "";
    expect([...STATES].sort()).toEqual([...source.matchAll(/= "(\w+)"/g)].map((match) => match[1]).sort());
    for (const state of STATES) expect([zh.command.states[state], zh.command.meanings[state]]).not.toContain(undefined);
  });
  it("shows the stations past, present and to come", () => {
    expect(stationsOf({ state: "sent", serial: 1, sent_at: at, delivered_at: null }).map((one) => one.mark)).toEqual(["past", "past", "past", "here", "ahead", "ahead"]);
    expect(stationsOf({ state: "quarantined", serial: null, sent_at: null, delivered_at: null }).map((one) => one.state)).toEqual(["drafted", "quarantined", "approved", "queued", "sent", "delivered", "confirmed"]);
    expect(stationsOf({ state: "failed", serial: 1, sent_at: at, delivered_at: null }).map((one) => `${one.state} ${one.mark}`)).toEqual(["drafted past", "approved past", "queued past", "sent past", "failed bad"]);
  });
  it("can be called off until it was sent", () => {
    expect(STATES.filter(canCancel)).toEqual(["drafted", "quarantined", "approved", "queued"]);
    expect(STATES.filter(hasEnded)).toEqual(["confirmed", "failed", "expired", "cancelled"]);
  });
});

describe("what a command does", () => {
  const customer = { customer_id: 1, code: "c", name: "n", phone: "", address: "", is_protected: true, is_critical: true };
  const state = { balance: 500 } as never;
  it("knows the server's kinds and which are signed", () => {
    const source = readFileSync("../src/openmains/domain/command/kinds.py", "utf8");
    const kinds = [...(source.split("class Kind")[1]?.split("class ")[0] ?? "").matchAll(/= "(\w+)"/g)].map((match) => match[1] ?? "");
    expect([...KINDS].sort()).toEqual(kinds.sort());
    const signed = [...source.matchAll(/_rule\(Kind\.(\w+),[^\n]*signed=True/g)].map((match) => (match[1] ?? "").toLowerCase());
    expect(KINDS.filter(isSigned).sort()).toEqual(signed.sort());
  });
  it("warns of what the signer will refuse", () => {
    expect(warningsOf("valve_close", { customer, state, removed_on: null }, 3600)).toEqual(["protected", "critical", "credit"]);
    expect(warningsOf("valve_close", { customer: null, state: null, removed_on: null }, 73 * 3600)).toEqual(["tooLong", "creditUnknown"]);
    expect(warningsOf("valve_close", { customer: { ...customer, is_protected: false, is_critical: true }, state: { balance: 0 } as never, removed_on: null }, 3600)).toEqual(["critical"]);
    expect(warningsOf("valve_open", { customer, state, removed_on: null }, 3600)).toEqual([]);
    expect(warningsOf("set_parameters", { customer, state, removed_on: "2026-01-01" }, 3600)).toEqual(["removed"]);
  });
  it("has a sentence for each kind", () => {
    expect([impactKey("valve_close", "gas"), impactKey("top_up", "water"), impactKey("read_now", "gas")]).toEqual(["valve_close.gas", "top_up", "other"]);
  });
});

describe("batches", () => {
  it("fill their groups in turn", () => {
    expect(groupsOf({ total: 200, groups: [1, 10, 100], released: 5 })).toEqual([{ size: 1, released: 1 }, { size: 10, released: 4 }, { size: 100, released: 0 }, { size: 89, released: 0 }]);
    expect(groupsOf({ total: 8, groups: [1, 10], released: 8 })).toEqual([{ size: 1, released: 1 }, { size: 7, released: 7 }]);
    expect(percentEnded({ total: 200, states: { confirmed: 198, failed: 1, sent: 1 } })).toBe(99);
  });
  it("can be steered as the server allows", () => {
    expect([actionsOf("drafted"), actionsOf("stopped"), actionsOf("done")]).toEqual([["start", "cancel"], ["resume", "cancel"], []]);
  });
  it("take group sizes and numbers as people write them", () => {
    expect([sizesOf("1, 10，100"), sizesOf(""), sizesOf("0"), sizesOf("1 2 3 4 5 6 7 8 9")]).toEqual([[1, 10, 100], [], null, null]);
    expect(numbersOf("\ufeffaddress,number\r\nx,\"0012\"\r\ny,'0013\r\ny,0012\r\n")).toEqual(["0012", "0013"]);
    expect(numbersOf("0012\n\n0013\n")).toEqual(["0012", "0013"]);
  });
  it("have a key that nobody else has", () => {
    expect(freshKey("batch")).toMatch(/^batch-[0-9a-f]{32}$/);
    expect(freshKey("batch")).not.toBe(freshKey("batch"));
  });
});

describe("report times", () => {
  const cell = { cell: 7, meters: 30, moved: 20, unplaced: 0, peak_before: 30, peak_after: 3, in_by_eight_before_ppm: 100_000, in_by_eight_after_ppm: 1_000_000 };
  const plan: ReportPlan = { meters: 40, moved: 20, unplaced: 0, before_by_minute: [0, 30, 0], after_by_minute: [3, 3, 0], cells: [{ ...cell, cell: 9, meters: 10, peak_before: 5 }, cell] };
  it("show each minute and the fullest cells first", () => {
    expect(minuteText(485)).toBe("08:05");
    expect(minuteBars(plan).map((bar) => [bar.label, bar.value, bar.other])).toEqual([["00:00", 3, 0], ["00:01", 3, 30], ["00:02", 0, 0]]);
    expect(cellBars(plan, 1)).toMatchObject([{ label: "7", value: 3, other: 30 }]);
    expect(busyMinutes(plan).map((row) => row.minute)).toEqual([0, 1]);
  });
  it("weigh cells by their meters", () => {
    expect(totalsOf(plan)).toEqual({ peakBefore: 30, peakAfter: 3, inBefore: 100_000, inAfter: 1_000_000 });
    expect(totalsOf({ ...plan, meters: 0, cells: [] })).toEqual({ peakBefore: 0, peakAfter: 0, inBefore: 1_000_000, inAfter: 1_000_000 });
  });
});
