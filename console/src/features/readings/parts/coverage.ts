// SPDX-License-Identifier: Apache-2.0
// Coverage levels of R12.1, as domain/network/coverage.py has them: their bounds once, as bands of a chart and as the level of one report. The level of a stored
// report comes from the server; this one is for the newest state, which has none.
import type { Signal } from "@/features/readings/calls";
import type { Band, Line } from "@/shared/components/linePlot";
import { withHoles } from "@/shared/components/timeLine";
import { addDays, wallMs } from "@/shared/format/time";

/** Least RSRP in dBm and least SINR in dB of each level, the best first; a report has the best of which it keeps both. */
const LEVELS = [
  { name: "CE0", rsrp: -105, sinr: 7, colour: "--om-good" },
  { name: "CE1", rsrp: -115, sinr: -3, colour: "--om-info" },
  { name: "CE2", rsrp: -125, sinr: -8, colour: "--om-major" },
] as const;

export type Level = (typeof LEVELS)[number]["name"] | "none";

/** Level of a report from tenths of dBm and of dB. */
export function levelOf(rsrpDdbm: number, sinrDdb: number): Level {
  return LEVELS.find(({ rsrp, sinr }) => rsrpDdbm >= rsrp * 10 && sinrDdb >= sinr * 10)?.name ?? "none";
}

function bandsBy(bound: "rsrp" | "sinr"): readonly Band[] {
  const below = LEVELS.at(-1)?.[bound] ?? null;
  return [
    ...LEVELS.map((level, place) => ({ name: level.name, from: level[bound], to: LEVELS[place - 1]?.[bound] ?? null, colour: level.colour })),
    { name: "", from: null, to: below, colour: "--om-critical" },
  ];
}

type Measure = "rsrp_dbm" | "sinr_db" | "battery_pct";

const SHAPES: Record<Measure, Pick<Line, "bands" | "unit" | "least" | "most">> = {
  rsrp_dbm: { bands: bandsBy("rsrp"), unit: "dBm", least: -140, most: -60 },
  sinr_db: { bands: bandsBy("sinr"), unit: "dB", least: -20, most: 30 },
  battery_pct: { bands: [], unit: "%", least: 0, most: 100 },
};

/** The measure of each report at the instant it came, over the days `from` to `to` of the zone. */
export function lineOf(signals: readonly Signal[], measure: Measure, zone: string, from: string, to: string): Line {
  const points = signals.flatMap((signal) => {
    const at = wallMs(signal.received_at, zone);
    return at === null ? [] : [[at, signal[measure]] as const];
  });
  return { points: withHoles(points), from: Date.parse(`${from}T00:00:00Z`), to: Date.parse(`${addDays(to, 1)}T00:00:00Z`), ...SHAPES[measure] };
}
