// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { addComponent, addTier, documentOf, dropComponent, emptyLines, linesOf, membersOf, planOfFile } from "./planForm";

const PLAN = {
  from_day: "2026-01-01", reason: "",
  document: {
    bounds_m3: ["180", "260"],
    components: [{ name: "water", prices: ["2.07", "4.07", "6.07"], by_heat: false }, { name: "sewage", prices: ["1.36", "1.36", "1.36"], by_heat: false }],
    cycle_months: 12 as const, anniversary: true, persons: { above: [4, 4], add_m3: ["60", "0"] },
    seasons: [{ name: "heating", first: "11-15", last: "03-15", bounds_m3: [], components: [{ name: "water", prices: ["2"], by_heat: false }], persons: null, own_count: true }],
    heat_reference: "0", minimum_month: "5", late_fee: { per_day: "0.005", grace_days: 10, cap: "1" }, at_change: "cleared" as const,
  },
};

describe("a plan", () => {
  it("goes into the form and out again as it was", () => {
    expect(documentOf(linesOf(PLAN))).toEqual(PLAN.document);
    expect(planOfFile(JSON.stringify(PLAN))).toEqual(PLAN);
  });
  it("is none with a number that is none: nothing is guessed", () => {
    const lines = linesOf(PLAN);
    for (const text of ["", "1e3", "1,5", "-1", "½"]) {
      lines.tiers[0]?.prices.splice(0, 1, text);
      expect(documentOf(lines), text).toBeNull();
    }
    expect(documentOf(emptyLines())).toBeNull();
  });
  it("has a price for each tier and component, whatever is added or taken out", () => {
    const lines = linesOf(PLAN);
    addTier(lines);
    addComponent(lines);
    expect(lines.tiers.map((tier) => tier.prices.length)).toEqual([3, 3, 3, 3]);
    expect(lines.tiers.map((tier) => tier.upTo)).toEqual(["180", "260", "", ""]);
    dropComponent(lines, 0);
    expect(lines.tiers[0]?.prices).toEqual(["1.36", ""]);
  });
  it("is not read out of a file that holds another thing", () => {
    for (const text of ["", "[]", "null", "{}", '{"from_day": 3}', "not json", '{"from_day": "2026-01-01", "document": {}}']) expect(planOfFile(text), text).toBeNull();
  });
});

describe("members", () => {
  it("are one a line; a line that is none refuses all", () => {
    expect(membersOf("7, 12, 2024-01-02, 4\n8 13 2024-01-02")).toEqual([
      { account_id: 7, meter_id: 12, began: "2024-01-02", persons: 4, households: 1 },
      { account_id: 8, meter_id: 13, began: "2024-01-02", persons: 0, households: 1 },
    ]);
    expect(membersOf("7, 12, 2024-01-02\n8, x, 2024-01-02")).toBeNull();
    expect(membersOf(" \n")).toBeNull();
  });
});
