// SPDX-License-Identifier: Apache-2.0
// Coordinates as people read and type them; the API keeps whole 10⁻⁷ degrees. The point is moved in the text: no float in between.

export function degreesText(e7: number): string {
  const digits = String(Math.abs(e7)).padStart(8, "0");
  return `${e7 < 0 ? "-" : ""}${digits.slice(0, -7)}.${digits.slice(-7)}`;
}

/** null: empty; undefined: no number of degrees with at most seven decimals. */
export function degreesOf(text: string, most: number): number | null | undefined {
  const typed = text.trim().replace("−", "-");
  if (typed === "") return null;
  const found = /^(-?)(\d{1,3})(?:\.(\d{0,7}))?$/.exec(typed);
  if (found === null) return undefined;
  const e7 = Number(`${found[2] ?? ""}${(found[3] ?? "").padEnd(7, "0")}`);
  if (e7 > most * 1e7) return undefined;
  return found[1] === "-" ? 0 - e7 : e7;
}

export interface TypedPlace {
  lat: string;
  lon: string;
}

/** Whether stored coordinates go into the form. What was typed over those last shown stays: another datum brings the old place again. */
export function isFilledAnew(typed: TypedPlace, shown: TypedPlace, isAnotherRevision: boolean): boolean {
  return isAnotherRevision || (typed.lat === shown.lat && typed.lon === shown.lon);
}
