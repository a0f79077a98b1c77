// SPDX-License-Identifier: Apache-2.0
// A key names one intention: sent again, it means the same command and has no second effect.

/** 32 hex digits behind the word. `crypto.randomUUID` is not there on plain HTTP; `getRandomValues` is. */
export function freshKey(word: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `${word}-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
