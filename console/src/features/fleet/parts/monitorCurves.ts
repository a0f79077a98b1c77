// SPDX-License-Identifier: Apache-2.0
// How the monitors of a page went: asked for again of those alone that said something since, for a curve costs far more than the newest values do.
import { shallowRef, watch } from "vue";
import { listMonitors, type MonitorRow } from "@/features/fleet/calls";

export interface KnownCurves {
  seen: string;
  hours: number;
  curves: MonitorRow["curves"];
}
type Curves = ReadonlyMap<number, KnownCurves>;

const seenOf = (row: MonitorRow): string => row.meter.state?.last_seen_at ?? "";

/** Ids of the monitors whose curves are not known as they are now. */
export function staleCurves(rows: readonly MonitorRow[], known: Curves, hours: number): number[] {
  return rows.filter((row) => {
    const there = known.get(row.meter.meter_id);
    return there === undefined || there.hours !== hours || there.seen !== seenOf(row);
  }).map((row) => row.meter.meter_id);
}

/** What is known with what came; of monitors that are not on the page any more nothing is kept. */
export function withCurves(known: Curves, came: readonly MonitorRow[], hours: number, shown: readonly MonitorRow[]): Curves {
  const there = new Set(shown.map((row) => row.meter.meter_id));
  const fresh = came.map((row) => [row.meter.meter_id, { seen: seenOf(row), hours, curves: row.curves }] as const);
  return new Map([...known, ...fresh].filter(([id]) => there.has(id)));
}

/** Curves by monitor, kept in step with the rows of a list that is asked for again by itself. */
export function useCurves(rows: () => readonly MonitorRow[], hours: () => number) {
  const known = shallowRef<Curves>(new Map());
  let isAsking = false;
  async function ask(): Promise<void> {
    const wanted = hours();
    const stale = staleCurves(rows(), known.value, wanted);
    if (isAsking || stale.length === 0) return;
    isAsking = true;
    try {
      const { items } = await listMonitors({ meters: stale.join(","), curve_h: wanted }, undefined);
      known.value = withCurves(known.value, items, wanted, rows());
    } catch {
      return; // the next turn of the list asks again; what is drawn stays
    } finally {
      isAsking = false;
    }
    if (wanted !== hours()) await ask();
  }
  watch([rows, hours], () => void ask(), { immediate: true });
  return (row: MonitorRow): MonitorRow["curves"] => {
    const there = known.value.get(row.meter.meter_id);
    return there === undefined || there.hours !== hours() ? [] : there.curves;
  };
}
