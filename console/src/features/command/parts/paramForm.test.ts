// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { CommandParameter } from "@/features/command/calls";
import { emptyEntries, faultsOf, firstText, localAt, offsetMinutes, paramsOf, paramsText, secondsAt, spoken } from "./paramForm";

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
    expect(paramsOf(asked, { ...emptyEntries(), texts }, SHANGHAI)).toEqual({ since: 1795478400, amount: 1250, prices: [1, 2, 3], host: "a.example" });
  });

  it("may be prose of any script, within its length, and numbers that may be left out", () => {
    const asked = [parameter("evidence", { form: "prose", low: 5, high: 20 }), parameter("alarm_id", { low: 1, default: 0 })];
    expect(faultsOf(asked, [], { ...emptyEntries(), texts: { evidence: "燃气味" } }, SHANGHAI)).toEqual({ evidence: "length" });
    expect(firstText(asked[1] as CommandParameter, new Date(), SHANGHAI)).toBe("");
    const texts = { evidence: " 用户报告燃气味 ", alarm_id: "" };
    expect(faultsOf(asked, [], { ...emptyEntries(), texts }, SHANGHAI)).toEqual({});
    expect(paramsOf(asked, { ...emptyEntries(), texts }, SHANGHAI)).toEqual({ evidence: "用户报告燃气味" });
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
    expect(firstText(parameter("since", { unit: "instant" }), now, SHANGHAI)).toBe("2026-11-23 08:00");
    expect(firstText(parameter("until", { unit: "instant" }), now, SHANGHAI)).toBe("2026-11-24 08:00");
    expect(firstText(parameter("effective_at", { unit: "instant", default: 0 }), now, SHANGHAI)).toBe("");
    expect(firstText(parameter("utc_offset_min"), now, SHANGHAI)).toBe("480");
    expect(firstText(parameter("amount"), now, SHANGHAI)).toBe("");
  });

  it("are read aloud exactly", () => {
    expect([spoken("amount", "fen or L", 1205), spoken("balance", "fen", -5), spoken("report_time", "s", 0), spoken("report_every", "s", 86_400), spoken("x", "mV", 5)]).toEqual(["¥ 12.05", "¥ −0.05", "00:00:00", "24:00:00", ""]);
    expect(paramsText({ values: { report_time: 5 }, prices: [1, 2] })).toBe("report_time = 5, prices = 1 2");
  });
});
