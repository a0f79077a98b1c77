// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { mergedQuery, safeReturn } from "./urlState";

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
