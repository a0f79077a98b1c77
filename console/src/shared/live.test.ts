// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { backoffMs } from "./live";

describe("live connection", () => {
  it("waits longer after each failure, up to a bound", () => {
    expect(backoffMs(0, 0)).toBe(1000);
    expect(backoffMs(3, 0)).toBe(8000);
    expect(backoffMs(30, 0)).toBe(30_000);
    expect(backoffMs(30, 0.999)).toBeLessThan(45_000);
  });
});
