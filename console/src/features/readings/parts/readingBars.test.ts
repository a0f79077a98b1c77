// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { Reading } from "@/features/readings/calls";
import { barsOf, compared, comparedSums, finer, isComparable, isKnown, registerText, restsOn } from "./readingBars";

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
    partial: false,
    start_register: null,
    end_register: null,
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
    const [known, unknown] = barsOf([reading({}), reading({ measured_s: 0, missing_s: 86_400, volume_m3: "0.000" })], "day", "Asia/Shanghai", "part");
    expect(known).toEqual({ label: "2026-05-01", at: Date.UTC(2026, 4, 1), value: 1.234, colour: "--om-accent", faint: false });
    expect(unknown?.value).toBeNull();
  });

  it("colour what is suspect or estimated", () => {
    const bars = barsOf([reading({ suspect_s: 1 }), reading({ estimated_s: 1 })], "hour", "Asia/Shanghai", "part");
    expect(bars.map((bar) => bar.colour)).toEqual(["--om-critical", "--om-major"]);
    expect(bars[0]?.label).toBe("2026-05-01 00:00");
  });

  it("say that they are a part of a step, and then compare with nothing", () => {
    const whole = reading({});
    const part = reading({ partial: true });
    const bars = barsOf([part, whole, whole], "month", "Asia/Shanghai", "part");
    expect(bars.map((bar) => [bar.label, bar.faint])).toEqual([["2026-05-01\npart", true], ["2026-05-01", false], ["2026-05-01", false]]);
    expect(compared(bars, [part, whole, whole], [whole, whole, part]).map((bar) => bar.other)).toEqual([null, 1.234, null]);
    expect(compared(bars, [part, whole, whole], [whole]).map((bar) => bar.other)).toEqual([null, null, null]);
    expect(comparedSums([part, whole, whole], [whole, reading({ volume: 1000 }), part])).toEqual({ count: 1, now: 1234, before: 1000 });
    expect([isComparable(whole, whole), isComparable(part, whole), isComparable(whole, undefined), isComparable(whole, reading({ measured_s: 0, missing_s: 1 }))]).toEqual([true, false, false, false]);
  });

  it("lead to what is finer, and to nothing below a measured interval", () => {
    expect(finer(reading({}), "day", "Asia/Shanghai")).toEqual({ from: "2026-05-01", to: "2026-05-01", step: "slot" });
    expect(finer(reading({ end: "2026-05-31T16:00:00Z" }), "month", "Asia/Shanghai")).toEqual({ from: "2026-05-01", to: "2026-05-31", step: "day" });
    expect([finer(reading({}), "slot", "Asia/Shanghai"), finer(reading({}), "hour", "Asia/Shanghai")]).toEqual([null, null]);
  });

  it("show the registers at their ends, and which of them nobody measured", () => {
    expect(registerText({ register_m3: "1234.500", is_estimated: false }, "(est.)")).toBe("1\u202f234.500");
    expect(registerText({ register_m3: "1.000", is_estimated: true }, "(est.)")).toBe("1.000 (est.)");
    expect(registerText(null, "(est.)")).toBe("—");
  });
});
