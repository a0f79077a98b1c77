// SPDX-License-Identifier: Apache-2.0
// From which page each page of a list was reached in this visit: a cursor knows only what comes after it.

const ways = new Map<string, string>();
const key = (path: string, place: string, cursor: string): string => `${path} ${place} ${cursor}`;

export function rememberWay(path: string, place: string, to: string, from: string): void {
  if (to !== "") ways.set(key(path, place, to), from);
}

/** Cursor of the page before, '' for the first; null where this visit did not come by it. */
export function cameFrom(path: string, place: string, cursor: string): string | null {
  return cursor === "" ? null : (ways.get(key(path, place, cursor)) ?? null);
}
