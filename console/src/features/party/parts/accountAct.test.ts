// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { allowed, isWhole } from "./accountAct";

describe("acts of an account", () => {
  it("are offered where they are not refused", () => {
    expect(allowed({ customer_id: null, closed_at: null })).toEqual(["move_in", "split", "merge", "close"]);
    expect(allowed({ customer_id: 4, closed_at: null })).toEqual(["transfer", "move_out", "split", "merge"]);
    expect(allowed({ customer_id: null, closed_at: "2026-01-01T00:00:00Z" })).toEqual([]);
  });
  it("are whole with what each needs", () => {
    const lines = { customer: "", number: "", at: "" };
    expect((["move_in", "transfer", "split", "merge"] as const).map((kind) => isWhole({ ...lines, kind }))).toEqual([false, false, false, false]);
    expect((["move_out", "close"] as const).map((kind) => isWhole({ ...lines, kind }))).toEqual([true, true]);
    expect(isWhole({ ...lines, kind: "transfer", customer: "4" })).toBe(true);
    expect(isWhole({ ...lines, kind: "merge", number: "A-1" })).toBe(true);
  });
});
