// SPDX-License-Identifier: Apache-2.0
// Where a frame is wrong, from what the driver says of each field.
import type { TracedField } from "@/api/types";
import type { FrameTrace } from "@/features/fleet/calls";

export type HexFault = { kind: "nothing" } | { kind: "odd" } | { kind: "notHex"; at: number; found: string };

/** What keeps a pasted text from being bytes; null when it is. `at` counts characters from 1, as a person does. */
export function hexFault(text: string): HexFault | null {
  let digits = 0;
  let at = 0;
  for (const letter of text) {
    at += 1;
    if (/\s/.test(letter)) continue;
    if (!/[0-9a-f]/i.test(letter)) return { kind: "notHex", at, found: letter };
    digits += 1;
  }
  if (digits === 0) return { kind: "nothing" };
  return digits % 2 === 0 ? null : { kind: "odd" };
}

export type TraceFault =
  | { kind: "wrong"; field: TracedField; index: number }
  | { kind: "unread"; offset: number }
  | { kind: "short"; offset: number };

/**
 * The first fault, by offset: a field the driver calls wrong, bytes that no field reads, or an end before any check sum.
 * Null says that every byte was read and the sum is right; whether a value is acceptable (BCD digits, ranges, known
 * kinds) the trace does not tell.
 */
export function traceFault(trace: FrameTrace): TraceFault | null {
  const inOrder = trace.fields.map((field, index) => ({ field, index })).sort((a, b) => a.field.offset - b.field.offset);
  let end = 0;
  let summed = false;
  for (const { field, index } of inOrder) {
    if (field.offset > end || field.name === "surplus") return { kind: "unread", offset: end };
    if (field.value.startsWith("wrong")) return { kind: "wrong", field, index };
    if (/^(crc|checksum)$/.test(field.name)) summed = true;
    end = Math.max(end, field.offset + field.length);
  }
  if (end < trace.length) return { kind: "unread", offset: end };
  return summed ? null : { kind: "short", offset: end };
}
