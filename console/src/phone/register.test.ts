// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { typed } from "./register";

const meter = { decimals: 3, low_m3: "130.250", high_m3: "161.000" };

describe("a typed register", () => {
  it("is held to its form and to what the meter shows", () => {
    for (const wrong of ["", "-1", "1e3", "12.", ".5", "1 2", "abc", "1234567890123"]) expect(typed(wrong, meter)).toEqual({ fault: "form" });
    expect(typed("1.2345", meter)).toEqual({ fault: "decimals" });
    expect(typed(" １３１，5 ", meter)).toEqual({ m3: "131.5", doubt: null });
  });
  it("is doubted below the last one and above the range, to the digit", () => {
    expect(typed("130.249", meter)).toEqual({ m3: "130.249", doubt: "low" });
    expect(typed("130.250", meter)).toEqual({ m3: "130.250", doubt: null });
    expect(typed("130", meter), "whole cubic metres of the same register").toEqual({ m3: "130", doubt: null });
    expect(typed("129", meter)).toEqual({ m3: "129", doubt: "low" });
    expect(typed("161.000", meter)).toEqual({ m3: "161.000", doubt: null });
    expect(typed("161.001", meter)).toEqual({ m3: "161.001", doubt: "high" });
  });
  it("knows a dial that goes round, and a meter of which nothing is known", () => {
    const round = { decimals: 3, low_m3: "99999.000", high_m3: "30.000" };
    for (const good of ["99999.5", "0", "30"]) expect(typed(good, round)).toMatchObject({ doubt: null });
    expect(typed("31", round)).toMatchObject({ doubt: "low" });
    expect(typed("5", { decimals: 0, low_m3: null, high_m3: null })).toEqual({ m3: "5", doubt: null });
    expect(typed("999999999", { decimals: 0, low_m3: "5", high_m3: null })).toMatchObject({ doubt: null });
  });
});
