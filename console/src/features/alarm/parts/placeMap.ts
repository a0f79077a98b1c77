// SPDX-License-Identifier: Apache-2.0
// Where the members of a group are, as a picture: areas at their position, north at the top, sized by how many are there. No tiles: nothing of a
// storm is told to a server of maps, and the picture is there without the internet. Pure.

export interface MapPlace {
  area_id: number;
  members: number;
  latitude: number | null;
  longitude: number | null;
}

export interface Spot {
  area_id: number;
  members: number;
  x: number;
  y: number;
  radius: number;
}

export interface PlaceMap {
  spots: Spot[];
  /** What so many pixels are, in metres. */
  scale: { metres: number; length: number };
}

export const WIDTH = 480;
export const HEIGHT = 280;
const EDGE = 36;
const LEAST = 5;
const MOST = 26;
const METRES_A_DEGREE = 111_195; // of a great circle on a sphere of 6,371 km
const LEAST_M = 200; // one place alone is drawn in its neighbourhood

/** Null where nobody has said where any of them are. The largest come first, so that small ones are drawn over them. */
export function placeMap(places: readonly MapPlace[]): PlaceMap | null {
  const known = places.filter((one): one is MapPlace & { latitude: number; longitude: number } => one.latitude !== null && one.longitude !== null);
  if (known.length === 0) return null;
  const middle = (Math.min(...known.map((one) => one.latitude)) + Math.max(...known.map((one) => one.latitude))) / 2;
  const east = Math.cos((middle * Math.PI) / 180) * METRES_A_DEGREE;
  const metres = known.map((one) => ({ ...one, e: one.longitude * east, n: one.latitude * METRES_A_DEGREE }));
  const [left, right] = [Math.min(...metres.map((one) => one.e)), Math.max(...metres.map((one) => one.e))];
  const [low, high] = [Math.min(...metres.map((one) => one.n)), Math.max(...metres.map((one) => one.n))];
  const pixel = Math.max((right - left) / (WIDTH - 2 * EDGE), (high - low) / (HEIGHT - 2 * EDGE), LEAST_M / (WIDTH - 2 * EDGE)); // metres of one
  const most = Math.max(...known.map((one) => one.members));
  const spots = metres.map(({ area_id, members, e, n }) => ({
    area_id,
    members,
    x: WIDTH / 2 + (e - (left + right) / 2) / pixel,
    y: HEIGHT / 2 - (n - (low + high) / 2) / pixel,
    radius: LEAST + (MOST - LEAST) * Math.sqrt(members / most),
  }));
  const round = roundBelow((WIDTH / 4) * pixel);
  return { spots: spots.sort((one, other) => other.members - one.members), scale: { metres: round, length: round / pixel } };
}

/** 1, 2 or 5 times a power of ten. */
function roundBelow(metres: number): number {
  const power = 10 ** Math.floor(Math.log10(metres));
  return power * ([5, 2, 1].find((one) => one * power <= metres) ?? 1);
}
