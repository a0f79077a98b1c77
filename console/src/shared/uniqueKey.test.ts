// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { freshKey } from "./uniqueKey";

describe("the key of an intention", () => {
  it("is one that nobody else has", () => {
    expect(freshKey("batch")).toMatch(/^batch-[0-9a-f]{32}$/);
    expect(freshKey("batch")).not.toBe(freshKey("batch"));
  });
});
