// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them, everywhere the same: groups of three by a thin space, a point before decimals, a real minus.
// The browser's own format would be another on every computer.
import { decimalText } from "./volume";

/** A count: `20000` → `20 000` with a thin space; numbers in text from the server the same. */
export function countText(count: number | string): string {
  return decimalText(String(count));
}

/** With so many decimals, rounded: `1234.56`, 1 → `1 234.6`. For what is measured or averaged, never for volume or money. */
export function roundedText(value: number, decimals: number): string {
  return decimalText(value.toFixed(decimals));
}

/** Milliseconds as seconds with one decimal: `2049` → `2.0 s`. */
export function secondsText(ms: number): string {
  return `${roundedText(ms / 1000, 1)} s`;
}
