// SPDX-License-Identifier: Apache-2.0

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Decimal multiples, three digits: `1234567` → `1.23 MB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? String(value) : value.toPrecision(3)} ${UNITS[unit] ?? ""}`;
}
