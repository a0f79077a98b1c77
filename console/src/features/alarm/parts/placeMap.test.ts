// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { HEIGHT, placeMap, WIDTH } from "./placeMap";

const place = (area_id: number, members: number, latitude: number | null, longitude: number | null) => ({ area_id, members, latitude, longitude });

it("is no map where nobody has said where anything is", () => {
  expect(placeMap([])).toBeNull();
  expect(placeMap([place(1, 5, null, 114.3), place(2, 5, 30.5, null)])).toBeNull();
});
it("has north at the top and east on the right, and all of it within the picture", () => {
  const map = placeMap([place(1, 5, 30.5, 114.3), place(2, 20, 30.6, 114.4), place(3, 1, null, null)]);
  const [largest, other] = map?.spots ?? [];
  expect([largest?.area_id, other?.area_id]).toEqual([2, 1]);
  expect((largest?.x ?? 0) > (other?.x ?? 0) && (largest?.y ?? 0) < (other?.y ?? 0)).toBe(true);
  expect((largest?.radius ?? 0) > (other?.radius ?? 0)).toBe(true);
  for (const { x, y, radius } of map?.spots ?? []) expect(x - radius >= 0 && x + radius <= WIDTH && y - radius >= 0 && y + radius <= HEIGHT).toBe(true);
});
it("keeps distances: as far east as north is as far in the picture", () => {
  const spots = placeMap([place(1, 1, 30, 114), place(2, 1, 30.01, 114), place(3, 1, 30, 114 + 0.01 / Math.cos((30.005 * Math.PI) / 180))])?.spots ?? [];
  const of = (area: number) => spots.find((one) => one.area_id === area) ?? { x: 0, y: 0 };
  expect(of(1).y - of(2).y).toBeCloseTo(of(3).x - of(1).x, 6);
});
it("says its scale in a round number, for one place alone too", () => {
  const map = placeMap([place(1, 1, 30, 114)]);
  expect(map?.scale.metres).toBe(50);
  expect([map?.spots[0]?.x, map?.spots[0]?.y]).toEqual([WIDTH / 2, HEIGHT / 2]);
});
