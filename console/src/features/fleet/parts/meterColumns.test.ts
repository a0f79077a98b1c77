// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { columnsFrom, toggled, USUAL } from "./meterColumns";

describe("columns of the list", () => {
  it("come from the address in their own order, the usual ones for anything else", () => {
    expect(columnsFrom("imei,area,nonsense").map((column) => column.name)).toEqual(["area", "imei"]);
    expect(columnsFrom("usual").map((column) => column.name)).toEqual(USUAL);
  });
  it("are switched one by one; the usual choice needs no text", () => {
    const usual = columnsFrom("");
    const without = toggled(usual, "imei");
    expect(without.split(",")).toEqual(USUAL.filter((name) => name !== "imei"));
    expect(toggled(columnsFrom(without), "imei")).toBe("");
  });
});
