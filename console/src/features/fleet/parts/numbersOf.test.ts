// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { numbersOf } from "./numbersOf";

it("takes numbers apart however they were pasted, each once", () => {
  expect(numbersOf(" 12\n13,14；15、12\t16\n")).toEqual(["12", "13", "14", "15", "16"]);
  expect(numbersOf("  \n")).toEqual([]);
});
