// SPDX-License-Identifier: Apache-2.0
// How fast the stores grow, from the hourly samples and what they hold now.

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface Sample {
  at: string;
  bytes: number;
}

export type Growth = { kind: "young" } | { kind: "since"; at: string; bytes: number } | { kind: "perDay"; bytes: number };

/** Bytes a day over the samples; less than a day is told as it is, not multiplied up. Compaction may make it negative. */
export function growthOf(samples: readonly Sample[], heldNow: number, now: number): Growth {
  const first = samples[0];
  const span = first === undefined ? 0 : now - Date.parse(first.at);
  if (first === undefined || span < HOUR_MS) return { kind: "young" };
  const grown = heldNow - first.bytes;
  return span < DAY_MS ? { kind: "since", at: first.at, bytes: grown } : { kind: "perDay", bytes: Math.round((grown * DAY_MS) / span) };
}

/** Sums of what belongs together: `clickhouse.frame` and `clickhouse.signal` are both ClickHouse. Largest first. */
export function byEngine(storage: Readonly<Record<string, number>>): { name: string; bytes: number }[] {
  const sums = new Map<string, number>();
  for (const [name, bytes] of Object.entries(storage)) {
    const engine = name.split(".")[0] ?? name;
    sums.set(engine, (sums.get(engine) ?? 0) + bytes);
  }
  return [...sums].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => b.bytes - a.bytes);
}
