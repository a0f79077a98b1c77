// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { rowWindow } from "./rowWindow";

describe("window of a long table", () => {
  it("draws what is in view and a little more", () => {
    expect(rowWindow(100_000, 32, 0, 480)).toEqual({ first: 0, last: 25 });
    expect(rowWindow(100_000, 32, 32_000, 480)).toEqual({ first: 990, last: 1025 });
    expect(rowWindow(100_000, 32, 99_990 * 32, 480)).toEqual({ first: 99_980, last: 100_000 });
    expect(rowWindow(0, 32, 0, 480)).toEqual({ first: 0, last: 0 });
  });
});
