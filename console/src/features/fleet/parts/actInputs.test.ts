// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { KINDS, actFrom, emptyAct, fieldsOf, isWhole, kindOf } from "@/features/fleet/parts/actInputs";

describe("an act on a meter", () => {
  it("is whole when all is there that it needs, registers as numbers", () => {
    for (const kind of KINDS) expect(isWhole(kind, emptyAct("1")), kind).toBe(false);
    const form = { ...emptyAct("1"), newNumber: "2", account: "A", closing: "12.5", opening: "0" };
    for (const kind of KINDS) expect(isWhole(kind, form), kind).toBe(true);
    for (const wrong of ["1,5", "-1", "1e3", "", "12."]) expect(isWhole("remove", { ...form, closing: wrong }), wrong).toBe(false);
    expect(isWhole("install", { ...form, closing: "" })).toBe(true);
  });
  it("sends what the act knows and nothing else, with its key and reason", () => {
    const form = { ...emptyAct(" 1 "), barCode: "B", newNumber: "2", account: " A ", closing: "12.50", closingSource: "estimated" as const, opening: "0.003" };
    expect(actFrom("exchange", form, "k", "why").body).toEqual({
      key: "k", reason: "why", old: { number: "1", bar_code: "B", frame_number: "" }, new: { number: "2", bar_code: "", frame_number: "" },
      closing: { m3: "12.50", source: "estimated" }, opening: { m3: "0.003", source: "read" }, person: "", contractor: "",
    });
    expect(Object.keys(actFrom("move", form, "k", "why").body).sort()).toEqual(["account_number", "key", "meter", "reason", "register"]);
    expect(Object.keys(actFrom("remove", form, "k", "why").body).sort()).toEqual(["closing", "key", "meter", "person", "reason"]);
    expect(kindOf("nonsense")).toBe("install");
    expect(fieldsOf("move")).not.toContain("opening");
  });
});
