// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { amountText, explanationLines, leastOf } from "@/features/billing/mirrorText";

const t = (key: string, values?: Record<string, unknown>): string => `${key}${values === undefined ? "" : `(${String(values.what)})`}`;

describe("differences", () => {
  it("are written in the unit of their day", () => {
    expect(amountText(-1234, "fen")).toBe("−¥12.34");
    expect(amountText(-1234, "l")).toMatch(/^−1\s?234 L$/);
    expect(amountText(null, "fen")).toBe("–");
  });
  it("have a line for each way to explain them", () => {
    const explanations = [[{ cause: "lost_top_up", what: "7" }, { cause: "price_version", what: "6" }], [{ cause: "rounding", what: "up" }]] as const;
    expect(explanationLines({ explanations: explanations.map((one) => [...one]) }, t)).toEqual([
      "mirror.what.lost_top_up(7) mirror.and mirror.what.price_version(6)", "mirror.what.rounding(mirror.roundings.up)",
    ]);
  });
  it("are asked for from an amount on", () => {
    expect([leastOf("12.3"), leastOf(" 5 "), leastOf("0.05")]).toEqual([1230, 500, 5]);
    expect([leastOf(""), leastOf("-1"), leastOf("1.234"), leastOf("x")]).toEqual([undefined, undefined, undefined, undefined]);
  });
});
