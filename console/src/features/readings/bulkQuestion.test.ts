// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { choiceOf, gapText, metersOf, numbersOf, type BulkFields } from "./bulkQuestion";

const NONE: BulkFields = { area: "", product: "", medium: "", place: "", customerClass: "", status: "", devices: "", numbers: "", tag: "" };

describe("a question in bulk", () => {
  it("takes numbers as people paste them, each once", () => {
    expect(numbersOf("0012, 0013\n0014；0012 ")).toEqual(["0012", "0013", "0014"]);
  });
  it("asks for nothing that was not chosen", () => {
    expect(choiceOf(NONE)).toEqual({ devices: "meter" });
    expect(choiceOf({ ...NONE, area: "7", status: "active", numbers: "1" })).toEqual({ area_id: 7, status: "active", devices: "meter", numbers: ["1"] });
    expect(metersOf({ ...NONE, devices: "any", medium: "gas" })).toEqual({ kind: "any", medium: "gas" });
  });
  it("never shows a gap as none", () => {
    expect([gapText(0), gapText(1), gapText(333_334), gapText(null)]).toEqual(["0.00%", "0.01%", "33.34%", "—"]);
  });
});
