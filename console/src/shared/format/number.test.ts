// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { countText, roundedText, secondsText } from "./number";

describe("numbers", () => {
  it("are grouped by a thin space on every computer", () => {
    expect(countText(0)).toBe("0");
    expect(countText(999)).toBe("999");
    expect(countText(1_000)).toBe("1\u202f000");
    expect(countText(-20_000)).toBe("−20\u202f000");
    expect(countText("1234567")).toBe("1\u202f234\u202f567");
  });
  it("have a point before decimals", () => {
    expect(roundedText(1234.56, 1)).toBe("1\u202f234.6");
    expect(secondsText(2_049)).toBe("2.0 s");
  });
});
