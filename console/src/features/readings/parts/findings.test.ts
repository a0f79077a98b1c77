// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { stepsOf } from "./editSteps";
import { figureText } from "./findings";

describe("a finding", () => {
  it("tells volumes in m³ and instants in the zone", () => {
    expect(figureText({ rule: "spike" }, 12345, -3, "Asia/Shanghai")).toBe("12.345 m³");
    expect(figureText({ rule: "spike" }, 12345, null, "Asia/Shanghai")).toBe("12345");
    expect(figureText({ rule: "gap" }, 1_777_564_800, -3, "Asia/Shanghai")).toBe("2026-05-01 00:00:00");
    expect(figureText({ rule: "out_of_order" }, 999_999, -3, "Asia/Shanghai")).toBe("999.999 m³");
    expect(figureText({ rule: "gap" }, null, -3, "Asia/Shanghai")).toBe("—");
  });
  it("is about its own step, or about its day", () => {
    const points = ["00", "01", "02"].map((hour, index) => ({ start: `2026-05-01T${hour}:00:00Z`, end: `2026-05-01T0${String(index + 1)}:00:00Z` }));
    expect(stepsOf({ rule: "over_qmax", at: "2026-05-01T01:30:00Z" }, points)).toEqual({ start: "2026-05-01T01:00:00Z", end: "2026-05-01T02:00:00Z" });
    expect(stepsOf({ rule: "spike", at: "2026-05-01T01:30:00Z" }, points)).toEqual({ start: "2026-05-01T00:00:00Z", end: "2026-05-01T03:00:00Z" });
    expect(stepsOf({ rule: "over_qmax", at: "2026-06-01T00:00:00Z" }, [])).toEqual({ start: "", end: "" });
  });
});
