// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { limitsOf, linesOf } from "./limitForm";
import type { Limits } from "./calls";

const pressure = { quantity: "pressure", low: 2000, high: 4000, hysteresis: 50, severity: "critical" } as const;
const limits: Limits = {
  items: [pressure],
  product: [],
  in_force: [pressure],
  quantities: [
    { quantity: "pressure", zh: "间隔压力", en: "Interval pressure", unit: "kPa", exponent: -1 },
    { quantity: "pumps_running", zh: "运行水泵数", en: "Pumps running", unit: "count", exponent: 0 },
  ],
};

describe("limits in a form", () => {
  it("go out as they came in", () => {
    expect(limitsOf(linesOf(limits))).toEqual([pressure]);
  });
  it("are exact integers of what is typed, and an empty bound is none", () => {
    const [first, second] = linesOf(limits);
    if (!first || !second) throw new Error("two quantities");
    first.low = "-0.1";
    first.high = " ";
    Object.assign(second, { on: true, low: "1" });
    expect(limitsOf([first, second])).toEqual([
      { quantity: "pressure", low: -1, high: null, hysteresis: 50, severity: "critical" },
      { quantity: "pumps_running", low: 1, high: null, hysteresis: 0, severity: "major" },
    ]);
  });
  it("are nothing where a number is none or finer than the unit", () => {
    for (const bad of ["12,5", "200.05", "high", "1e3"]) {
      const [line] = linesOf(limits);
      if (!line) throw new Error("a quantity");
      line.low = bad;
      expect(limitsOf([line]), bad).toBeNull();
    }
  });
});
