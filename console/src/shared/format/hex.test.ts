// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { hexBytes } from "./hex";

describe("hex", () => {
  it("is read two digits at a time", () => {
    expect(hexBytes("0aFF")).toEqual(["0a", "FF"]);
  });
});
