// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { cameFrom, rememberWay, rowsBefore } from "./pageWay";

it("knows the page before, as far as this visit came by it", () => {
  rememberWay("/meters", "cursor", "b", "");
  rememberWay("/meters", "cursor", "c", "b");
  expect([cameFrom("/meters", "cursor", "c"), cameFrom("/meters", "cursor", "b"), cameFrom("/meters", "cursor", "")]).toEqual(["b", "", null]);
  expect([cameFrom("/alarms", "cursor", "c"), cameFrom("/meters", "cursor", "from a colleague")]).toEqual([null, null]);
});

it("knows how many rows stand before, as far as this visit came by them", () => {
  rememberWay("/gaps", "cursor", "b", "", 50);
  rememberWay("/gaps", "cursor", "c", "b", 50);
  rememberWay("/gaps", "cursor", "e", "from a colleague", 50);
  expect(["", "b", "c", "e", "d"].map((cursor) => rowsBefore("/gaps", "cursor", cursor))).toEqual([0, 50, 100, null, null]);
});
