// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { EVENTS } from "@/shared/events";
import { alarmText } from "./alarmText";

const zh = (event: string): string => EVENTS[event as keyof typeof EVENTS][0];
const en = (event: string): string => EVENTS[event as keyof typeof EVENTS][1];
const limit = { event: "below_limit", quantity: "pressure_in", value: 1500, bound: 2000, unit: "kPa", exponent: -1 };

describe("alarmText", () => {
  it("says quantity, value and bound with their unit", () => {
    expect(alarmText(limit, en, "en").replace(/\u202f/g, "")).toBe("Suction pressure 150.0 kPa: below its limit (200.0 kPa)");
    expect(alarmText(limit, zh, "zh").replace(/\u202f/g, "")).toBe("进口压力 150.0 kPa：低于下限（200.0 kPa）");
  });
  it("says the event alone of all others", () => {
    expect(alarmText({ event: "magnetic", quantity: "", value: null, bound: null, unit: "", exponent: 0 }, en, "en")).toBe("Magnetic interference");
  });
  it("says which rule fired, and of meters that were gathered how many", () => {
    const fired = { event: "rule_fired", quantity: "rule.7", value: null, bound: null, unit: "", exponent: 0, rule: "Battery low" };
    expect(alarmText(fired, en, "en")).toBe("Rule fired: Battery low");
    expect(alarmText({ ...fired, value: 6, bound: 5 }, zh, "zh")).toBe("规则告警：Battery low（6 只表，阈值 5）");
  });
});
