// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { Signal } from "@/features/readings/calls";
import { lineOf } from "./coverage";

describe("signal history", () => {
  it("reads from old to new and leaves holes", () => {
    const signal: Signal = { received_at: "2026-05-02T00:00:00Z", rsrp_dbm: -101.3, sinr_db: null, battery_mv: null, battery_pct: 87, cell: 1, coverage: "CE0", earfcn: null, ecl: 0, pci: null };
    const line = lineOf([signal, { ...signal, received_at: "2026-05-01T00:00:00Z", rsrp_dbm: null }], "rsrp_dbm", "Asia/Shanghai");
    expect(line.labels).toEqual(["05-01 08:00", "05-02 08:00"]);
    expect(line.values).toEqual([null, -101.3]);
    expect(line.bands.map((band) => band.name)).toEqual(["CE0", "CE1", "CE2", ""]);
  });
});
