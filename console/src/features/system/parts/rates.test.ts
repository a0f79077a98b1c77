// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { RateMeter, SHOWN_S } from "./rates";

describe("messages a second", () => {
  it("are a mean of the last seconds and forget what is older than is shown", () => {
    const meter = new RateMeter();
    meter.add(30);
    meter.add(20);
    expect(meter.tick()).toEqual([50]);
    for (let second = 0; second < 4; second += 1) meter.tick();
    expect(meter.tick().slice(-2)).toEqual([10, 0]);
    for (let second = 0; second < 2 * SHOWN_S; second += 1) meter.tick();
    expect(meter.tick()).toHaveLength(SHOWN_S);
  });
});
