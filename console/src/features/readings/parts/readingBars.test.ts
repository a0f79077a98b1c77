// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { Reading } from "@/features/readings/calls";
import { barsOf, isKnown, restsOn } from "./readingBars";

function reading(values: Partial<Reading>): Reading {
  return {
    start: "2026-04-30T16:00:00Z",
    end: "2026-05-01T16:00:00Z",
    volume: 1234,
    volume_m3: "1.234",
    measured_s: 86_400,
    estimated_s: 0,
    suspect_s: 0,
    edited_s: 0,
    missing_s: 0,
    not_due_s: 0,
    not_expected_s: 0,
    rules: [],
    ...values,
  };
}

describe("steps of a reading", () => {
  it("say what they rest on", () => {
    expect(restsOn(reading({}))).toEqual(["measured"]);
    expect(restsOn(reading({ measured_s: 43_200, estimated_s: 3600, missing_s: 39_600 }))).toEqual(["measured", "estimated", "missing"]);
    expect(isKnown(reading({ measured_s: 0, missing_s: 86_400 }))).toBe(false);
    expect(restsOn(reading({ measured_s: 0, not_due_s: 86_400 }))).toEqual(["not_due"]);
    expect(isKnown(reading({ measured_s: 0, not_due_s: 43_200, not_expected_s: 43_200 }))).toBe(false);
  });

  it("leave a hole where nothing is known, and do not draw it as zero", () => {
    const [known, unknown] = barsOf([reading({}), reading({ measured_s: 0, missing_s: 86_400, volume_m3: "0.000" })], "day", "Asia/Shanghai");
    expect(known).toEqual({ label: "2026-05-01", value: 1.234, colour: "--om-accent" });
    expect(unknown?.value).toBeNull();
  });

  it("colour what is suspect or estimated", () => {
    const bars = barsOf([reading({ suspect_s: 1 }), reading({ estimated_s: 1 })], "hour", "Asia/Shanghai");
    expect(bars.map((bar) => bar.colour)).toEqual(["--om-critical", "--om-major"]);
    expect(bars[0]?.label).toBe("2026-05-01 00:00");
  });
});
