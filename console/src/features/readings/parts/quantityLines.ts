// SPDX-License-Identifier: Apache-2.0
// Quantities of a meter as a chart on two axes and as a table. Names, units and exponents come with the values from the server, which
// has them from drivers/points.toml; a chart may round, the table holds every digit.
import type { QuantitySeries, SeriesValue } from "@/features/readings/calls";
import type { Lines } from "@/shared/components/linesPlot";
import { withHoles } from "@/shared/components/timeLine";
import { scaledText, unitShown } from "@/shared/format/quantity";
import { addDays, wallMs } from "@/shared/format/time";
import type { Locale } from "@/shared/i18n/bilingual";

const MOST_UNITS = 2;
/** Colour of each flag, the most remarkable first; the others are as good as measured. */
const MARKS: readonly (readonly [flag: string, colour: string])[] = [
  ["suspect", "--om-critical"],
  ["estimated", "--om-major"],
  ["interpolated", "--om-major"],
  ["edited", "--om-good"],
];

/** `2513`, −1, `kPa` → `251.3 kPa`. */
export function valueText(value: number | null, exponent: number, unit: string): string {
  return value === null ? "—" : scaledText(value, exponent, unit);
}

/** The number a chart draws. */
export function numberOf(value: number | null, exponent: number): number | null {
  return value === null ? null : Number(`${String(value)}e${String(exponent)}`);
}

function markOf(quality: readonly string[]): string | undefined {
  return MARKS.find(([flag]) => quality.includes(flag))?.[1];
}

/** The series of a meter followed by those of others, which bear their meter's number: without it nobody tells them apart. */
export function besideOf(own: readonly QuantitySeries[], others: readonly { number: string; series: readonly QuantitySeries[] }[]): QuantitySeries[] {
  const named = others.flatMap(({ number, series }) => series.map((one) => ({ ...one, title: { zh: `${one.title.zh} · ${number}`, en: `${one.title.en} · ${number}` } })));
  return [...own, ...named];
}

/** Units that the chart has no axis for, in the order they were asked for. */
export function unitsLeftOut(series: readonly QuantitySeries[]): string[] {
  return [...new Set(series.map(({ unit }) => unitShown(unit)))].slice(MOST_UNITS);
}

/** The lines of the first two units, over the days `from` to `to` of the zone. */
export function linesOf(series: readonly QuantitySeries[], language: Locale, zone: string, from: string, to: string): Lines {
  const left = new Set(unitsLeftOut(series));
  const lines = series
    .filter(({ unit }) => !left.has(unitShown(unit)))
    .map(({ title, unit, exponent, values }) => {
      const placed = values.flatMap(({ at, value, quality }) => {
        const wall = wallMs(at, zone);
        return wall === null ? [] : [{ wall, value: numberOf(value, exponent), mark: markOf(quality) }];
      });
      return {
        name: title[language],
        unit: unitShown(unit),
        points: withHoles(placed.map(({ wall, value }) => [wall, value] as const)),
        marks: new Map(placed.flatMap(({ wall, mark }) => (mark === undefined ? [] : [[wall, mark] as const]))),
      };
    });
  return { lines, from: Date.parse(`${from}T00:00:00Z`), to: Date.parse(`${addDays(to, 1)}T00:00:00Z`) };
}

export interface QuantityRow {
  at: string;
  /** In the order of the series; undefined: this quantity says nothing of this instant. */
  cells: (SeriesValue | undefined)[];
}

/** A row for each instant of any of them, the newest first. */
export function rowsOf(series: readonly QuantitySeries[]): QuantityRow[] {
  const rows = new Map<string, QuantityRow>();
  series.forEach(({ values }, place) => {
    for (const value of values) {
      const row = rows.get(value.at) ?? { at: value.at, cells: [] };
      row.cells[place] = value;
      rows.set(value.at, row);
    }
  });
  return [...rows.values()].sort((a, b) => (a.at < b.at ? 1 : -1));
}
