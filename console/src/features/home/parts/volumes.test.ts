// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { ReportDay } from "@/features/readings/calls";
import { changeText, volumesOf } from "./volumes";

const day = (of: string, volumes: ReportDay["volumes"]): ReportDay => ({ day: of, deadline: "2026-05-02T00:00:00Z", frozen_at: null, total: null, as_due: null, volumes });

describe("volumes of days", () => {
  it("stay apart by medium, are exact, and are compared with the weekday before", () => {
    const days = [
      day("2026-05-01", [{ medium: "gas", meters: 2, volume_m3: "100.000" }, { medium: "water", meters: 1, volume_m3: "1.5" }]),
      day("2026-05-08", [{ medium: "gas", meters: 3, volume_m3: "1103.250" }]),
      day("2026-05-09", [{ medium: "gas", meters: 1, volume_m3: "9" }]), // still being collected
    ];
    expect(volumesOf(days, "2026-05-08")).toEqual([
      { medium: "gas", text: "1\u202f103.250", meters: 3, change: "+1003.3%", values: [100, 1103.25], times: [Date.UTC(2026, 4, 1), Date.UTC(2026, 4, 8)] },
    ]);
    expect(volumesOf(days, "2026-05-04")).toEqual([]);
  });
  it("say nothing of a change from nothing", () => {
    expect([changeText(5, null), changeText(5, 0), changeText(95, 100)]).toEqual([null, null, "−5.0%"]);
  });
});
