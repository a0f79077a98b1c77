// SPDX-License-Identifier: Apache-2.0
// A batch for the eye: its canary groups, how far each is, what a person may do with it; and the numbers of a file.
import type { Batch, BatchAction, BatchState } from "@/features/command/calls";
import { ENDS } from "./life";

export const MOST_NUMBERS = 100_000;

export interface Group {
  size: number;
  /** Meters of it that were given their command. */
  released: number;
}

/** 1, 10, 100, the rest; as `boundaries` of domain/command/batch.py. */
export function groupsOf(batch: Pick<Batch, "total" | "groups" | "released">): Group[] {
  const found: Group[] = [];
  let from = 0;
  for (const size of batch.groups) {
    if (from + size >= batch.total) break;
    found.push({ size, released: clamp(batch.released - from, size) });
    from += size;
  }
  const rest = batch.total - from;
  return [...found, { size: rest, released: clamp(batch.released - from, rest) }];
}

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(value, most));
}

/** Share of the meters whose command has ended, whole percent, never 100 before the last. */
export function percentEnded(batch: Pick<Batch, "total" | "states">): number {
  const ended = ENDS.reduce((sum, state) => sum + (batch.states[state] ?? 0), 0);
  return batch.total === 0 ? 0 : Math.trunc((ended * 100) / batch.total);
}

const ACTIONS: Record<BatchState, readonly BatchAction[]> = {
  drafted: ["start", "cancel"],
  running: ["pause", "cancel"],
  paused: ["resume", "cancel"],
  stopped: ["resume", "cancel"],
  done: [],
  cancelled: [],
};

export function actionsOf(state: BatchState): readonly BatchAction[] {
  return ACTIONS[state];
}

/** `1, 10, 100` → numbers; null where it is no list of up to eight sizes. */
export function sizesOf(text: string): number[] | null {
  const parts = text.split(/[\s,;，；]+/).filter((part) => part !== "");
  if (parts.length > 8 || parts.some((part) => !/^[1-9]\d{0,5}$/.test(part))) return null;
  return parts.map(Number).every((size) => size <= 100_000) ? parts.map(Number) : null;
}

/** Meter numbers of a list or CSV: the column headed number or 表号, else the first; each once, in the file's order. */
export function numbersOf(text: string): string[] {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/).map((line) => line.split(/[,;\t]/).map((cell) => cell.trim().replace(/^["']+|["']+$/g, "")));
  const head = lines[0]?.findIndex((cell) => /^(number|表号)$/i.test(cell)) ?? -1;
  const cells = (head >= 0 ? lines.slice(1) : lines).map((line) => line[Math.max(head, 0)] ?? "");
  return [...new Set(cells.filter((cell) => cell !== ""))];
}
