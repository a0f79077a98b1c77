// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { degreesOf, degreesText, isFilledAnew } from "./degrees";

describe("degrees", () => {
  it.each([[311774276, "31.1774276"], [-5, "-0.0000005"], [1800000000, "180.0000000"], [0, "0.0000000"]])("%d is %s and back", (e7, text) => {
    expect(degreesText(e7)).toBe(text);
    expect(degreesOf(text, 180)).toBe(e7);
  });
  it("takes what people type and nothing that is no place", () => {
    expect(degreesOf(" 31.5 ", 90)).toBe(315000000);
    expect(degreesOf("", 90)).toBeNull();
    for (const bad of ["90.0000001", "31,5", "31.12345678", "x", "1e2", "+5"]) expect(degreesOf(bad, 90)).toBeUndefined();
  });
  it("keeps what was typed when another datum brings the stored place again", () => {
    const shown = { lat: "31.1774276", lon: "121.0000000" };
    expect(isFilledAnew({ ...shown }, shown, false)).toBe(true);
    expect(isFilledAnew({ ...shown, lat: "31.2" }, shown, false)).toBe(false);
    expect(isFilledAnew({ ...shown, lon: "" }, shown, false)).toBe(false);
    expect(isFilledAnew({ ...shown, lat: "31.2" }, shown, true)).toBe(true);
  });
});
