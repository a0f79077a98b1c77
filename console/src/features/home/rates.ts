// SPDX-License-Identifier: Apache-2.0

/** Messages a second of all edges together; each node tells its own once a second. */
export function totalRate(nodes: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const rate of nodes.values()) sum += rate;
  return Math.round(sum * 10) / 10;
}
