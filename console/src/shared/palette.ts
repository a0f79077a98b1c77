// SPDX-License-Identifier: Apache-2.0
// What the box at the top can lead to besides meters: pages, and acts of the frame. The app says which there are for the person; the box finds
// them by words of either language.
import type { ComputedRef, InjectionKey } from "vue";

export interface PaletteEntry {
  key: string;
  text: string;
  /** Words it is found by beside its text, such as its title in the other language. */
  also: string;
  run: () => unknown;
}

export const PALETTE: InjectionKey<ComputedRef<readonly PaletteEntry[]>> = Symbol("palette");
const MOST = 6;

/** Entries in which every word of the text occurs, those that begin with it first. */
export function foundIn(entries: readonly PaletteEntry[], text: string): readonly PaletteEntry[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return [];
  const whole = words.join(" ");
  const hits = entries.filter((entry) => {
    const within = `${entry.text} ${entry.also}`.toLowerCase();
    return words.every((word) => within.includes(word));
  });
  const begins = (entry: PaletteEntry): number => ([entry.text, ...entry.also.split("\n")].some((one) => one.toLowerCase().startsWith(whole)) ? 0 : 1);
  return [...hits].sort((a, b) => begins(a) - begins(b)).slice(0, MOST);
}
