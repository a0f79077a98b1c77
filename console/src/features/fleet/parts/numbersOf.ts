// SPDX-License-Identifier: Apache-2.0
// Meter numbers as people paste them: from a column, with commas, one twice.
export function numbersOf(text: string): string[] {
  return [...new Set(text.split(/[\s,;，；、]+/).filter((part) => part !== ""))];
}
