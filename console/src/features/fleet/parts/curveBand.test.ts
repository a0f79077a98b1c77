// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { curveBand } from "./curveBand";

const HOUR = 3_600_000;
const part = (hour: number, low: number, high = low) => ({ at: new Date(hour * HOUR).toISOString(), low, high });

it("reaches from the lowest to the highest value, and lies where its instants are", () => {
  const band = curveBand([part(0, 10, 20), part(2, 15), part(4, 30)], 0, 4 * HOUR, 100, 44, 3 * HOUR);
  expect([band.low, band.high]).toEqual([10, 30]);
  expect(band.path).toBe("M0.0 22.0L50.0 32.0L100.0 2.0L100.0 2.0L50.0 32.0L0.0 42.0Z");
});

it("breaks where nothing was said for long", () => {
  const band = curveBand([part(0, 1), part(1, 2), part(9, 3)], 0, 10 * HOUR, 100, 44, 2 * HOUR);
  expect(band.path.match(/M/g)).toHaveLength(2);
});

it("is nothing without values, and a line in the box where all are equal", () => {
  expect(curveBand([], 0, HOUR, 100, 44, HOUR).path).toBe("");
  expect(curveBand([part(0, 5), part(1, 5)], 0, HOUR, 100, 44, HOUR).path).toBe("M0.0 42.0L100.0 42.0L100.0 42.0L0.0 42.0Z");
});
