// SPDX-License-Identifier: Apache-2.0
// How a quantity went, as a band between its lowest and its highest value of each part of the time: no peak is lost for want of room.

export interface CurvePart { at: string; low: number; high: number }

export interface Band {
  /** SVG path of the band, closed; '' without parts. */
  path: string;
  low: number;
  high: number;
}

const EDGE = 2;

/** The band over a box from instant `from` to `to` (ms); the lowest value of all at its bottom. Less than `gapMs` apart, parts belong together. */
export function curveBand(parts: readonly CurvePart[], from: number, to: number, width: number, height: number, gapMs: number): Band {
  const low = Math.min(...parts.map((part) => part.low));
  const high = Math.max(...parts.map((part) => part.high));
  const x = (at: number) => (((at - from) / Math.max(1, to - from)) * width).toFixed(1);
  const y = (value: number) => (height - EDGE - ((value - low) / Math.max(1e-9, high - low)) * (height - 2 * EDGE)).toFixed(1);
  const stretches: CurvePart[][] = [];
  let before = -Infinity;
  for (const part of parts) {
    const at = Date.parse(part.at);
    if (at - before > gapMs) stretches.push([]);
    stretches.at(-1)?.push(part);
    before = at;
  }
  const path = stretches.map((listed) => {
    const there = listed.map((part) => `${x(Date.parse(part.at))} ${y(part.high)}`);
    const back = listed.map((part) => `${x(Date.parse(part.at))} ${y(part.low)}`).reverse();
    return `M${[...there, ...back].join("L")}Z`;
  }).join("");
  return { path, low, high };
}
