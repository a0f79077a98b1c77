// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { sortedReasons } from "./terminalReasons";

describe("reasons", () => {
  it("are sorted by count, then by name", () => {
    expect(sortedReasons({ wrong_key: 1, cloned: 4, message_flood: 1 }).map((reason) => reason.kind)).toEqual(["cloned", "message_flood", "wrong_key"]);
  });
});
