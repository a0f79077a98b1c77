// SPDX-License-Identifier: Apache-2.0
// A report has two figures side by side: as it stood when the day was due, and as of now. What was due is what is judged.
import type { CollectionRow } from "./calls";

export type Figures = NonNullable<CollectionRow["as_due"]>;

/** As due where that was kept, else as of now. */
export const judged = (row: CollectionRow): Figures => row.as_due ?? row;

/** Millionths received so far, of all that will be asked for; null where nothing will. */
export function soFar(row: CollectionRow): number | null {
  const all = row.expected + row.not_due;
  return all === 0 ? null : Math.trunc((row.received * 1_000_000) / all);
}

/** Whether anything changed after the day was due. */
export const hasChanged = (row: CollectionRow): boolean => row.as_due !== null && (row.as_due.expected !== row.expected || row.as_due.received !== row.received);
