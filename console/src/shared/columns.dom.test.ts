// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { columnsFrom, toggled, turned, type Column } from "@/shared/columns";

const ALL: readonly Column[] = [
  { name: "number", label: "Number", fixed: true, sort: "up" },
  { name: "area", label: "Area" },
  { name: "imei", label: "IMEI", extra: true },
  { name: "seen", label: "Seen", sort: "down" },
  { name: "acts", label: "Acts", fixed: true, silent: true },
];
const names = (columns: readonly Column[]): string => columns.map((column) => column.name).join();

describe("columns of a list", () => {
  it("come in their own order, what is fixed with them; the usual ones for anything else", () => {
    expect(names(columnsFrom(ALL, "imei,area,nonsense"))).toBe("number,area,imei,acts");
    for (const text of ["", "usual", "number", "nonsense"]) expect(names(columnsFrom(ALL, text))).toBe("number,area,seen,acts");
  });
  it("are switched one by one; the usual choice needs no text", () => {
    const without = toggled(ALL, columnsFrom(ALL, ""), "area");
    expect(without).toBe("seen");
    expect(toggled(ALL, columnsFrom(ALL, without), "area")).toBe("");
    expect(toggled(ALL, columnsFrom(ALL, ""), "imei")).toBe("area,imei,seen");
  });
  it("are sorted by their own way first, then by the other, and back", () => {
    const [number, , , seen] = ALL as [Column, Column, Column, Column];
    expect(turned("-seen", number)).toBe("number");
    expect(turned("number", number)).toBe("-number");
    expect(turned("-number", number)).toBe("number");
    expect(turned("number", seen)).toBe("-seen");
    expect(turned("-seen", seen)).toBe("seen");
  });
});
