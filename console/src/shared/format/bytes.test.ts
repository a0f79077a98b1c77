// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { bytesText } from "./bytes";

describe("sizes", () => {
  it("have decimal multiples and three digits", () => {
    expect(bytesText(999)).toBe("999 B");
    expect(bytesText(1_234_567)).toBe("1.23 MB");
  });
});
