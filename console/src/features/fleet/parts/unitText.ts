// SPDX-License-Identifier: Apache-2.0

/** The unit volumes are counted in: `-3` → `0.001 m³`, `0` → `1 m³`. */
export function unitText(exponent: number): string {
  return `${exponent >= 0 ? `1${"0".repeat(exponent)}` : (10 ** exponent).toFixed(-exponent)} m³`;
}
