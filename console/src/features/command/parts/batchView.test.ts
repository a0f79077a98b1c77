// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { actionsOf, groupsOf, numbersOf, percentEnded, sizesOf } from "./batchView";

describe("batches", () => {
  it("fill their groups in turn", () => {
    expect(groupsOf({ total: 200, groups: [1, 10, 100], released: 5 })).toEqual([{ size: 1, released: 1 }, { size: 10, released: 4 }, { size: 100, released: 0 }, { size: 89, released: 0 }]);
    expect(groupsOf({ total: 8, groups: [1, 10], released: 8 })).toEqual([{ size: 1, released: 1 }, { size: 7, released: 7 }]);
    expect(percentEnded({ total: 200, states: { confirmed: 198, failed: 1, sent: 1 } })).toBe(99);
  });
  it("can be steered as the server allows", () => {
    expect([actionsOf("drafted"), actionsOf("stopped"), actionsOf("done")]).toEqual([["start", "cancel"], ["resume", "cancel"], []]);
  });
  it("take group sizes and numbers as people write them", () => {
    expect([sizesOf("1, 10，100"), sizesOf(""), sizesOf("0"), sizesOf("1 2 3 4 5 6 7 8 9")]).toEqual([[1, 10, 100], [], null, null]);
    expect(numbersOf("\ufeffaddress,number\r\nx,\"0012\"\r\ny,'0013\r\ny,0012\r\n")).toEqual(["0012", "0013"]);
    expect(numbersOf("0012\n\n0013\n")).toEqual(["0012", "0013"]);
  });
});
