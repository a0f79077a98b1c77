// SPDX-License-Identifier: Apache-2.0
// Volumes are integer counts of 10^exponent m³. They are written by moving the point in the text, never by dividing:
// a register must look on the screen exactly as the meter sent it.

import { grouped, isCommaDecimal } from "./grouping";

/** `12345, -3` → `12.345`; groups of three before the point. */
export function volumeText(count: number | bigint, exponent = -3): string {
  const digits = BigInt(count);
  const sign = digits < 0n ? "−" : "";
  const magnitude = (digits < 0n ? -digits : digits).toString();
  if (exponent >= 0) return sign + grouped(magnitude + "0".repeat(magnitude === "0" ? 0 : exponent));
  const places = -exponent;
  const padded = magnitude.padStart(places + 1, "0");
  return `${sign}${grouped(padded.slice(0, -places))}.${padded.slice(-places)}`;
}

/** Groups the digits of a decimal text as the API sends it (`"1234.567"`). */
export function decimalText(text: string): string {
  const [whole = "", fraction] = text.replace("-", "").split(".");
  const sign = text.startsWith("-") ? "−" : "";
  return sign + grouped(whole) + (fraction === undefined ? "" : `.${fraction}`);
}

/** The count of 10^exponent m³ that a person's text means (`1.5`, `1,5`, −3 → 1500); null for anything but such a number ≥ 0, and for a comma
 *  where the person writes thousands with it. */
export function countOf(text: string, exponent: number): number | null {
  const match = /^(\d{1,9})(?:[.,](\d+))?$/.exec(text.trim());
  if (match === null || (text.includes(",") && !isCommaDecimal())) return null;
  const places = Math.max(0, -exponent);
  const fraction = (match[2] ?? "").replace(/0+$/, "");
  if (fraction.length > places) return null;
  const digits = (match[1] ?? "") + fraction.padEnd(places, "0");
  if (exponent <= 0) return Number(digits);
  return digits.endsWith("0".repeat(exponent)) ? Number(digits.slice(0, -exponent)) : null;
}

/** Tenths of a dB or dBm: `-1053` → `−105.3`. */
export function tenthsText(value: number): string {
  const magnitude = Math.abs(value);
  return `${value < 0 ? "−" : ""}${String(Math.trunc(magnitude / 10))}.${String(magnitude % 10)}`;
}
