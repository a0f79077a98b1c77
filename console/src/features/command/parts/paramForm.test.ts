// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { CommandParameter } from "@/features/command/calls";
import { emptyEntries, entryText, faultsOf, firstText, localAt, offsetMinutes, paramsOf, secondsAt } from "./paramForm";
import { exactOf } from "@/shared/format/quantity";

const SHANGHAI = "Asia/Shanghai";
function parameter(name: string, more: Partial<CommandParameter> = {}): CommandParameter {
  return { name, form: "int", unit: "", low: 0, high: 100, title_zh: name, title_en: name, default: null, most: 1, effect: "", ...more };
}

describe("parameters", () => {
  it("take instants in the tenant's zone", () => {
    expect(secondsAt("2026-11-24T08:00", SHANGHAI)).toBe(Date.parse("2026-11-24T00:00:00Z") / 1000);
    expect(secondsAt("2026-07-01T08:00", "Europe/Madrid")).toBe(Date.parse("2026-07-01T06:00:00Z") / 1000);
    expect(secondsAt("2026-11-24 08:00", SHANGHAI)).toBe(Date.parse("2026-11-24T00:00:00Z") / 1000);
    expect(secondsAt("soon", SHANGHAI)).toBeNull();
    expect(localAt(new Date("2026-11-24T00:00:00Z"), SHANGHAI)).toBe("2026-11-24 08:00");
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
    expect(paramsOf(asked, [], { ...emptyEntries(), texts }, SHANGHAI)).toEqual({ since: 1795478400, amount: 1250, prices: [1, 2, 3], host: "a.example" });
  });

  it("may be prose of any script, within its length, and numbers that may be left out", () => {
    const asked = [parameter("evidence", { form: "prose", low: 5, high: 20 }), parameter("alarm_id", { low: 1, default: 0 })];
    expect(faultsOf(asked, [], { ...emptyEntries(), texts: { evidence: "燃气味" } }, SHANGHAI)).toEqual({ evidence: "length" });
    expect(firstText(asked[1] as CommandParameter, new Date(), SHANGHAI)).toBe("");
    const texts = { evidence: " 用户报告燃气味 ", alarm_id: "" };
    expect(faultsOf(asked, [], { ...emptyEntries(), texts }, SHANGHAI)).toEqual({});
    expect(paramsOf(asked, [], { ...emptyEntries(), texts }, SHANGHAI)).toEqual({ evidence: "用户报告燃气味" });
  });

  it("hold settings by name, each within its own range", () => {
    const asked = [parameter("values", { form: "settings", most: 2 })];
    const settings = [parameter("report_time", { unit: "s", high: 86_399, default: 0 }), parameter("low_battery", { high: 20_000, default: 3300 })];
    expect(faultsOf(asked, settings, emptyEntries(), SHANGHAI)).toEqual({ values: "missing" });
    expect(faultsOf(asked, settings, { ...emptyEntries(), settings: { report_time: "24:00", low_battery: "" } }, SHANGHAI)).toEqual({ report_time: "clock", low_battery: "missing" });
    expect(paramsOf(asked, settings, { ...emptyEntries(), settings: { report_time: "1:00" } }, SHANGHAI)).toEqual({ values: { report_time: 3600 } });
    expect(paramsOf([parameter("names", { form: "names", default: 0 })], [], emptyEntries(), SHANGHAI)).toEqual({});
  });

  it("begin with what is nearly always meant", () => {
    const now = new Date("2026-11-24T00:00:00Z");
    expect(firstText(parameter("since", { unit: "instant" }), now, SHANGHAI)).toBe("2026-11-23 08:00");
    expect(firstText(parameter("until", { unit: "instant" }), now, SHANGHAI)).toBe("2026-11-24 08:00");
    expect(firstText(parameter("effective_at", { unit: "instant", default: 0 }), now, SHANGHAI)).toBe("");
    expect(firstText(parameter("utc_offset_min"), now, SHANGHAI)).toBe("480");
    expect(firstText(parameter("amount"), now, SHANGHAI)).toBe("");
  });

  it("are typed in the unit a person counts in, and become exact integers", () => {
    expect([exactOf("50.00", 2), exactOf("50", 2), exactOf("0.1", 2), exactOf("1234567.89", 2), exactOf("-5.5", 2), exactOf("12.345", 3)]).toEqual([5000, 5000, 10, 123_456_789, -550, 12_345]);
    for (const bad of ["", "1,50", "1.005", "1e3", ".5", "1.", "¥5", "1 000", "０", "9007199254740993"]) expect(exactOf(bad, 2), bad).toBeNull();
    const asked = [parameter("amount", { unit: "fen or L", low: 1, high: 1_000_000_000 }), parameter("balance_kind", { high: 1, default: 0 })];
    const typed = (amount: string, kind: string) => ({ ...emptyEntries(), texts: { amount, balance_kind: kind } });
    expect(paramsOf(asked, [], typed("50.00", "0"), SHANGHAI)).toEqual({ amount: 5000, balance_kind: 0 });
    expect(paramsOf(asked, [], typed("12.345", "1"), SHANGHAI, 0)).toEqual({ amount: 12_345, balance_kind: 1 });
    expect(faultsOf(asked, [], typed("12.345", "0"), SHANGHAI, 1)).toEqual({ amount: "decimal" });
    expect(faultsOf(asked, [], typed("0.00", "0"), SHANGHAI)).toEqual({ amount: "range" });
    expect([firstText(asked[1] as CommandParameter, new Date(), SHANGHAI, 1), firstText(asked[1] as CommandParameter, new Date(), SHANGHAI, null)]).toEqual(["1", "0"]);
  });

  it("have thresholds in the meter's own kind of balance, prices with four decimals and clock times", () => {
    const asked = [parameter("values", { form: "settings", most: 3 })];
    const settings = [parameter("balance_warning", { unit: "fen or L", low: -1000, high: 100_000 }), parameter("report_time", { unit: "s", high: 86_399 }), parameter("low_battery", { unit: "mV", high: 20_000 })];
    const entries = { ...emptyEntries(), settings: { balance_warning: "-5.00", report_time: "02:30", low_battery: "3.3" } };
    expect(paramsOf(asked, settings, entries, SHANGHAI, 0)).toEqual({ values: { balance_warning: -500, report_time: 9000, low_battery: 3300 } });
    expect(faultsOf(asked, settings, entries, SHANGHAI, null)).toEqual({ balance_warning: "whole" });
    const price = [parameter("prices", { form: "list", unit: "0.0001 CNY/m3", high: 99_999_999, most: 6 })];
    expect(paramsOf(price, [], { ...emptyEntries(), texts: { prices: "2.56 3.0101" } }, SHANGHAI)).toEqual({ prices: [25_600, 30_101] });
    expect([entryText({ name: "balance_warning", unit: "fen or L" }, -5, 0), entryText({ name: "report_time", unit: "s" }, 7200, 0), entryText({ name: "low_battery", unit: "mV" }, 3300, 0)]).toEqual(["-0.05", "02:00", "3.300"]);
  });
});
