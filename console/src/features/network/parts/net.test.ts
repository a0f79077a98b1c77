// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { Topology } from "@/features/network/calls";
import { graph, nearest, onMap } from "./layout";
import { chosen, failedOf, nameOf, netOf, tally, type Net } from "./net";
import { centred, fitted, moved, ruler, zoomed } from "./view";

const KINDS: Topology["kinds"] = ["platform", "gateway", "concentrator", "dtu", "terminal", "relay", "meter"];
const STATES: Topology["states"] = ["well", "unknown", "failed", "cut_off", "warned"];

/** Gateways with four relays each and meters in turn behind the gateway and its relays. */
function town(gateways: number, meters: number, placed = false): Topology {
  const told: Topology = { at: "2026-01-01T00:00:00Z", kinds: KINDS, states: STATES, kind: [], parent: [], key: [], number: [], name: [], state: [], lat_e7: [], lon_e7: [], left_out: 0 };
  const add = (kind: string, parent: number, key: number, number: string, at: number | null): number => {
    told.kind.push(KINDS.indexOf(kind as "meter"));
    told.parent.push(parent);
    told.key.push(key);
    told.number.push(number);
    told.name.push("");
    told.state.push(0);
    told.lat_e7.push(at === null ? null : 310_000_000 + at * 1_000);
    told.lon_e7.push(at === null ? null : 1_210_000_000 - at * 1_000);
    return told.kind.length - 1;
  };
  for (let gateway = 0; gateway < gateways; gateway++) {
    const head = add("gateway", -1, gateway + 1, `9${String(gateway)}`, placed ? gateway : null);
    const ways = [head, ...[1, 2, 3, 4].map((relay) => add("relay", head, relay, String(relay), null))];
    for (let meter = 0; meter < meters; meter++) add("meter", ways[meter % ways.length] ?? head, 1000 * gateway + meter + 1, `${String(gateway)}-${String(meter)}`, placed && meter === 0 ? gateway + 500 : null);
  }
  return told;
}
const placeOf = (net: Net, number: string): number => net.nodes.find((node) => node.number === number)?.place ?? -1;

describe("the network", () => {
  it("knows who is behind whom and finds failures first", () => {
    const told = town(2, 10);
    told.state[1] = STATES.indexOf("failed");
    told.state[6] = STATES.indexOf("cut_off");
    const net = netOf(told);
    expect(net.count).toBe(30);
    expect(net.heads).toEqual([0, 15]);
    expect(net.children[0]).toHaveLength(6);
    expect(net.nodes.filter((node) => node.head === 15)).toHaveLength(15);
    expect(tally(net)).toEqual({ well: 28, unknown: 0, failed: 1, cut_off: 1, warned: 0 });
    expect([...failedOf(net)]).toEqual(["relay/1/1"]);
    const all = chosen(net, { text: "", kind: "", state: "", head: null });
    expect(all.slice(0, 2).map((node) => node.state)).toEqual(["failed", "cut_off"]);
    expect(chosen(net, { text: "1-3", kind: "meter", state: "well", head: 15 }).map((node) => node.number)).toEqual(["1-3"]);
    expect(new Set(net.nodes.map((node) => nameOf(net, node))).size).toBe(net.count);
  });

  it("draws 10,000 nodes so that no two lie on each other, the same each time", () => {
    const net = netOf(town(95, 100));
    expect(net.count).toBe(9_975);
    const one = graph(net), two = graph(net);
    expect([...one.x]).toEqual([...two.x]);
    const cells = new Map<string, number[]>();
    for (let place = 0; place < net.count; place++) {
      const x = one.x[place] ?? 0, y = one.y[place] ?? 0;
      expect(x >= 0 && y >= 0 && x <= one.width && y <= one.height).toBe(true);
      const key = `${String(Math.floor(x / 10))} ${String(Math.floor(y / 10))}`;
      for (const other of cells.get(key) ?? []) expect(Math.hypot((one.x[other] ?? 0) - x, (one.y[other] ?? 0) - y)).toBeGreaterThan(4);
      cells.set(key, [...(cells.get(key) ?? []), place]);
    }
    const place = placeOf(net, "40-50");
    expect(nearest(one, (one.x[place] ?? 0) + 1, one.y[place] ?? 0, 3)).toBe(place);
    expect(nearest(one, -500, -500, 20)).toBe(null);
  });

  it("stands on the map where it is said to be, and who is nowhere stands around its parent", () => {
    expect(onMap(netOf(town(3, 5)))).toBe(null);
    const net = netOf(town(3, 5, true));
    const map = onMap(net);
    const meter = placeOf(net, "0-0"), stray = placeOf(net, "0-1");
    expect(map?.known[meter]).toBe(1);
    expect(map?.known[stray]).toBe(0);
    const at = (place: number): [number, number] => [map?.x[place] ?? 0, map?.y[place] ?? 0];
    const parent = net.nodes[stray]?.parent ?? -1;
    expect(Math.hypot(at(stray)[0] - at(parent)[0], at(stray)[1] - at(parent)[1])).toBeLessThan(60);
    expect(at(0)[1] - at(meter)[1]).toBeCloseTo(500 * 1_000 * 0.011119, -1); // 1e-7 degrees of latitude are 11.1 mm; north is up
  });

  it("is looked at through a window", () => {
    const view = fitted(1000, 500, 500, 500);
    expect(view.scale).toBeCloseTo(0.47);
    const closer = zoomed(view, 2, 100, 200);
    expect(100 / closer.scale + closer.x).toBeCloseTo(100 / view.scale + view.x);
    expect(moved(closer, 10, 0).x).toBeCloseTo(closer.x - 10 / closer.scale);
    const middle = centred(view, 300, 200, 500, 500, 1);
    expect([(300 - middle.x) * middle.scale, (200 - middle.y) * middle.scale]).toEqual([250, 250]);
    expect(ruler(0.47)).toEqual({ metres: 200, width: 94 });
  });
});
