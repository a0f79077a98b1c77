// SPDX-License-Identifier: Apache-2.0
// One act for several rows of a list: each is its own act on the server, and one that is refused does not stop the others.

export interface EachOf<Key> {
  done: number;
  /** What did not happen, with the first reason of it. */
  failed: ReadonlySet<Key>;
  why: unknown;
}

/** Does `act` for each, one after the other; those of which it failed are told, never hidden in a sum. */
export async function eachOf<Row, Key>(rows: readonly Row[], keyOf: (row: Row) => Key, act: (row: Row) => Promise<unknown>): Promise<EachOf<Key>> {
  const failed = new Set<Key>();
  let why: unknown = null;
  for (const row of rows) {
    try {
      await act(row);
    } catch (error) {
      if (failed.size === 0) why = error;
      failed.add(keyOf(row));
    }
  }
  return { done: rows.length - failed.size, failed, why };
}

/** How it came out in one word: some of it missing is not done. */
export function cameOf({ done, failed }: { done: number; failed: ReadonlySet<unknown> }): "done" | "partly" | "failed" {
  return failed.size === 0 ? "done" : done === 0 ? "failed" : "partly";
}
