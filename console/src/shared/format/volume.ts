// SPDX-License-Identifier: Apache-2.0
// Volumes are integer counts of 10^exponent m³. They are written by moving the point in the text, never by dividing:
// a register must look on the screen exactly as the meter sent it.

const THIN = "\u202f";

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

function grouped(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+$)/g, THIN);
}

/** Tenths of a dB or dBm: `-1053` → `−105.3`. */
export function tenthsText(value: number): string {
  const magnitude = Math.abs(value);
  return `${value < 0 ? "−" : ""}${String(Math.trunc(magnitude / 10))}.${String(magnitude % 10)}`;
}
