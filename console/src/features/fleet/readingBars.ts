// SPDX-License-Identifier: Apache-2.0
// Bars of the readings chart. A chart may round; the table beside it holds the exact values.
import type { Reading, Step } from "@/api/types";
import type { Bar } from "@/shared/components/barPlot";
import { instantText } from "@/shared/format/time";

function colourOf(quality: readonly string[]): string {
  if (quality.includes("suspect") || quality.includes("reverse")) return "--om-critical";
  if (quality.includes("estimated") || quality.includes("from_history") || quality.includes("interpolated")) return "--om-major";
  return "--om-accent";
}

/** One bar a reading; labels hold the time of day only where a step is shorter than a day. */
export function barsOf(rows: readonly Reading[], exponent: number, step: Step, zone: string): Bar[] {
  const length = step === "slot" || step === "hour" ? 16 : 10;
  return rows.map((row) => ({
    label: instantText(row.start, zone).slice(0, length),
    value: row.use === null ? null : row.use * 10 ** exponent,
    colour: colourOf(row.quality),
  }));
}
