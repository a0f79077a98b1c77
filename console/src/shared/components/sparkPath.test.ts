// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { sparkPath } from "./sparkPath";

describe("spark line", () => {
  it("needs two values and stays in its box", () => {
    expect(sparkPath([5], 300, 60)).toBe("");
    expect(sparkPath([0, 10], 300, 60)).toBe("M0.0 58.0L300.0 2.0");
    expect(sparkPath([0, 0, 0], 300, 60)).not.toContain("NaN");
    expect(sparkPath([0, 10], 300, 60, [5, 5])).not.toContain("NaN");
  });
  it("lays its values where their times are", () => {
    expect(sparkPath([0, 10, 10], 300, 60, [100, 400, 500])).toBe("M0.0 58.0L225.0 2.0L300.0 2.0");
  });
});
