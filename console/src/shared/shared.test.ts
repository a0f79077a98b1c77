// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { backoffMs } from "./live";
import { mergedQuery, safeReturn } from "./urlState";
import { sparkPath } from "./components/sparkPath";

describe("address state", () => {
  it("keeps other keys, drops empty ones and the page", () => {
    expect(mergedQuery({ q: "路", cursor: "x" }, { area: "3" }, ["cursor"])).toEqual({ q: "路", area: "3" });
    expect(mergedQuery({ q: "路", area: "3" }, { q: "" })).toEqual({ area: "3" });
    expect(mergedQuery({ twice: ["a", "b"] }, {})).toEqual({});
  });

  it("returns after sign-in to this site only", () => {
    expect(safeReturn("/meters?q=1")).toBe("/meters?q=1");
    for (const bad of ["//evil.example", "/\\evil.example", "https://evil.example", "", null, ["/a"]]) expect(safeReturn(bad)).toBe("/");
  });
});

describe("live connection", () => {
  it("waits longer after each failure, up to a bound", () => {
    expect(backoffMs(0, 0)).toBe(1000);
    expect(backoffMs(3, 0)).toBe(8000);
    expect(backoffMs(30, 0)).toBe(30_000);
    expect(backoffMs(30, 0.999)).toBeLessThan(45_000);
  });
});

describe("spark line", () => {
  it("needs two values and stays in its box", () => {
    expect(sparkPath([5], 300, 60)).toBe("");
    expect(sparkPath([0, 10], 300, 60)).toBe("M0.0 58.0L300.0 2.0");
    expect(sparkPath([0, 0, 0], 300, 60)).not.toContain("NaN");
  });
});
