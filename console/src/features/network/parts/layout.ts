// SPDX-License-Identifier: Apache-2.0
// Where each node is drawn, in units of the picture. Pure, and the same for the same network: a picture that jumps cannot be read.
import type { Net } from "./net";

export interface Layout {
  x: Float64Array;
  y: Float64Array;
  /** 1 where a person or the book said where it is; in the graph everywhere. */
  known: Uint8Array;
  width: number;
  height: number;
}

const STEP = 7; // between two meters
const GOLDEN = Math.PI * (3 - Math.sqrt(5));
const EARTH_M = 6_371_000;
const AROUND_M = 12; // between two of which nobody said where they are

/** Radius of the disc that so many fill as the seeds of a sunflower. */
const disc = (count: number, inner: number): number => inner + STEP * Math.sqrt(count);

function sunflower(places: readonly number[], x: number, y: number, inner: number, step: number, out: Layout): void {
  for (const [seed, place] of places.entries()) {
    const radius = inner + step * Math.sqrt(seed + 0.5);
    out.x[place] = x + radius * Math.cos(seed * GOLDEN);
    out.y[place] = y + radius * Math.sin(seed * GOLDEN);
  }
}

interface Cluster { head: number; direct: number[]; relays: number[]; inner: number; ring: number; outer: number; radius: number }

function clusterOf(net: Net, head: number): Cluster {
  const below = net.children[head] ?? [];
  const relays = below.filter((place) => net.nodes[place]?.kind === "relay");
  const direct = below.filter((place) => net.nodes[place]?.kind !== "relay");
  const inner = disc(direct.length, 12);
  const outer = Math.max(0, ...relays.map((relay) => disc(net.children[relay]?.length ?? 0, 10)));
  const round = relays.length > 1 ? outer / Math.sin(Math.PI / relays.length) : 0; // so that the relays' discs do not meet
  const ring = relays.length > 0 ? Math.max(inner + outer + STEP, round) : 0;
  return { head, direct, relays, inner, ring, outer, radius: Math.max(inner, ring + outer) + 2 * STEP };
}

/** A cluster for each gateway: itself, its meters around it, its relays on a ring with their meters around them; clusters in rows. */
export function graph(net: Net): Layout {
  const out: Layout = { x: new Float64Array(net.count), y: new Float64Array(net.count), known: new Uint8Array(net.count).fill(1), width: 0, height: 0 };
  const clusters = net.heads.map((head) => clusterOf(net, head));
  const area = clusters.reduce((sum, one) => sum + (2 * one.radius) ** 2, 0);
  const most = Math.max(Math.sqrt(area) * 1.4, ...clusters.map((one) => 2 * one.radius));
  let left = 0, top = 0, high = 0;
  for (const one of clusters) {
    if (left > 0 && left + 2 * one.radius > most) { top += high; left = 0; high = 0; }
    const x = left + one.radius, y = top + one.radius;
    out.x[one.head] = x;
    out.y[one.head] = y;
    sunflower(one.direct, x, y, 12, STEP, out);
    for (const [place, relay] of one.relays.entries()) {
      const angle = (2 * Math.PI * place) / one.relays.length - Math.PI / 2;
      const rx = x + one.ring * Math.cos(angle), ry = y + one.ring * Math.sin(angle);
      out.x[relay] = rx;
      out.y[relay] = ry;
      sunflower(net.children[relay] ?? [], rx, ry, 10, STEP, out);
    }
    left += 2 * one.radius;
    high = Math.max(high, 2 * one.radius);
    out.width = Math.max(out.width, left);
  }
  out.height = top + high;
  return out;
}

/** By coordinates, in metres on a plane at the network's middle; whoever has none stands around the one it is behind. Null: none has any. */
export function onMap(net: Net): Layout | null {
  const lats = net.lat.filter((value): value is number => value !== null);
  const lons = net.lon.filter((value): value is number => value !== null);
  if (lats.length === 0) return null;
  const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b));
  const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b));
  const west = least(lons), north = most(lats);
  const radian = Math.PI / 180 / 1e7;
  const shrink = Math.cos(((north + least(lats)) / 2) * radian);
  const out: Layout = { x: new Float64Array(net.count), y: new Float64Array(net.count), known: new Uint8Array(net.count), width: 0, height: 0 };
  let lost = 0;
  for (const node of net.nodes) {
    const lat = net.lat[node.place] ?? null, lon = net.lon[node.place] ?? null;
    if (lat !== null && lon !== null) {
      out.x[node.place] = (lon - west) * radian * EARTH_M * shrink;
      out.y[node.place] = (north - lat) * radian * EARTH_M;
      out.known[node.place] = 1;
    } else if (node.parent < 0) { // a gateway of which nobody said where it is: above the map, in a row
      out.x[node.place] = lost++ * 20 * AROUND_M;
      out.y[node.place] = -20 * AROUND_M;
    }
  }
  for (const [parent, below] of net.children.entries()) { // parents stand before their children
    const stray = below.filter((place) => out.known[place] === 0);
    sunflower(stray, out.x[parent] ?? 0, out.y[parent] ?? 0, 2 * AROUND_M, AROUND_M, out);
  }
  out.width = Math.max(200, most([...out.x]));
  out.height = Math.max(200, most([...out.y]));
  return out;
}

/** The node nearest to a point, within `reach`; null: none. */
export function nearest(layout: Layout, x: number, y: number, reach: number): number | null {
  let found: number | null = null, best = reach * reach;
  for (let place = 0; place < layout.x.length; place++) {
    const far = ((layout.x[place] ?? 0) - x) ** 2 + ((layout.y[place] ?? 0) - y) ** 2;
    if (far <= best) { best = far; found = place; }
  }
  return found;
}
