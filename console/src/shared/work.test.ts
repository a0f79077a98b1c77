// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { rowWindow } from "./components/rowWindow";
import { yearBefore } from "./format/time";

describe("window of a long table", () => {
  it("draws what is in view and a little more", () => {
    expect(rowWindow(100_000, 32, 0, 480)).toEqual({ first: 0, last: 25 });
    expect(rowWindow(100_000, 32, 32_000, 480)).toEqual({ first: 990, last: 1025 });
    expect(rowWindow(100_000, 32, 99_990 * 32, 480)).toEqual({ first: 99_980, last: 100_000 });
    expect(rowWindow(0, 32, 0, 480)).toEqual({ first: 0, last: 0 });
  });
});

describe("a year before", () => {
  it("is the same calendar day, the 28th for a leap day", () => {
    expect(yearBefore("2026-03-01")).toBe("2025-03-01");
    expect(yearBefore("2028-02-29")).toBe("2027-02-28");
  });
});
