// SPDX-License-Identifier: Apache-2.0

/** Pairs of digits of a hex text: `0aff` → `["0a", "ff"]`. */
export function hexBytes(hex: string): string[] {
  return hex.match(/../g) ?? [];
}
