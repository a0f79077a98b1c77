// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { percentText } from "./rate";

describe("rates", () => {
  it("are never rounded up", () => {
    expect(percentText(999_999)).toBe("99.99%");
    expect(percentText(1_000_000)).toBe("100.00%");
    expect(percentText(560)).toBe("0.05%");
  });
});
