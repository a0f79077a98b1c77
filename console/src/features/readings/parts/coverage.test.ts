// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { Signal } from "@/features/readings/calls";
import { levelOf, lineOf } from "./coverage";

describe("signal history", () => {
  it("reads from old to new and leaves holes", () => {
    const signal: Signal = { received_at: "2026-05-02T00:00:00Z", rsrp_dbm: -101.3, sinr_db: null, battery_mv: null, battery_pct: 87, cell: 1, coverage: "CE0", earfcn: null, ecl: 0, pci: null };
    const line = lineOf([signal, { ...signal, received_at: "2026-05-01T00:00:00Z", rsrp_dbm: null }], "rsrp_dbm", "Asia/Shanghai", "2026-05-01", "2026-05-03");
    expect(line.points).toEqual([[Date.UTC(2026, 4, 1, 8), null], [Date.UTC(2026, 4, 2, 8), -101.3]]);
    expect([line.from, line.to]).toEqual([Date.UTC(2026, 4, 1), Date.UTC(2026, 4, 4)]);
    expect(line.bands.map((band) => band.name)).toEqual(["CE0", "CE1", "CE2", ""]);
  });
  it("lies on the bands of R12.1, the worse of its two measures", () => {
    const signal: Signal = { received_at: "2026-05-02T00:00:00Z", rsrp_dbm: -101.3, sinr_db: 8, battery_mv: null, battery_pct: 87, cell: 1, coverage: "CE0", earfcn: null, ecl: 0, pci: null };
    expect(lineOf([signal], "rsrp_dbm", "UTC", "2026-05-02", "2026-05-02").bands.map(({ from, to }) => [from, to])).toEqual([[-105, null], [-115, -105], [-125, -115], [null, -125]]);
    expect(lineOf([signal], "sinr_db", "UTC", "2026-05-02", "2026-05-02").bands.map(({ from, to }) => [from, to])).toEqual([[7, null], [-3, 7], [-8, -3], [null, -8]]);
    expect([levelOf(-1050, 70), levelOf(-1051, 70), levelOf(-1050, 69), levelOf(-1150, -30), levelOf(-1151, -30), levelOf(-1250, -80), levelOf(-1251, 300), levelOf(-600, -81)]).toEqual(["CE0", "CE1", "CE1", "CE1", "CE2", "CE2", "none", "none"]);
  });
});
