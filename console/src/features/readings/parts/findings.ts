// SPDX-License-Identifier: Apache-2.0
// What the figures of a finding are. Rules of the clock and of order speak of instants, the others of volumes.
import type { ReadingException } from "@/features/readings/calls";
import { instantText } from "@/shared/format/time";
import { volumeText } from "@/shared/format/volume";
import type { MEASURES } from "./measures";

const OF_NUMBERS: readonly string[] = ["number_mismatch"];
const OF_INSTANTS: readonly string[] = ["clock_ahead", "clock_behind", "before_installation", "gap"];
const FIRST_INSTANT = 1_000_000_000; // 2001; out_of_order tells an instant for a report and a register for a register

/** A finding's figure as a person reads it; `exponent` of the driver's unit, null: not known, then the count itself. */
export function figureText(finding: Pick<ReadingException, "rule">, value: number | null, exponent: number | null, zone: string): string {
  if (value === null) return "—";
  if (OF_NUMBERS.includes(finding.rule)) return String(value);
  if (OF_INSTANTS.includes(finding.rule) || (finding.rule === "out_of_order" && value >= FIRST_INSTANT)) return instantText(new Date(value * 1000), zone);
  return exponent === null ? String(value) : `${volumeText(value, exponent)} m³`;
}

/** What the second figure of a finding is: a limit with whose it is, the registered number, or what is known instead. */
export type Measure = keyof typeof MEASURES;

const OF_RULES: Partial<Record<string, Measure>> = {
  spike: "usual",
  over_qmax: "qmax",
  reverse_flow: "back",
  impossible_back: "back",
  dial_limit: "dial",
  clock_ahead: "clock",
  clock_behind: "clock",
  before_installation: "installation",
  gap: "since",
  number_mismatch: "registered",
  manual_differs: "own",
};

export const measureOf = (rule: string): Measure => OF_RULES[rule] ?? "known";
