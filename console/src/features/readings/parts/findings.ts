// SPDX-License-Identifier: Apache-2.0
// What the figures of a finding are. Rules of the clock and of order speak of instants, the others of volumes.
import type { ReadingException } from "@/features/readings/calls";
import { instantText } from "@/shared/format/time";
import { volumeText } from "@/shared/format/volume";

const OF_INSTANTS: readonly string[] = ["clock_ahead", "clock_behind", "before_installation", "gap"];
const FIRST_INSTANT = 1_000_000_000; // 2001; out_of_order tells an instant for a report and a register for a register

/** A finding's figure as a person reads it; `exponent` of the driver's unit, null: not known, then the count itself. */
export function figureText(finding: Pick<ReadingException, "rule">, value: number | null, exponent: number | null, zone: string): string {
  if (value === null) return "—";
  if (OF_INSTANTS.includes(finding.rule) || (finding.rule === "out_of_order" && value >= FIRST_INSTANT)) return instantText(new Date(value * 1000), zone);
  return exponent === null ? String(value) : `${volumeText(value, exponent)} m³`;
}
