// SPDX-License-Identifier: Apache-2.0
// What the readings chart and table say of a step. A chart may round; the table beside it holds the exact values.
import type { Reading, Step } from "@/features/readings/calls";
import type { Bar } from "@/shared/components/barPlot";
import { addDays, dayOf, instantText, wallMs } from "@/shared/format/time";
import { decimalText } from "@/shared/format/volume";

export type Basis = "measured" | "estimated" | "suspect" | "edited" | "missing" | "not_due" | "not_expected";

const BASES: readonly Basis[] = ["measured", "estimated", "suspect", "edited", "missing", "not_due", "not_expected"];
/** Of these nothing is known. Only what is missing is a fault: the others nobody promised. */
const UNKNOWN: ReadonlySet<Basis> = new Set(["missing", "not_due", "not_expected"]);
export const isUnpromised = (basis: Basis): boolean => UNKNOWN.has(basis) && basis !== "missing";

/** What the volume of a step rests on, as far as anything of it does. */
export function restsOn(row: Reading): Basis[] {
  const seconds: Record<Basis, number> = {
    measured: row.measured_s,
    estimated: row.estimated_s,
    suspect: row.suspect_s,
    edited: row.edited_s,
    missing: row.missing_s,
    not_due: row.not_due_s,
    not_expected: row.not_expected_s,
  };
  return BASES.filter((basis) => seconds[basis] > 0);
}

/** False where nothing of the step is known: its volume 0 means nothing. */
export function isKnown(row: Reading): boolean {
  return restsOn(row).some((basis) => !UNKNOWN.has(basis));
}

/** Colour of each basis, the most remarkable first: a step shows the first that it rests on. */
export const COLOURS: readonly { basis: Basis; colour: string }[] = [
  { basis: "suspect", colour: "--om-critical" },
  { basis: "estimated", colour: "--om-major" },
  { basis: "missing", colour: "--om-muted" },
  { basis: "edited", colour: "--om-good" },
  { basis: "measured", colour: "--om-accent" },
];

function colourOf(row: Reading): string {
  const rests = restsOn(row);
  return COLOURS.find(({ basis }) => rests.includes(basis))?.colour ?? "--om-accent";
}

/** One bar a step; labels hold the time of day only where a step is shorter than a day, and `partial` behind a part of a step. */
export function barsOf(rows: readonly Reading[], step: Step, zone: string, partial: string): Bar[] {
  const length = step === "slot" || step === "hour" ? 16 : 10;
  return rows.map((row) => ({
    label: instantText(row.start, zone).slice(0, length) + (row.partial ? `\n${partial}` : ""),
    at: wallMs(row.start, zone) ?? 0,
    value: isKnown(row) ? Number(row.volume_m3) : null,
    colour: colourOf(row),
    faint: row.partial,
  }));
}

/** Whether two steps may be compared: a part of a step says nothing beside a whole one, nor beside another part. */
export function isComparable(row: Reading, other: Reading | undefined): other is Reading {
  return other !== undefined && !row.partial && !other.partial && isKnown(row) && isKnown(other);
}

/** The bars with the steps of another period beside them, matched by their place; unchanged where none is compared. */
export function compared(bars: readonly Bar[], rows: readonly Reading[], others: readonly Reading[] | undefined): readonly Bar[] {
  if (others === undefined) return bars;
  return bars.map((bar, index) => {
    const row = rows[index];
    const other = others[index];
    return { ...bar, other: row !== undefined && isComparable(row, other) ? Number(other.volume_m3) : null };
  });
}

/** Sums of the steps that both periods have whole, in the product's unit, and how many these are. */
export function comparedSums(rows: readonly Reading[], others: readonly Reading[]): { count: number; now: number; before: number } {
  const sums = { count: 0, now: 0, before: 0 };
  for (const [index, row] of rows.entries()) {
    const other = others[index];
    if (!isComparable(row, other)) continue;
    sums.count += 1;
    sums.now += row.volume;
    sums.before += other.volume;
  }
  return sums;
}

/** What a click on a step shows: the days of a longer one, the measured intervals of a day; null where there is nothing finer. */
export function finer(row: Reading, step: Step, zone: string): { from: string; to: string; step: Step } | null {
  if (step === "slot" || step === "hour") return null;
  const from = dayOf(new Date(row.start), zone);
  if (step === "day") return { from, to: from, step: "slot" };
  return { from, to: addDays(dayOf(new Date(row.end), zone), -1), step: "day" };
}

/** The register at an end of a step as text; what was read off a line says so. */
export function registerText(end: Reading["start_register"], estimated: string): string {
  if (end === null) return "—";
  return `${decimalText(end.register_m3)}${end.is_estimated ? ` ${estimated}` : ""}`;
}
