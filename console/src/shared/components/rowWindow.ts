// SPDX-License-Identifier: Apache-2.0

/** The rows to draw of a long list: those in view and some on either side. `last` is exclusive. */
export function rowWindow(count: number, rowHeight: number, top: number, height: number, spare = 10): { first: number; last: number } {
  const first = Math.max(0, Math.min(count, Math.floor(top / rowHeight)) - spare);
  const last = Math.min(count, Math.ceil((top + height) / rowHeight) + spare);
  return { first, last: Math.max(first, last) };
}
