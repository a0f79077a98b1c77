// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { viewQuery } from "./viewQuery";

const sources = import.meta.glob<string>("/src/features/**/*.vue", { eager: true, query: "?raw", import: "default" });

describe("a view of a list", () => {
  it("is its filters, order and columns", () => {
    expect(viewQuery({ status: "silent", area: "7", columns: "number,imei", cursor: "abc", q: "", many: ["a", "b"] })).toEqual({ status: "silent", area: "7", columns: "number,imei" });
  });
  it("has no place in it, whatever the list calls it", () => {
    const places = Object.values(sources).flatMap((source) => [...source.matchAll(/\bplace: "(\w+)"/g)].map(([, name = ""]) => name));
    expect(places.length).toBeGreaterThan(5);
    for (const place of places) expect(viewQuery({ [place]: "x" }), place).toEqual({});
  });
});
