// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { documentOf, emptyForm, emptyPart, formOf } from "./ruleForm";

const POINTS = [{ name: "battery_mv", exponent: -3 }, { name: "pressure", exponent: -1 }, { name: "valve", exponent: 0 }];

describe("a condition as a form", () => {
  it("comes back as the document it was", () => {
    for (const document of [
      { value: "battery_mv", below: 3100 },
      { value: "pressure", outside: [-2000, 4005] },
      { change: "battery_mv", falls: 200 },
      { rate: "pressure", moves: 500, per_s: 3600 },
      { not: { event: "movement" } },
      { any: [{ value: "valve", above: 0 }, { not: { value: "battery_mv", above: 3600 } }, { event: "burst" }] },
      { all: [{ event: "burst" }, { event: "movement" }] },
      { silent_h: 36 },
      { missing_days: 3 },
      { unanswered_h: 24, command: "valve_close" },
      { meters: 5, percent: 20, within: "cell", of: { unanswered_h: 24 } },
      { meters: 5, within: "scope", of: { all: [{ event: "burst" }, { event: "movement" }] } },
    ]) {
      const form = formOf(document, POINTS);
      expect(form && documentOf(form, POINTS), JSON.stringify(document)).toEqual(document);
    }
  });
  it("is none where the tree is more than it can show", () => {
    expect(formOf({ all: [{ any: [{ event: "burst" }] }] }, POINTS)).toBeNull();
    expect(formOf({ not: { not: { event: "burst" } } }, POINTS)).toBeNull();
    expect(formOf({ value: "gone", below: 1 }, POINTS)).toBeNull();
  });
  it("is no document while something is missing or no number", () => {
    const typed = (first: string, more: object = {}) => documentOf({ ...emptyForm(), parts: [{ ...emptyPart(), point: "battery_mv", first, ...more }] }, POINTS);
    expect(typed("3.1")).toEqual({ value: "battery_mv", below: 3100 });
    for (const wrong of ["", "3,1", "3.1005", "1e3"]) expect(typed(wrong), wrong).toBeNull();
    expect(typed("3.1", { comparison: "outside" })).toBeNull();
    expect(typed("3.1", { point: "" })).toBeNull();
    expect(documentOf({ ...emptyForm(), about: "silent", time: "" }, POINTS)).toBeNull();
    expect(documentOf({ ...emptyForm(), about: "silent", gathers: true, meters: "x" }, POINTS)).toBeNull();
  });
});
