// SPDX-License-Identifier: Apache-2.0
// The topology as the page works with it: columns as they came, with what the picture and the list ask often. Pure.
import type { Topology } from "@/features/network/calls";

export type NodeKind = Topology["kinds"][number];
export type NodeState = Topology["states"][number];

/** One node. `place`: in the columns; `head`: place of the gateway, concentrator or platform that it is behind, itself for one of these. */
export interface NetNode {
  place: number;
  kind: NodeKind;
  state: NodeState;
  number: string;
  name: string;
  key: number;
  parent: number;
  head: number;
}

export interface Net {
  count: number;
  nodes: readonly NetNode[];
  /** Places of the nodes behind each. */
  children: readonly (readonly number[])[];
  heads: readonly number[];
  lat: readonly (number | null)[];
  lon: readonly (number | null)[];
}

export function netOf(told: Topology): Net {
  const nodes: NetNode[] = [];
  const children: number[][] = told.kind.map(() => []);
  const heads: number[] = [];
  for (const [place, kind] of told.kind.entries()) {
    const parent = told.parent[place] ?? -1;
    const above = nodes[parent];
    nodes.push({
      place, parent, kind: told.kinds[kind] ?? "meter", state: told.states[told.state[place] ?? 1] ?? "unknown", number: told.number[place] ?? "",
      name: told.name[place] ?? "", key: told.key[place] ?? 0, head: above === undefined ? place : above.head,
    });
    if (above === undefined) heads.push(place);
    else children[parent]?.push(place);
  }
  return { count: nodes.length, nodes, children, heads, lat: told.lat_e7, lon: told.lon_e7 };
}

/** What a node is known by over two answers: places change, this does not. */
export const nameOf = (net: Net, node: NetNode): string => `${node.kind}/${String(net.nodes[node.head]?.key ?? 0)}/${node.number || String(node.key)}`;

/** Names of the nodes that fail by themselves. */
export function failedOf(net: Net): Set<string> {
  return new Set(net.nodes.filter((node) => node.state === "failed").map((node) => nameOf(net, node)));
}

/** How many of each state. */
export function tally(net: Net): Record<NodeState, number> {
  const found: Record<NodeState, number> = { well: 0, unknown: 0, failed: 0, cut_off: 0, warned: 0 };
  for (const node of net.nodes) found[node.state] += 1;
  return found;
}

export interface Wanted { text: string; kind: string; state: string; head: number | null }

/** Nodes that fit: failures first, as they are what is looked for. */
export function chosen(net: Net, wanted: Wanted): NetNode[] {
  const text = wanted.text.toLowerCase();
  const rank: Record<NodeState, number> = { failed: 0, cut_off: 1, warned: 2, unknown: 3, well: 4 };
  return net.nodes
    .filter((node) => (wanted.kind === "" || node.kind === wanted.kind) && (wanted.state === "" || node.state === wanted.state)
      && (wanted.head === null || node.head === wanted.head) && (text === "" || `${node.number} ${node.name}`.toLowerCase().includes(text)))
    .sort((a, b) => rank[a.state] - rank[b.state] || a.place - b.place);
}
