// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { cameOf, eachOf } from "./eachOf";

it("does the rest where one is refused, and says which were and why", async () => {
  const acted: number[] = [];
  const result = await eachOf([1, 2, 3, 4], (row) => `row ${String(row)}`, (row) => {
    acted.push(row);
    return row % 2 === 0 ? Promise.reject(new Error(`no ${String(row)}`)) : Promise.resolve();
  });
  expect(acted).toEqual([1, 2, 3, 4]);
  expect([result.done, [...result.failed], (result.why as Error).message]).toEqual([2, ["row 2", "row 4"], "no 2"]);
  expect(cameOf(result)).toBe("partly");
  expect(cameOf(await eachOf([1], String, () => Promise.reject(new Error("no"))))).toBe("failed");
  expect(cameOf(await eachOf([1], String, () => Promise.resolve()))).toBe("done");
});
