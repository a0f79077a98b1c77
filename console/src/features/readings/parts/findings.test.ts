// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { stepsOf } from "./editSteps";
import { figureText, measureOf } from "./findings";
import { MEASURES } from "./measures";
import { RULE_NAMES } from "./rules";

describe("a finding", () => {
  it("tells volumes in m³ and instants in the zone", () => {
    expect(figureText({ rule: "spike" }, 12345, -3, "Asia/Shanghai")).toBe("12.345 m³");
    expect(figureText({ rule: "spike" }, 12345, null, "Asia/Shanghai")).toBe("12345");
    expect(figureText({ rule: "gap" }, 1_777_564_800, -3, "Asia/Shanghai")).toBe("2026-05-01 00:00:00");
    expect(figureText({ rule: "out_of_order" }, 999_999, -3, "Asia/Shanghai")).toBe("999.999 m³");
    expect(figureText({ rule: "gap" }, null, -3, "Asia/Shanghai")).toBe("—");
  });
  it("tells numbers of meters as they are", () => {
    expect(figureText({ rule: "number_mismatch" }, 202600000002, -3, "Asia/Shanghai")).toBe("202600000002");
  });
  it("says of a limit whose it is, and calls nothing else one", () => {
    expect(MEASURES[measureOf("spike")]).toEqual(MEASURES.usual);
    expect(MEASURES[measureOf("over_qmax")][1]).toContain("this meter's Qmax");
    expect(RULE_NAMES.filter((rule) => MEASURES[measureOf(rule)][1].startsWith("limit"))).toEqual(["reverse_flow", "impossible_back", "over_qmax", "spike", "dial_limit"]);
    expect(measureOf("history_mismatch")).toBe("known");
  });
  it("is about its own step, or about its day", () => {
    const points = ["00", "01", "02"].map((hour, index) => ({ start: `2026-05-01T${hour}:00:00Z`, end: `2026-05-01T0${String(index + 1)}:00:00Z` }));
    expect(stepsOf({ rule: "over_qmax", at: "2026-05-01T01:30:00Z" }, points)).toEqual({ start: "2026-05-01T01:00:00Z", end: "2026-05-01T02:00:00Z" });
    expect(stepsOf({ rule: "spike", at: "2026-05-01T01:30:00Z" }, points)).toEqual({ start: "2026-05-01T00:00:00Z", end: "2026-05-01T03:00:00Z" });
    expect(stepsOf({ rule: "over_qmax", at: "2026-06-01T00:00:00Z" }, [])).toEqual({ start: "", end: "" });
  });
});
