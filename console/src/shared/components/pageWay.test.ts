// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { cameFrom, rememberWay } from "./pageWay";

it("knows the page before, as far as this visit came by it", () => {
  rememberWay("/meters", "cursor", "b", "");
  rememberWay("/meters", "cursor", "c", "b");
  expect([cameFrom("/meters", "cursor", "c"), cameFrom("/meters", "cursor", "b"), cameFrom("/meters", "cursor", "")]).toEqual(["b", "", null]);
  expect([cameFrom("/alarms", "cursor", "c"), cameFrom("/meters", "cursor", "from a colleague")]).toEqual([null, null]);
});
