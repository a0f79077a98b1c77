// SPDX-License-Identifier: Apache-2.0

/** Millionths as percent with two places: `998765` → `99.87%`. Never rounded up to a rate that was not reached. */
export function percentText(millionths: number): string {
  const hundredths = Math.trunc(millionths / 100);
  return `${String(Math.trunc(hundredths / 100))}.${String(hundredths % 100).padStart(2, "0")}%`;
}
