// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { setNumbers } from "./grouping";
import { countOf, decimalText, tenthsText, volumeText } from "./volume";

describe("volumes", () => {
  it("move the point and lose nothing", () => {
    expect(volumeText(0)).toBe("0.000");
    expect(volumeText(7)).toBe("0.007");
    expect(volumeText(1234567)).toBe("1\u202f234.567");
    expect(volumeText(-45)).toBe("−0.045");
    expect(volumeText(12, 0)).toBe("12");
    expect(volumeText(12, 2)).toBe("1\u202f200");
    expect(volumeText(9007199254740993n, -3)).toBe("9\u202f007\u202f199\u202f254\u202f740.993");
  });

  it("are written as the person chose, and a comma that writes thousands is no decimal one", () => {
    expect(countOf("1,5", -3)).toBe(1500);
    setNumbers("comma");
    expect([volumeText(1234567), decimalText("1234567.089")]).toEqual(["1,234.567", "1,234,567.089"]);
    expect([countOf("1,234", -3), countOf("1.5", -3)]).toEqual([null, 1500]);
    setNumbers("plain");
    expect(volumeText(1234567)).toBe("1234.567");
    setNumbers("space");
  });

  it("group decimal texts as they come", () => {
    expect(decimalText("1234567.089")).toBe("1\u202f234\u202f567.089");
    expect(decimalText("-12")).toBe("−12");
  });

  it("are read from what a person types, exactly or not at all", () => {
    expect([countOf("1.5", -3), countOf("1,500", -3), countOf(" 0 ", -3), countOf("0.0000", -3)]).toEqual([1500, 1500, 0, 0]);
    for (const bad of ["", "-1", "1.2345", "1e3", "1.", ".5", "1 000", "１"]) expect(countOf(bad, -3), bad).toBeNull();
    expect([countOf("120", 1), countOf("125", 1), countOf("7", 0), countOf("7.5", 0)]).toEqual([12, null, 7, null]);
  });

  it("write tenths exactly", () => {
    expect(tenthsText(-1053)).toBe("−105.3");
    expect(tenthsText(-3)).toBe("−0.3");
    expect(tenthsText(70)).toBe("7.0");
  });
});
