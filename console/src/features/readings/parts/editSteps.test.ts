// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { decisionsOf, spanText } from "./editSteps";

describe("what a person may do with an edit", () => {
  it("approves what another wants, never what they want themselves", () => {
    expect(decisionsOf({ state: "pending", author_id: 1, newer: null } as never, 2)).toEqual(["approve", "reject"]);
    expect(decisionsOf({ state: "pending", author_id: 1, newer: null } as never, 1)).toEqual(["reject"]);
  });

  it("takes back only what lies on top and was applied", () => {
    expect(decisionsOf({ state: "applied", author_id: 1, newer: null } as never, 1)).toEqual(["undo"]);
    expect(decisionsOf({ state: "applied", author_id: 1, newer: 9 } as never, 1)).toEqual([]);
    expect(decisionsOf({ state: "rejected", author_id: 1, newer: null } as never, 2)).toEqual([]);
  });
});

describe("the span of an edit", () => {
  it("ends at 24:00 where the day does", () => {
    expect(spanText("00:00", "00:00")).toBe("00:00–24:00");
    expect(spanText("06:30", "07:00")).toBe("06:30–07:00");
  });
});
