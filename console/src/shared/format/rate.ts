// SPDX-License-Identifier: Apache-2.0

/** Hundredths of a percent as text: `9987` → `99.87%`. Never rounded up to a rate that was not reached. */
export function percentText(basisPoints: number): string {
  const whole = Math.trunc(basisPoints / 100);
  return `${String(whole)}.${String(basisPoints % 100).padStart(2, "0")}%`;
}
