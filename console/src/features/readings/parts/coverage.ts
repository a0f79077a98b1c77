// SPDX-License-Identifier: Apache-2.0
// Coverage levels of R12.1 as bands of a chart. The level of a report itself comes from the server.
import type { Signal } from "@/features/readings/calls";
import type { Band, Line } from "@/shared/components/linePlot";
import { instantText } from "@/shared/format/time";

export const RSRP_BANDS: readonly Band[] = [
  { name: "CE0", from: -105, to: null, colour: "--om-good" },
  { name: "CE1", from: -115, to: -105, colour: "--om-info" },
  { name: "CE2", from: -125, to: -115, colour: "--om-major" },
  { name: "", from: null, to: -125, colour: "--om-critical" },
];
export const SINR_BANDS: readonly Band[] = [
  { name: "CE0", from: 7, to: null, colour: "--om-good" },
  { name: "CE1", from: -3, to: 7, colour: "--om-info" },
  { name: "CE2", from: -8, to: -3, colour: "--om-major" },
  { name: "", from: null, to: -8, colour: "--om-critical" },
];

type Measure = "rsrp_dbm" | "sinr_db" | "battery_pct";

/** Oldest first, as a chart reads; the server sends the newest first. */
export function lineOf(signals: readonly Signal[], measure: Measure, zone: string): Line {
  const inTime = [...signals].reverse();
  const shape: Record<Measure, Pick<Line, "bands" | "unit" | "least" | "most">> = {
    rsrp_dbm: { bands: RSRP_BANDS, unit: "dBm", least: -140, most: -60 },
    sinr_db: { bands: SINR_BANDS, unit: "dB", least: -20, most: 30 },
    battery_pct: { bands: [], unit: "%", least: 0, most: 100 },
  };
  return {
    labels: inTime.map((signal) => instantText(signal.received_at, zone).slice(5, 16)),
    values: inTime.map((signal) => signal[measure]),
    ...shape[measure],
  };
}
