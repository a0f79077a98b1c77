// SPDX-License-Identifier: Apache-2.0
// From which page each page of a list was reached in this visit, and how many rows stand before it: a cursor knows only what comes after it.

const ways = new Map<string, { from: string; before: number | null }>();
const key = (path: string, place: string, cursor: string): string => `${path} ${place} ${cursor}`;

/** `rows`: of the page that is left. */
export function rememberWay(path: string, place: string, to: string, from: string, rows = 0): void {
  if (to === "") return;
  const before = rowsBefore(path, place, from);
  ways.set(key(path, place, to), { from, before: before === null ? null : before + rows });
}

/** Cursor of the page before, '' for the first; null where this visit did not come by it. */
export function cameFrom(path: string, place: string, cursor: string): string | null {
  return cursor === "" ? null : (ways.get(key(path, place, cursor))?.from ?? null);
}

/** Rows of the pages before this one; null where this visit did not come by them all. */
export function rowsBefore(path: string, place: string, cursor: string): number | null {
  return cursor === "" ? 0 : (ways.get(key(path, place, cursor))?.before ?? null);
}
