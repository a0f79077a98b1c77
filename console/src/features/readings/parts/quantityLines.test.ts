// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { QuantitySeries } from "@/features/readings/calls";
import { besideOf, linesOf, numberOf, rowsOf, unitsLeftOut, valueText } from "./quantityLines";

const value = (at: string, count: number | null, quality: string[] = []) => ({ at, value: count, interval_s: 1800, quality });
const pressure: QuantitySeries = {
  point: "pressure", title: { zh: "间隔压力", en: "Interval pressure" }, unit: "kPa", exponent: -1,
  values: [value("2026-05-01T00:00:00Z", 2513), value("2026-05-01T00:30:00Z", null, ["missing"]), value("2026-05-01T01:00:00Z", 2499, ["suspect"])],
};
const flow: QuantitySeries = { point: "flow", title: { zh: "瞬时流量", en: "Flow" }, unit: "m3/h", exponent: -3, values: [value("2026-05-01T01:00:00Z", -40)] };
const warmth: QuantitySeries = { point: "temperature", title: { zh: "温度", en: "Temperature" }, unit: "degC", exponent: -1, values: [value("2026-05-01T01:00:00Z", 123)] };

describe("quantities of a meter", () => {
  it("keep every digit as text and their size as a number", () => {
    expect(valueText(2513, -1, "kPa")).toBe("251.3 kPa");
    expect(valueText(-40, -3, "m3/h")).toBe("−0.040 m³/h");
    expect(valueText(700, -2, "pH")).toBe("7.00");
    expect(valueText(5, 3, "m3")).toBe("5\u202f000 m³");
    expect(valueText(null, -1, "kPa")).toBe("—");
    expect([numberOf(2513, -1), numberOf(-40, -3), numberOf(5, 3), numberOf(null, 0)]).toEqual([251.3, -0.04, 5000, null]);
  });

  it("are lines on the tenant's clock, with holes and coloured doubts", () => {
    const { lines, from, to } = linesOf([pressure, flow], "en", "Asia/Shanghai", "2026-05-01", "2026-05-01");
    expect(to - from).toBe(86_400_000);
    const eight = Date.parse("2026-05-01T08:00:00Z");
    expect(lines.map(({ name, unit }) => [name, unit])).toEqual([["Interval pressure", "kPa"], ["Flow", "m³/h"]]);
    expect(lines[0]?.points).toEqual([[eight, 251.3], [eight + 1_800_000, null], [eight + 3_600_000, 249.9]]);
    expect([...(lines[0]?.marks ?? [])]).toEqual([[eight + 3_600_000, "--om-critical"]]);
  });

  it("of a third unit are named and stand in the table", () => {
    const all = [pressure, flow, warmth];
    expect(unitsLeftOut(all)).toEqual(["°C"]);
    expect(linesOf(all, "zh", "Asia/Shanghai", "2026-05-01", "2026-05-01").lines.map(({ name }) => name)).toEqual(["间隔压力", "瞬时流量"]);
    const rows = rowsOf(all);
    expect(rows.map(({ at }) => at)).toEqual(["2026-05-01T01:00:00Z", "2026-05-01T00:30:00Z", "2026-05-01T00:00:00Z"]);
    expect(rows[0]?.cells.map((cell) => cell?.value)).toEqual([2499, -40, 123]);
    expect(rows[1]?.cells.map((cell) => cell?.value)).toEqual([null]);
  });
  it("of several meters bear their meter's number, on the same two axes", () => {
    const all = besideOf([pressure], [{ number: "M-2", series: [pressure, flow] }, { number: "M-3", series: [] }]);
    expect(all.map(({ title }) => title.en)).toEqual(["Interval pressure", "Interval pressure · M-2", "Flow · M-2"]);
    expect(pressure.title.en).toBe("Interval pressure");
    const lines = linesOf(all, "zh", "Asia/Shanghai", "2026-05-01", "2026-05-01").lines;
    expect(lines.map(({ name, unit }) => [name, unit])).toEqual([["间隔压力", "kPa"], ["间隔压力 · M-2", "kPa"], ["瞬时流量 · M-2", "m³/h"]]);
    expect(rowsOf(all).map((row) => row.cells.length)).toEqual([3, 2, 2]);
  });
});
