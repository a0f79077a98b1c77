// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { actOf, fenOf } from "./actForm";

describe("an amount", () => {
  it("is whole fen of what was typed, or none", () => {
    expect(["5", "5.1", "0.01", "5,10"].map((text) => fenOf(text))).toEqual([500, 510, 1, 510]);
    for (const text of ["", "0", "0.00", "5.001", "-5", "1e3", "五"]) expect(fenOf(text), text).toBeNull();
    expect([fenOf("-5", true), fenOf("−0.5", true)]).toEqual([-500, -50]);
  });
});

describe("an act", () => {
  const lines = { kind: "refund" as const, account: "7", yuan: "5", channel: "cash", entry: "" };
  it("says what its kind needs and nothing else", () => {
    expect(actOf(lines, "k")).toEqual({ key: "k", kind: "refund", account_id: 7, fen: 500, channel: "cash" });
    expect(actOf({ ...lines, kind: "adjustment", yuan: "-5" }, "k")).toEqual({ key: "k", kind: "adjustment", account_id: 7, fen: -500 });
    expect(actOf({ ...lines, kind: "reversal", entry: "12" }, "k")).toEqual({ key: "k", kind: "reversal", reverses: 12 });
  });
  it("is none while something is lacking", () => {
    for (const wrong of [{ account: "" }, { account: "x" }, { yuan: "-5" }, { kind: "reversal" as const }]) expect(actOf({ ...lines, ...wrong }, "k")).toBeNull();
  });
});
